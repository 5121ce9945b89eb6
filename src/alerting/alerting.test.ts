import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import type { Alert, AlertChange } from '../core/alert.ts'
import { fingerprint, type Labels } from '../core/labels.ts'
import type { Notification } from '../core/notification.ts'
import type { EpisodeRecord, GroupRecord } from '../core/records.ts'
import { type Alerting, createAlerting } from './alerting.ts'
import { type AlertingConfig, alertingSchema, type ReceiverKind } from './config.ts'

const entry = z.strictObject({ name: z.string().optional(), send_resolved: z.boolean().default(true) })
const KINDS: readonly ReceiverKind[] = [
  { kind: 'chat', configKey: 'chat_configs', audience: 'person', schema: entry },
  { kind: 'pager', configKey: 'pager_configs', audience: 'machine', schema: entry },
]

const START = 1_767_225_600_000
const SECOND = 1_000

function configOf(document: unknown): AlertingConfig {
  return alertingSchema(KINDS).parse(document)
}

const ROUTE = { receiver: 'team', group_by: ['job'], group_wait: '30s', group_interval: '5m', repeat_interval: '4h' }
const TEAM = { name: 'team', chat_configs: [{ name: 'chat' }] }
const BOTH = { name: 'team', chat_configs: [{ name: 'chat' }], pager_configs: [{ name: 'pager' }] }

/** The pipeline with a store that keeps what was committed, and a clock that tests move. */
function createPipeline(first: unknown = { route: ROUTE, receivers: [TEAM] }) {
  let config = configOf(first)
  let now = START
  let ids = 0
  const world = { now: () => now, uuid: () => `id-${(ids += 1)}` }
  const rows = new Map<string, GroupRecord>()
  const episodes = new Map<string, EpisodeRecord>()
  const told: { readonly at: number; readonly notification: Notification }[] = []
  const firing = new Map<string, Alert>()
  let alerting = createAlerting({ config, world })

  function accept(plan: ReturnType<Alerting['plan']>): void {
    const { outcome } = plan
    for (const key of outcome.groups.remove) rows.delete(key)
    for (const row of outcome.groups.put) rows.set(row.key, structuredClone(row))
    for (const episode of outcome.episodes) episodes.set(episode.episode, episode)
    told.push(...outcome.notifications.map((notification) => ({ at: (now - START) / SECOND, notification })))
    plan.accept()
  }

  function change(...changes: AlertChange[]): void {
    accept(alerting.plan(changes, now))
  }

  const fired = (name: string, more: { labels?: Labels; source?: string } = {}): AlertChange => {
    const labels = { alertname: name, job: 'node', ...more.labels }
    const source = more.source ?? 'rule/f/g/x'
    const alert: Alert = {
      episode: world.uuid(),
      fingerprint: fingerprint(labels),
      source,
      labels,
      annotations: {},
      startsAt: now,
      endsAt: undefined,
      end: undefined,
      isUnknown: false,
      generatorUrl: '',
    }
    firing.set(`${name} ${source}`, alert)
    return { kind: 'firing', alert }
  }
  const ended = (name: string, end: 'resolved' | 'closed' = 'resolved', source = 'rule/f/g/x'): AlertChange => {
    const alert = firing.get(`${name} ${source}`)
    if (alert === undefined) throw new Error(`${name} does not fire`)
    return { kind: 'ended', alert: { ...alert, endsAt: now, end } }
  }
  const unseen = (name: string, isUnknown = true): AlertChange => {
    const alert = firing.get(`${name} rule/f/g/x`)
    if (alert === undefined) throw new Error(`${name} does not fire`)
    return { kind: 'updated', alert: { ...alert, isUnknown } }
  }

  return {
    change,
    fired,
    ended,
    unseen,
    rows,
    get alerting() {
      return alerting
    },
    /** Moves time, letting each timer act at its own time. */
    wait(seconds: number): void {
      const end = now + seconds * SECOND
      for (;;) {
        const due = alerting.nextDue()
        if (due === undefined || due > end) break
        now = Math.max(now, due)
        accept(alerting.tick(now))
      }
      now = end
    },
    restart(): void {
      alerting = createAlerting({ config, world })
      const stored = [...episodes.values()].filter(({ endsAt }) => endsAt === undefined)
      alerting.restore({ groups: [...rows.values()], episodes: stored })
    },
    reload(document: unknown): void {
      config = configOf(document)
      alerting.reload(config)
    },
    /** What was told since the last time this was asked: `30 chat first +A +B -C`. */
    heard(): readonly string[] {
      return told.splice(0).map(({ at, notification: { destination, reason, alerts, truncated } }) => {
        const names = alerts.map(
          ({ labels, endsAt, isUnknown }) =>
            `${endsAt === undefined ? '+' : '-'}${labels['alertname']}${isUnknown ? '?' : ''}`,
        )
        const more = truncated > 0 ? ` (${truncated} more)` : ''
        return `${at} ${destination} ${reason} ${names.toSorted().join(' ')}${more}`
      })
    },
    take: () => told.splice(0).map(({ notification }) => notification),
  }
}

/** A life of one group with everything in it, with or without a restart after each step. */
function story(isRestarting: boolean): { readonly heard: readonly string[]; readonly rows: number } {
  const pipeline = createPipeline({ route: { ...ROUTE, repeat_interval: '20m' }, receivers: [BOTH] })
  const steps = [
    () => pipeline.change(pipeline.fired('A')),
    () => pipeline.change(pipeline.fired('B')),
    () => pipeline.wait(31),
    () => pipeline.change(pipeline.ended('A'), pipeline.fired('C')),
    () => pipeline.change(pipeline.fired('D'), pipeline.fired('A')),
    () => pipeline.change(pipeline.ended('B'), pipeline.unseen('D')),
    () => pipeline.change(pipeline.fired('E')),
    () => pipeline.wait(500),
    () => pipeline.change(pipeline.ended('D', 'closed')),
    () => pipeline.wait(5_000),
    () => pipeline.change(pipeline.ended('A'), pipeline.ended('C'), pipeline.ended('E')),
    () => pipeline.wait(5_000),
  ]
  for (const step of steps) {
    step()
    if (isRestarting) pipeline.restart()
  }
  return { heard: pipeline.heard(), rows: pipeline.rows.size }
}

describe('with first_message: immediate', () => {
  test("a group's first alert goes out at once, and what joins within group_wait together at its end", () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(5)
    pipeline.change(pipeline.fired('B'))
    pipeline.wait(5)
    pipeline.change(pipeline.fired('C'))
    pipeline.wait(60)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '30 chat new-alerts +A +B +C'])
  })

  test('later members go out at once while there are tokens, then at the tick; a token returns each interval', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(60)
    pipeline.heard()
    for (const name of ['B', 'C', 'D', 'E', 'F']) {
      pipeline.change(pipeline.fired(name))
      pipeline.wait(1)
    }

    expect(pipeline.heard()).toEqual([
      '60 chat new-alerts +A +B',
      '61 chat new-alerts +A +B +C',
      '62 chat new-alerts +A +B +C +D',
    ])
    pipeline.wait(300)
    expect(pipeline.heard()).toEqual(['300 chat new-alerts +A +B +C +D +E +F'])
    pipeline.change(pipeline.fired('G'))
    pipeline.change(pipeline.fired('H'))
    expect(pipeline.heard()).toEqual(['365 chat new-alerts +A +B +C +D +E +F +G'])
  })

  test('one that is more severe than any told does not wait for group_wait', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A', { labels: { severity: 'warning' } }))
    pipeline.wait(1)
    pipeline.change(pipeline.fired('B', { labels: { severity: 'warning' } }))
    pipeline.change(pipeline.fired('C', { labels: { severity: 'critical' } }))

    expect(pipeline.heard()).toEqual(['0 chat first +A', '1 chat more-severe +A +B +C'])
  })

  test('an end waits for the tick, and one that fires again before it was never over', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.fired('B'))
    pipeline.wait(40)
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(40)
    pipeline.change(pipeline.ended('B'))
    pipeline.wait(40)
    pipeline.change(pipeline.fired('B'))
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '30 chat new-alerts +A +B', '300 chat resolved +B -A'])
  })

  test('what ends before it was told is never told', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(1)
    pipeline.change(pipeline.fired('B'))
    pipeline.wait(1)
    pipeline.change(pipeline.ended('B'))
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A'])
  })

  test('what fires and ends within one commit is told all the same', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'), pipeline.ended('A'))
    pipeline.wait(300)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '300 chat resolved -A'])
    expect(pipeline.rows.size).toBe(0)
  })

  test('a group is gone after its last end, and the next alert opens it anew', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(301)
    expect(pipeline.rows.size).toBe(0)
    pipeline.change(pipeline.fired('A'))

    expect(pipeline.heard()).toEqual(['0 chat first +A', '300 chat resolved -A', '301 chat first +A'])
  })

  test('what still fires is told again at the first tick after repeat_interval', () => {
    const pipeline = createPipeline({ route: { ...ROUTE, repeat_interval: '12m' }, receivers: [TEAM] })
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(2_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '900 chat repeat +A', '1800 chat repeat +A'])
  })
})

describe('with first_message: wait', () => {
  const WAIT = { first_message: 'wait', route: ROUTE, receivers: [TEAM] }

  test('everything comes when Alertmanager would tell it', () => {
    const pipeline = createPipeline(WAIT)
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(10)
    pipeline.change(pipeline.fired('B', { labels: { severity: 'critical' } }))
    pipeline.wait(30)
    pipeline.change(pipeline.fired('C', { labels: { severity: 'critical' } }))
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['30 chat first +A +B', '330 chat new-alerts +B +C -A'])
  })

  test('what ends before group_wait produces nothing, and leaves nothing', () => {
    const pipeline = createPipeline(WAIT)
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(10)
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(100)

    expect(pipeline.heard()).toEqual([])
    expect(pipeline.rows.size).toBe(0)
    expect(pipeline.alerting.nextDue()).toBeUndefined()
  })

  test('an alert that is older than group_wait does not wait again', () => {
    const pipeline = createPipeline(WAIT)
    const old = pipeline.fired('A')
    pipeline.change({ ...old, alert: { ...old.alert, startsAt: START - 60_000 } })

    expect(pipeline.heard()).toEqual(['0 chat first +A'])
  })
})

describe('ends', () => {
  test('a closed alert is resolved for machines and passed over for people', () => {
    const pipeline = createPipeline({ route: ROUTE, receivers: [BOTH] })
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.ended('A', 'closed'))
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '0 pager first +A', '300 pager resolved -A'])
  })

  test('what is closed before anybody was told of it is still told: it happened', () => {
    const pipeline = createPipeline({ route: ROUTE, receivers: [BOTH] })
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(1)
    pipeline.change(pipeline.fired('B'))
    pipeline.change(pipeline.ended('B', 'closed'))
    pipeline.restart()
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual([
      '0 chat first +A',
      '0 pager first +A',
      '30 chat new-alerts +A +B',
      '30 pager new-alerts +A +B',
      '300 pager resolved +A -B',
    ])
  })

  test('a destination without send_resolved hears of no end', () => {
    const receivers = [{ name: 'team', chat_configs: [{ name: 'chat', send_resolved: false }, { name: 'other' }] }]
    const pipeline = createPipeline({ route: ROUTE, receivers })
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '0 other first +A', '300 other resolved -A'])
  })

  test('an alert with two sources fires while either says so', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A', { source: 'api' }))
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.ended('A', 'resolved', 'api'))
    pipeline.wait(400)
    expect(pipeline.heard()).toEqual(['0 chat first +A'])
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(400)

    expect(pipeline.heard()).toEqual(['600 chat resolved -A'])
  })

  test('the end of what nobody knew to fire changes nothing', () => {
    const pipeline = createPipeline()
    const alert = pipeline.fired('A')
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(400)

    expect(alert.kind).toBe('firing')
    expect(pipeline.heard()).toEqual([])
  })
})

describe('unknown', () => {
  test('one notice when an alert can no longer be seen, none when it can again', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.wait(60)
    pipeline.change(pipeline.unseen('A'))
    pipeline.change(pipeline.unseen('A'))
    pipeline.restart()
    pipeline.wait(600)
    pipeline.change(pipeline.unseen('A', false))
    pipeline.wait(600)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '60 chat changed +A?'])
  })

  test('many that are lost together are one notice', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'), pipeline.fired('B'))
    pipeline.wait(60)
    pipeline.change(pipeline.unseen('A'), pipeline.unseen('B'))

    expect(pipeline.heard()).toEqual(['0 chat first +A +B', '60 chat changed +A? +B?'])
  })
})

describe('storage', () => {
  test('a plan that was not accepted is as if it had never been made', () => {
    const pipeline = createPipeline()
    pipeline.alerting.plan([pipeline.fired('A')], START)

    expect(pipeline.alerting.activeAlerts()).toEqual([])
    expect(pipeline.alerting.nextDue()).toBeUndefined()
    pipeline.change(pipeline.fired('A'))
    expect(pipeline.heard()).toEqual(['0 chat first +A'])
  })

  test('a plan made before another was accepted is refused', () => {
    const pipeline = createPipeline()
    const late = pipeline.alerting.plan([pipeline.fired('B')], START)
    pipeline.change(pipeline.fired('A'))

    expect(() => late.accept()).toThrow('contradicts itself')
  })

  test('a restart at any moment changes nothing that is told', () => {
    expect(story(true)).toEqual(story(false))
    expect(story(false).rows).toBe(0)
    expect(story(false).heard.length).toBeGreaterThan(10)
  })

  test('what fires again while its end waits is still known to be told after a restart', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.change(pipeline.ended('A'))
    pipeline.change(pipeline.fired('A'))
    pipeline.restart()
    pipeline.wait(400)
    pipeline.change(pipeline.ended('A'))
    pipeline.wait(400)

    expect(pipeline.heard()).toEqual(['0 chat first +A', '600 chat resolved -A'])
  })

  test('a change writes what changed, not the whole group', () => {
    const pipeline = createPipeline()
    const names = Array.from({ length: 500 }, (_, index) => `A${index}`)
    pipeline.change(...names.map((name) => pipeline.fired(name)))
    pipeline.wait(40)
    const first = pipeline.alerting.plan([pipeline.ended('A0')], START + 40_000)
    first.accept()
    const second = pipeline.alerting.plan([pipeline.ended('A1')], START + 40_000)

    expect(second.outcome.groups.put).toHaveLength(1)
    expect(JSON.stringify(second.outcome).length).toBeLessThan(2_000)
  })
})

describe('another configuration', () => {
  test('a group whose route is gone still tells the end of what it told, and nothing else', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.reload({ route: { ...ROUTE, group_by: ['alertname'] }, receivers: [TEAM] })
    pipeline.wait(1)
    expect(pipeline.heard()).toEqual(['0 chat first +A', '0 chat first +A'])
    pipeline.change(pipeline.ended('A'))
    pipeline.restart()
    pipeline.wait(20_000)

    expect(pipeline.heard()).toEqual(['1 chat resolved -A', '300 chat resolved -A'])
    expect(pipeline.rows.size).toBe(0)
  })

  test('a destination that is added is told what fires, and of no end it never heard the beginning of', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'), pipeline.fired('B'))
    pipeline.wait(10)
    pipeline.change(pipeline.ended('B'))
    pipeline.heard()
    pipeline.reload({ route: ROUTE, receivers: [BOTH] })
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['10 chat resolved +A -B', '10 pager first +A'])
  })

  test('the same configuration again changes nothing', () => {
    const pipeline = createPipeline()
    pipeline.change(pipeline.fired('A'))
    pipeline.reload({ route: ROUTE, receivers: [TEAM] })
    pipeline.wait(1_000)

    expect(pipeline.heard()).toEqual(['0 chat first +A'])
  })
})

describe('many alerts', () => {
  const names = Array.from({ length: 1_500 }, (_, index) => `A${index}`)

  test('a person gets one message with the rest counted, a machine hears of all', () => {
    const pipeline = createPipeline({ route: ROUTE, receivers: [BOTH] })
    pipeline.change(...names.map((name) => pipeline.fired(name)))
    const [chat, ...pager] = pipeline.take()

    expect(chat?.alerts).toHaveLength(1_000)
    expect(chat?.truncated).toBe(500)
    expect(new Set(pager.flatMap(({ alerts }) => alerts.map(({ labels }) => labels['alertname'])))).toEqual(
      new Set(names),
    )
    expect(pager.every(({ alerts, truncated }) => alerts.length <= 1_000 && truncated === 0)).toBe(true)
  })

  test('no part of a message looks like the end of the whole group', () => {
    const pipeline = createPipeline({ route: ROUTE, receivers: [BOTH] })
    pipeline.change(pipeline.fired('last'), ...names.map((name) => pipeline.fired(name)))
    pipeline.wait(40)
    pipeline.take()
    pipeline.change(...names.map((name) => pipeline.ended(name)))
    pipeline.wait(300)
    const parts = pipeline.take().filter(({ destination }) => destination === 'pager')

    expect(parts.length).toBeGreaterThan(1)
    expect(parts.every(({ alerts }) => alerts.some(({ endsAt }) => endsAt === undefined))).toBe(true)
  })
})

describe('what status shows', () => {
  test('active alerts with their receivers, and groups with their keys', () => {
    const route = {
      ...ROUTE,
      routes: [{ receiver: 'pager', match: { severity: 'critical' }, continue: true }, { receiver: 'team' }],
    }
    const receivers = [TEAM, { name: 'pager' }]
    const pipeline = createPipeline({ route, receivers })
    pipeline.change(pipeline.fired('A', { labels: { severity: 'critical' } }))

    expect(pipeline.alerting.activeAlerts().map(({ receivers: names }) => names)).toEqual([['pager', 'team']])
    expect(pipeline.alerting.groups().map(({ groupKey, receiver }) => [groupKey, receiver])).toEqual([
      ['{}/{severity="critical"}:{job="node"}', 'pager'],
      ['{}/{}:{job="node"}', 'team'],
    ])
  })
})
