import { expect, test } from 'vitest'

import { createVirtualWorld } from '../../../test/support/virtual-world.ts'
import type { Alert } from '../../core/alert.ts'
import type { Notification } from '../../core/notification.ts'
import { serveFake } from '../../fakes/serve.ts'
import { createWebhookSink } from '../../fakes/webhook-sink.ts'
import type { Logger } from '../../lib/log.ts'
import { createWorld } from '../../lib/world.ts'
import type { ChannelWorld } from '../channel.ts'
import { webhookSchema } from './config.ts'
import { createWebhook } from './webhook.ts'

const quiet = (): void => undefined
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log }
const never = new AbortController().signal

function alertOf(name: string, more: Partial<Alert> = {}): Alert {
  return {
    episode: name,
    fingerprint: '00112233aabbccdd',
    source: 'api',
    labels: { alertname: name, job: 'node' },
    annotations: { summary: `${name} fires`, owner: 'us' },
    startsAt: Date.UTC(2026, 0, 1),
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: 'http://watch.test/rules',
    ...more,
  }
}

const NOTIFICATION: Notification = {
  id: '01890000-0000-7000-8000-000000000000',
  receiver: 'team.a',
  destination: 'team/webhook/0',
  groupKey: '{}:{job="node"}',
  groupLabels: { job: 'node' },
  reason: 'first',
  alerts: [alertOf('A'), alertOf('B', { endsAt: Date.UTC(2026, 0, 1, 0, 5), end: 'resolved' })],
  truncated: 0,
  causedAt: 0,
}

/** A webhook to a sink on a virtual network. */
function createPair(config: Record<string, unknown> = {}) {
  const sink = createWebhookSink()
  const world = createVirtualWorld({ seed: 1 })
  world.onFetch(sink.service)
  const given: ChannelWorld = { ...world, log, externalUrl: 'https://watch.test', timeZone: 'UTC' }
  return {
    sink,
    world,
    webhook: createWebhook(webhookSchema.parse({ url: 'http://sink.test/alerts', ...config }), given),
  }
}

test('posts Alertmanager’s version 4 JSON, and the notification’s id as webhook-id', async () => {
  const { sink, webhook } = createPair()
  await webhook.send(NOTIFICATION, never)

  expect(sink.accepted.map(({ id }) => id)).toEqual([NOTIFICATION.id])
  expect(sink.accepted[0]?.headers.get('content-type')).toBe('application/json')
  expect(sink.accepted[0]?.body).toEqual({
    version: '4',
    groupKey: '{}:{job="node"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: String.raw`team\.a`,
    groupLabels: { job: 'node' },
    commonLabels: { job: 'node' },
    commonAnnotations: { owner: 'us' },
    externalURL: 'https://watch.test',
    notification_reason: 'first notification',
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'A', job: 'node' },
        annotations: { summary: 'A fires', owner: 'us' },
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://watch.test/rules',
        fingerprint: '00112233aabbccdd',
      },
      {
        status: 'resolved',
        labels: { alertname: 'B', job: 'node' },
        annotations: { summary: 'B fires', owner: 'us' },
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '2026-01-01T00:05:00.000Z',
        generatorURL: 'http://watch.test/rules',
        fingerprint: '00112233aabbccdd',
      },
    ],
  })
})

test('is resolved when every alert is over, and says of unknown ones what they are', async () => {
  const { sink, webhook } = createPair()
  const over = { endsAt: 1, end: 'closed' } as const
  await webhook.send({ ...NOTIFICATION, reason: 'resolved', alerts: [alertOf('A', over)] }, never)
  await webhook.send({ ...NOTIFICATION, alerts: [alertOf('A', { isUnknown: true })] }, never)

  expect(sink.accepted[0]?.body).toMatchObject({ status: 'resolved', notification_reason: 'all alerts resolved' })
  expect(sink.accepted[1]?.body).toMatchObject({
    status: 'firing',
    alerts: [{ status: 'firing', annotations: { chainwarden_unknown: 'true' } }],
  })
})

test('leaves out alerts beyond max_alerts, and counts them', async () => {
  const { sink, webhook } = createPair({ max_alerts: 1 })
  await webhook.send({ ...NOTIFICATION, truncated: 5 }, never)

  expect(sink.accepted[0]?.body).toMatchObject({ truncatedAlerts: 6, alerts: [{ labels: { alertname: 'A' } }] })
})

test.each([
  [{ basic_auth: { username: 'me', password: 'pass' } }, 'Basic bWU6cGFzcw=='],
  [{ authorization: { credentials: 'token' } }, 'Bearer token'],
  [{ bearer_token: 'token' }, 'Bearer token'],
  [{ http_headers: { authorization: { values: ['Own'], secrets: ['word'] } } }, 'Own, word'],
])('says who it is by %j', async (http_config, header) => {
  const { sink, webhook } = createPair({ http_config })
  await webhook.send(NOTIFICATION, never)

  expect(sink.accepted[0]?.headers.get('authorization')).toBe(header)
})

test.each([
  [{ status: 500 }, { reason: 'server-error', retry: true }],
  [
    { status: 429, headers: { 'retry-after': '7' } },
    { reason: 'rate-limited', retry: true, retryAfterMs: 7_000 },
  ],
  [
    { status: 400, body: 'no' },
    { reason: 'rejected', retry: false },
  ],
  [{ status: 401 }, { reason: 'auth', retry: false }],
  [{ status: 410 }, { reason: 'not-found', retry: false }],
  [
    { status: 301, headers: { location: 'http://elsewhere.test' } },
    { reason: 'rejected', retry: false },
  ],
])('what answers %j is not accepted', async (trouble, error) => {
  const { sink, webhook } = createPair()
  sink.trouble(trouble)

  await expect(webhook.send(NOTIFICATION, never)).rejects.toMatchObject(error)
  expect(sink.requests()).toBe(1)
})

test('shows no secret of its URL', async () => {
  const { webhook } = createPair({ url: 'http://user:hunter2@sink.test/hooks/0123456789abcdef0123456789?key=s3cret' })
  const failure = await webhook
    .send(NOTIFICATION, AbortSignal.abort(new Error('stop')))
    .catch((error: unknown) => error)
  const { sink, webhook: other } = createPair({ url: 'http://sink.test/hooks/0123456789abcdef0123456789?key=s3cret' })
  sink.trouble({ status: 500 })
  const refusal = await other.send(NOTIFICATION, never).catch((error: unknown) => error)

  expect(`${String(failure)} ${String(refusal)}`).not.toMatch(/hunter2|0123456789abcdef|s3cret/)
  expect(String(refusal)).toContain('sink.test')
})

test('shows no path of its URL, however short, also where the answer quotes it', async () => {
  const { sink, webhook } = createPair({ url: 'http://sink.test/hooks/k3y-of-ours' })
  sink.trouble({ status: 404, body: 'Cannot POST /hooks/k3y-of-ours' })
  const refusal = await webhook.send(NOTIFICATION, never).catch((error: unknown) => error)

  expect(String(refusal)).toContain('Cannot POST')
  expect(String(refusal)).not.toMatch(/k3y/)
})

test('reaches a real server', async () => {
  const sink = createWebhookSink()
  const served = await serveFake(sink.service)
  const given: ChannelWorld = { ...createWorld(), log, externalUrl: '', timeZone: 'UTC' }
  const webhook = createWebhook(webhookSchema.parse({ url: `${served.url}/alerts` }), given)
  const receipt = await webhook.send(NOTIFICATION, never)
  await served.close()

  expect(receipt.answer).toBe('200')
  expect(sink.accepted).toHaveLength(1)
  await expect(webhook.send(NOTIFICATION, never)).rejects.toMatchObject({ reason: 'unreachable', retry: true })
})

test.each([[{}], [{ url: 'ftp://x' }], [{ url: 'http://x', typo: 1 }], [{ url: 'http://x', max_alerts: -1 }]])(
  '%j is refused',
  (config) => {
    expect(webhookSchema.safeParse(config).success).toBe(false)
  },
)
