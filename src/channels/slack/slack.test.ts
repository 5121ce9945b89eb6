import { describe, expect, test } from 'vitest'

import { someAlert, someNotification } from '../../../test/support/notifications.ts'
import { createVirtualWorld } from '../../../test/support/virtual-world.ts'
import type { Alert } from '../../core/alert.ts'
import { createFakeSlack } from '../../fakes/slack.ts'
import type { Logger } from '../../lib/log.ts'
import type { ChannelWorld } from '../channel.ts'
import { slackSchema } from './config.ts'
import { createSlack } from './slack.ts'

const quiet = (): void => undefined
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log }
const never = new AbortController().signal

function alertOf(name: string, more: Partial<Alert> = {}): Alert {
  const labels = { alertname: name, severity: 'critical' }
  return someAlert({ episode: name, fingerprint: name, labels, annotations: { summary: `${name} fires` }, ...more })
}

function createPair(config: Record<string, unknown> = {}) {
  const world = createVirtualWorld({ seed: 1 })
  const fake = createFakeSlack(() => world.now())
  world.onFetch(fake.service)
  const given: ChannelWorld = { ...world, log, externalUrl: 'https://watch.test', timeZone: 'UTC' }
  const slack = createSlack(slackSchema.parse({ api_url: `https://hooks.slack.test${fake.path}`, ...config }), given)
  const textsOf = () => fake.messages.at(-1)?.attachments?.[0]?.blocks?.map(({ text }) => text?.text ?? '') ?? []
  return { world, fake, slack, textsOf }
}

describe('a message', () => {
  test('of one alert is its line, in the colour of its severity', async () => {
    const { fake, slack, textsOf } = createPair({ channel: '#alerts', username: 'warden' })
    await slack.send(someNotification([alertOf('A')]), never)

    expect(fake.messages[0]).toMatchObject({ text: '[CRITICAL] A fires', channel: '#alerts', username: 'warden' })
    expect(fake.messages[0]?.attachments?.[0]?.color).toBe('#d00000')
    expect(textsOf()).toEqual([
      '*<https://watch.test|[FIRING:1] A>*',
      '*[CRITICAL] A fires*\n_since 2026-01-01 00:00:00 UTC_',
    ])
  })

  test('is green when it is over', async () => {
    const { fake, slack } = createPair()
    await slack.send(someNotification([alertOf('A', { endsAt: 1, end: 'resolved' })]), never)

    expect(fake.messages[0]?.text).toBe('[RESOLVED] A fires')
    expect(fake.messages[0]?.attachments?.[0]?.color).toBe('#2eb67d')
  })

  test('escapes what other people wrote, so that nothing of it means something to Slack', async () => {
    const { fake, slack, textsOf } = createPair()
    const annotations = { summary: '<!channel> & <https://evil.test|click>', runbook_url: 'https://run.test/?a=1&b=|2' }
    await slack.send(someNotification([alertOf('A', { annotations })]), never)

    const all = `${fake.messages[0]?.text}\n${textsOf().join('\n')}`
    expect(all).not.toContain('<!channel>')
    expect(all).not.toContain('<https://evil.test')
    expect(all).toContain('&lt;!channel&gt; &amp; &lt;https://evil.test|click&gt;')
    expect(all).toContain('<https://run.test/?a=1&amp;b=%7C2|Runbook>')
  })

  test('takes title, text and colour from the configuration', async () => {
    const { fake, slack, textsOf } = createPair({
      title: 'Look',
      title_link: 'https://x.test',
      text: 'now',
      color: 'danger',
    })
    await slack.send(someNotification([alertOf('A'), alertOf('B')]), never)

    expect(fake.messages[0]?.text).toBe('Look')
    expect(fake.messages[0]?.attachments?.[0]?.color).toBe('danger')
    expect(textsOf().slice(0, 2)).toEqual(['*<https://x.test|Look>*', 'now'])
  })

  test.each([
    ['many alerts', Array.from({ length: 1_000 }, (_, index) => alertOf(`A${index}`))],
    [
      'long texts',
      Array.from({ length: 40 }, (_, index) =>
        alertOf(`A${index}`, {
          annotations: { summary: '<'.repeat(5_000), description: '&'.repeat(9_000), owner: 'x'.repeat(4_000) },
        }),
      ),
    ],
    ['long links', [alertOf('A', { annotations: { runbook_url: `https://x.test/${'a'.repeat(5_000)}` } })]],
    ['no text at all', [alertOf('', { annotations: {}, labels: {} })]],
  ])('with %s stays within what Slack takes', async (_, alerts) => {
    const { fake, slack } = createPair()
    await slack.send(someNotification(alerts), never)

    expect(fake.messages).toHaveLength(1)
  })

  test('counts the alerts that have no room', async () => {
    const { slack, textsOf } = createPair()
    const alerts = Array.from({ length: 200 }, (_, index) =>
      alertOf(`A${index}`, { annotations: { summary: 'x'.repeat(400) } }),
    )
    await slack.send(someNotification(alerts, { truncated: 50 }), never)
    const shown = textsOf().filter((text) => text.startsWith('*[CRITICAL]')).length

    expect(shown).toBeGreaterThan(5)
    expect(textsOf().at(-1)).toContain(`and ${250 - shown} more`)
  })
})

describe('an answer', () => {
  test('of 429 says how long to wait, and the message is taken then', async () => {
    const { world, fake, slack } = createPair()
    for (let index = 0; index < 4; index += 1) await slack.send(someNotification([alertOf('A')]), never)

    await expect(slack.send(someNotification([alertOf('A')]), never)).rejects.toMatchObject({
      reason: 'rate-limited',
      retry: true,
      retryAfterMs: 1_000,
    })
    await world.advance(1_000)
    await slack.send(someNotification([alertOf('A')]), never)
    expect(fake.messages).toHaveLength(5)
  })

  test.each([
    ['no_service', 'not-found'],
    ['channel_is_archived', 'not-found'],
    ['action_prohibited', 'auth'],
  ] as const)('of %s is for good', async (word, reason) => {
    const { fake, slack } = createPair()
    fake.revoke(word)

    await expect(slack.send(someNotification([alertOf('A')]), never)).rejects.toMatchObject({ reason, retry: false })
  })

  test.each([
    [200, 'no_team', { reason: 'not-found', retry: false }],
    [200, 'something_new', { reason: 'rejected', retry: false }],
    [200, '<html>sign in</html>', { reason: 'malformed', retry: true }],
    [500, 'rollup_error', { reason: 'server-error', retry: true }],
    [400, 'invalid_payload', { reason: 'rejected', retry: false }],
  ])('of %i %s is no acceptance', async (status, body, error) => {
    const { world, slack } = createPair()
    world.onFetch(() => new Response(body, { status }))

    await expect(slack.send(someNotification([alertOf('A')]), never)).rejects.toMatchObject(error)
  })

  test('shows nothing of the URL in an error', async () => {
    const { world, slack } = createPair()
    world.onFetch(() => new Response('', { status: 503 }))
    const refusal = await slack.send(someNotification([alertOf('A')]), never).catch((error: unknown) => error)

    expect(String(refusal)).not.toContain('services')
  })
})

test('templates are refused with a sentence until they are served', () => {
  const parsed = slackSchema.safeParse({ api_url: 'https://x.test', title: '{{ .CommonLabels.alertname }}' })

  expect(parsed.error?.issues[0]?.message).toContain('templates are not yet supported')
})
