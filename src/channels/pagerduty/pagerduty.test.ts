import { createHash } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { someAlert, someNotification } from '../../../test/support/notifications.ts'
import { createVirtualWorld } from '../../../test/support/virtual-world.ts'
import type { Alert } from '../../core/alert.ts'
import type { Notification } from '../../core/notification.ts'
import { createFakePagerduty } from '../../fakes/pagerduty.ts'
import type { Logger } from '../../lib/log.ts'
import type { ChannelWorld } from '../channel.ts'
import { pagerdutySchema } from './config.ts'
import { createPagerduty } from './pagerduty.ts'

const never = new AbortController().signal
const KEY = '0123456789abcdef0123456789abcdef'

function alertOf(name: string, more: Partial<Alert> = {}): Alert {
  const labels = { alertname: name, severity: 'critical', target: 'tesseract' }
  const annotations = { summary: `${name} fires`, runbook_url: 'https://run.test' }
  return someAlert({ episode: name, fingerprint: name, labels, annotations, ...more })
}

function notificationOf(alerts: readonly Alert[], more: Partial<Notification> = {}): Notification {
  return someNotification(alerts, { destination: 'team/pagerduty/0', groupKey: '{}:{alertname="A"}', ...more })
}

const OVER = { endsAt: Date.UTC(2026, 0, 2), end: 'resolved' } as const

function createPair(config: Record<string, unknown> = { routing_key: KEY }) {
  const world = createVirtualWorld({ seed: 1 })
  const fake = createFakePagerduty()
  world.onFetch(fake.service)
  const lines: string[] = []
  const say = (message: string): void => void lines.push(message)
  const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log }
  const given: ChannelWorld = { ...world, log, externalUrl: 'https://watch.test', timeZone: 'UTC' }
  const entry = pagerdutySchema.parse({ url: `http://pagerduty.test${fake.path}`, ...config })
  return { world, fake, lines, pagerduty: createPagerduty(entry, given) }
}

describe('an incident', () => {
  test('is opened once for a group and resolved when all of it is over', async () => {
    const { fake, pagerduty } = createPair()
    await pagerduty.send(notificationOf([alertOf('A')]), never)
    await pagerduty.send(notificationOf([alertOf('A'), alertOf('B')]), never)
    await pagerduty.send(notificationOf([alertOf('B'), alertOf('A', OVER)]), never)
    expect(fake.incidents().map(({ status }) => status)).toEqual(['triggered'])
    await pagerduty.send(notificationOf([alertOf('A', OVER), alertOf('B', OVER)]), never)

    expect(fake.incidents()).toEqual([
      {
        key: createHash('sha256').update('{}:{alertname="A"}').digest('hex'),
        status: 'resolved',
        summary: '[CRITICAL] A fires',
        severity: 'critical',
        source: 'tesseract',
      },
    ])
  })

  test('says what fires, since when, and where to look', async () => {
    const { fake, pagerduty } = createPair()
    await pagerduty.send(notificationOf([alertOf('A'), alertOf('B', OVER)]), never)

    expect(fake.events[0]).toMatchObject({
      event_action: 'trigger',
      client: 'Chainwarden',
      client_url: 'https://watch.test',
      links: [{ href: 'https://run.test', text: 'Runbook' }],
      payload: {
        timestamp: '2026-01-01T00:00:00.000Z',
        custom_details: {
          firing: '[CRITICAL] A fires (since 2026-01-01 00:00:00 UTC)',
          resolved: '[RESOLVED] B fires (2026-01-01 00:00:00 UTC to 2026-01-02 00:00:00 UTC)',
          num_firing: '1',
          num_resolved: '1',
        },
      },
    })
  })

  test('that fired and ended unheard is opened and resolved, so that it leaves a trace', async () => {
    const { fake, pagerduty } = createPair()
    await pagerduty.send(notificationOf([alertOf('A', OVER)], { untold: ['A'] }), never)

    expect(fake.incidents().map(({ status }) => status)).toEqual(['resolved'])
  })

  test.each([
    ['info', 'info'],
    ['warning', 'warning'],
    ['error', 'error'],
    ['critical', 'critical'],
    ['page', 'warning'],
  ])('of severity %s is %s', async (severity, expected) => {
    const { fake, pagerduty } = createPair()
    await pagerduty.send(notificationOf([alertOf('A', { labels: { alertname: 'A', severity } })]), never)

    expect(fake.incidents()[0]?.severity).toBe(expected)
  })

  test('takes source, severity, description and details from the configuration', async () => {
    const own = { source: 'tesseract-monitor', severity: 'error', description: 'Look', details: { who: 'us' } }
    const { fake, pagerduty } = createPair({ routing_key: KEY, ...own })
    await pagerduty.send(notificationOf([alertOf('A')]), never)

    expect(fake.incidents()[0]).toMatchObject({ source: 'tesseract-monitor', severity: 'error', summary: 'Look' })
    expect(fake.events[0]?.payload?.custom_details).toMatchObject({ who: 'us' })
  })

  test('with too much to say is opened all the same', async () => {
    const { fake, pagerduty } = createPair({ routing_key: KEY, details: { everything: 'x'.repeat(600_000) } })
    await pagerduty.send(notificationOf([alertOf('A', { annotations: { summary: 'y'.repeat(5_000) } })]), never)

    expect(fake.incidents()).toHaveLength(1)
    expect(fake.events[0]?.payload?.custom_details?.['error']).toContain('Left out')
  })
})

describe('an answer', () => {
  test('of 429 is tried again later', async () => {
    const { fake, pagerduty } = createPair()
    fake.throttle(1)

    await expect(pagerduty.send(notificationOf([alertOf('A')]), never)).rejects.toMatchObject({
      reason: 'rate-limited',
      retry: true,
    })
    await pagerduty.send(notificationOf([alertOf('A')]), never)
    expect(fake.incidents()).toHaveLength(1)
  })

  test('of 400 is for good, and says why without the key', async () => {
    const { pagerduty } = createPair({ routing_key: 'too-short-a-key' })
    const refusal = await pagerduty.send(notificationOf([alertOf('A')]), never).catch((error: unknown) => error)

    expect(refusal).toMatchObject({ reason: 'rejected', retry: false })
    expect(String(refusal)).toContain('routing_key')
    expect(String(refusal)).not.toContain('too-short-a-key')
  })

  test('that is a page of something else is no acceptance', async () => {
    const { world, pagerduty } = createPair()
    world.onFetch(() => new Response('<html></html>'))

    await expect(pagerduty.send(notificationOf([alertOf('A')]), never)).rejects.toMatchObject({
      reason: 'malformed',
      retry: true,
    })
  })
})

describe('the key', () => {
  test('may be a service_key, which is used with a sentence', async () => {
    const { fake, lines, pagerduty } = createPair({ service_key: KEY })
    await pagerduty.send(notificationOf([alertOf('A')]), never)

    expect(fake.incidents()).toHaveLength(1)
    expect(lines[0]).toContain('service_key')
  })

  test.each([[{}], [{ routing_key: KEY, service_key: KEY }]])('is needed exactly once: %j', (config) => {
    expect(pagerdutySchema.safeParse(config).error?.issues[0]?.message).toContain('exactly one')
  })
})
