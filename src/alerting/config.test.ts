import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { alertingSchema, DEFAULT_ALERTING, type ReceiverKind } from './config.ts'

const KINDS: readonly ReceiverKind[] = [
  {
    kind: 'chat',
    configKey: 'chat_configs',
    audience: 'person',
    globals: { api_url: 'slack_api_url', http_config: 'http_config' },
    schema: z.strictObject({
      name: z.string().optional(),
      send_resolved: z.boolean().default(false),
      api_url: z.string(),
      http_config: z.object({ follow_redirects: z.boolean() }).optional(),
    }),
  },
  {
    kind: 'console',
    configKey: 'console_configs',
    audience: 'person',
    schema: z.strictObject({ name: z.string().optional(), send_resolved: z.boolean().default(true) }),
  },
]

const schema = alertingSchema(KINDS)
const CHAT = { name: 'team', chat_configs: [{ api_url: 'https://chat.test' }] }

function faultsOf(document: unknown): readonly string[] {
  const parsed = schema.safeParse(document)
  return parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

describe('routes', () => {
  test('the defaults are Alertmanager’s', () => {
    const { route, firstMessage, resolveTimeoutMs } = schema.parse({ route: { receiver: 'team' }, receivers: [CHAT] })

    expect(route).toMatchObject({ groupWaitMs: 30_000, groupIntervalMs: 300_000, repeatIntervalMs: 14_400_000 })
    expect(route).toMatchObject({ key: '{}', groupBy: [], receiver: 'team', continues: false })
    expect(firstMessage).toBe('immediate')
    expect(resolveTimeoutMs).toBe(300_000)
  })

  test('a child inherits what it leaves out, and an empty group_by is not left out', () => {
    const document = {
      route: {
        receiver: 'team',
        group_by: ['job'],
        group_wait: '10s',
        repeat_interval: '1h',
        routes: [{ matchers: ['a=b'] }, { group_by: [], group_interval: '1m' }, { group_by: ['...'] }],
      },
      receivers: [CHAT],
    }
    const [first, second, third] = schema.parse(document).route.routes

    expect(first).toMatchObject({
      receiver: 'team',
      groupBy: ['job'],
      groupWaitMs: 10_000,
      repeatIntervalMs: 3_600_000,
    })
    expect(second).toMatchObject({ groupBy: [], groupIntervalMs: 60_000 })
    expect(third?.groupBy).toBe('all')
  })

  test('old and new matchers stand together, and the key is Alertmanager’s', () => {
    const routes = [{ match: { severity: 'critical', code: 500 }, match_re: { team: 'a|b' }, matchers: ['x!="y"'] }]
    const { route } = schema.parse({ route: { receiver: 'team', routes }, receivers: [CHAT] })

    expect(route.routes[0]?.key).toBe('{}/{code="500",severity="critical",team=~"^(?:a|b)$",x!="y"}')
  })

  test('siblings with the same matchers have ids of their own', () => {
    const routes = [{ matchers: ['a=b'], continue: true }, { matchers: ['a=b'] }]
    const { route } = schema.parse({ route: { receiver: 'team', routes }, receivers: [CHAT] })

    expect(new Set(route.routes.map(({ id }) => id)).size).toBe(2)
    expect(new Set(route.routes.map(({ key }) => key)).size).toBe(1)
  })
})

describe('receivers', () => {
  test('each entry is a destination, named by its place or by its name', () => {
    const receivers = [
      {
        name: 'team',
        chat_configs: [{ api_url: 'a' }, { api_url: 'b', name: 'ops chat', send_resolved: true }, { api_url: 'c' }],
        console_configs: [{}],
      },
    ]
    const [team] = schema.parse({ route: { receiver: 'team' }, receivers }).receivers

    expect(team?.destinations.map(({ name, sendResolved }) => [name, sendResolved])).toEqual([
      ['team/chat/0', false],
      ['ops chat', true],
      ['team/chat/2', false],
      ['team/console/0', true],
    ])
  })

  test('global stands in for what an entry leaves out', () => {
    const document = {
      global: { slack_api_url: 'https://global.test', http_config: { follow_redirects: false }, smtp_from: 'x@y' },
      route: { receiver: 'team' },
      receivers: [{ name: 'team', chat_configs: [{}, { api_url: 'https://own.test' }] }],
    }
    const [team] = schema.parse(document).receivers

    expect(team?.destinations.map(({ config }) => config)).toMatchObject([
      { api_url: 'https://global.test', http_config: { follow_redirects: false } },
      { api_url: 'https://own.test', http_config: { follow_redirects: false } },
    ])
  })

  test('a receiver may tell nobody', () => {
    expect(schema.parse({ route: { receiver: 'null' }, receivers: [{ name: 'null' }] }).receivers).toEqual([
      { name: 'null', destinations: [] },
    ])
  })

  test('with nothing configured alerts go to the console', () => {
    expect(schema.parse(DEFAULT_ALERTING).receivers[0]?.destinations.map(({ name }) => name)).toEqual(['console'])
  })
})

describe('faults', () => {
  test.each([
    [
      'an unknown receiver',
      { route: { receiver: 'team', routes: [{ receiver: 'nobody' }] } },
      'route.routes.0.receiver: there is no receiver named "nobody"',
    ],
    ['no receiver at the root', { route: {} }, 'route.receiver: the first route needs a receiver'],
    [
      'matchers at the root',
      { route: { receiver: 'team', matchers: ['a=b'] } },
      'route.matchers: the first route takes every alert',
    ],
    [
      'old matchers at the root',
      { route: { receiver: 'team', match: { a: 'b' } } },
      'route.match: the first route takes every alert',
    ],
    [
      'continue at the root',
      { route: { receiver: 'team', continue: true } },
      'route.continue: the first route has no sibling',
    ],
    [
      'a bad matcher',
      { route: { receiver: 'team', routes: [{ matchers: ['a=b', '=c'] }] } },
      'route.routes.0.matchers.1: this is no matcher',
    ],
    [
      'a bad expression',
      { route: { receiver: 'team', routes: [{ match_re: { a: '(' } }] } },
      'route.routes.0.match_re.a: no regular expression',
    ],
    [
      '... among others',
      { route: { receiver: 'team', group_by: ['...', 'a'] } },
      "route.group_by: '...' stands for every label",
    ],
    ['a label twice', { route: { receiver: 'team', group_by: ['a', 'a'] } }, 'route.group_by: a stands here twice'],
    [
      'no interval',
      { route: { receiver: 'team', group_interval: '0s' } },
      'route.group_interval: this must be longer than 0',
    ],
    ['a receiver twice', { receivers: [CHAT, CHAT] }, 'receivers.1.name: the name "team" is taken already'],
    [
      'a destination twice',
      { receivers: [{ name: 'team', console_configs: [{ name: 'x' }, { name: 'x' }] }] },
      'receivers.0: the name "x" is taken already',
    ],
    [
      'a kind we do not have yet',
      { receivers: [{ name: 'team', wechat_configs: [{}] }] },
      'receivers.0.wechat_configs: wechat_configs is not yet supported',
    ],
    ['inhibition', { inhibit_rules: [{}] }, 'inhibit_rules: inhibit_rules is not yet supported'],
    [
      'mute times',
      { route: { receiver: 'team', routes: [{ mute_time_intervals: ['x'] }] } },
      'route.routes.0.mute_time_intervals: mute_time_intervals is not yet supported',
    ],
    ['templates', { templates: ['*.tmpl'] }, 'templates: templates is not yet supported'],
  ])('%s', (_, part, fault) => {
    const faults = faultsOf({ route: { receiver: 'team' }, receivers: [CHAT], ...part })

    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(fault)
  })

  test('keys that say nothing do no harm', () => {
    const empty = { inhibit_rules: [], time_intervals: null, templates: [] }

    expect(faultsOf({ route: { receiver: 'team' }, receivers: [CHAT], ...empty })).toEqual([])
  })

  test('all of them come at once, and one that fails hides no receiver from the routes', () => {
    const faults = faultsOf({
      route: { receiver: 'team', group_wait: 'soon', routes: [{ receiver: 'gone' }] },
      receivers: [{ name: 'team', chat_configs: [{}] }],
      typo: true,
    })

    expect(faults).toHaveLength(4)
    expect(faults.join('\n')).toContain('route.group_wait')
    expect(faults.join('\n')).toContain('receivers.0.chat_configs.0.api_url')
    expect(faults.join('\n')).toContain('"typo"')
    expect(faults.join('\n')).toContain('there is no receiver named "gone"')
  })

  test.each([
    [null],
    [7],
    ['text'],
    [[]],
    [{ route: 7, receivers: 'x' }],
    [{ route: { routes: 7 }, receivers: [null, 7] }],
  ])('%j is refused, not crashed upon', (document) => {
    expect(faultsOf(document).length).toBeGreaterThan(0)
  })
})
