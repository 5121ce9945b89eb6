import { describe, expect, test } from 'vitest'

import { createVirtualWorld, type VirtualWorld } from '../../test/support/virtual-world.ts'
import type { AlertChange } from '../core/alert.ts'
import { type Labels, labelsKey } from '../core/labels.ts'
import { matchesAll } from '../core/matcher.ts'
import type { AlertStateRecord, RuleOutcome } from '../core/records.ts'
import type { Sample } from '../core/sample.ts'
import type { Logger } from '../lib/log.ts'
import { createQueryEngine, type SeriesSource } from '../promql/index.ts'
import { createRuleEngine, type RuleEngine } from './engine.ts'
import { overrideRules, type RuleOverride } from './overrides.ts'
import { parseRuleFile, type RuleGroup } from './rule-file.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Series in memory, with staleness by scope, as the embedded store has it. */
interface MemoryStore extends SeriesSource {
  append(at: number, scope: string, samples: readonly Sample[], labels?: Labels): void
  /** Every sample written under a metric, as `value{labels}@seconds`. */
  latest(name: string): readonly { readonly labels: Labels; readonly value: number }[]
}

function createStore(): MemoryStore {
  const series = new Map<string, { id: number; labels: Labels; times: number[]; values: number[]; stale: number[] }>()
  const scopes = new Map<string, Set<string>>()
  let generation = 0

  function push(key: string, labels: Labels, at: number, sample: { value: number; isStale: boolean }): void {
    let known = series.get(key)
    if (known === undefined) {
      known = { id: series.size, labels, times: [], values: [], stale: [] }
      series.set(key, known)
      generation += 1
    }
    if ((known.times.at(-1) ?? -1) >= at) return
    known.times.push(at)
    known.values.push(sample.value)
    known.stale.push(sample.isStale ? 1 : 0)
  }

  return {
    get generation() {
      return generation
    },
    append(at, scope, samples, labels = {}) {
      const before = scopes.get(scope) ?? new Set()
      const now = new Set<string>()
      for (const sample of samples) {
        const all = { ...labels, ...sample.labels, __name__: sample.name }
        const key = labelsKey(all)
        now.add(key)
        push(key, all, at, { value: sample.value, isStale: false })
      }
      for (const key of before) {
        const ended = series.get(key)
        if (!now.has(key) && ended !== undefined) push(key, ended.labels, at, { value: 0, isStale: true })
      }
      scopes.set(scope, now)
    },
    select: (matchers) => [...series.values()].filter(({ labels }) => matchesAll(matchers, labels)),
    load: (refs) => ({
      points(index) {
        const found = [...series.values()].find(({ id }) => id === refs[index]?.id)
        const { times, values, stale } = found ?? { times: [], values: [], stale: [] }
        return {
          times: Float64Array.from(times),
          values: Float64Array.from(values),
          stale: Uint8Array.from(stale),
          start: 0,
          end: times.length,
        }
      },
    }),
    latest: (name) =>
      [...series.values()]
        .filter(({ labels, stale }) => labels['__name__'] === name && stale.at(-1) === 0)
        .map(({ labels, values }) => ({ labels, value: values.at(-1) ?? 0 })),
  }
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** A process with rules, whose storage survives it. */
interface House {
  readonly world: VirtualWorld
  readonly store: MemoryStore
  readonly records: Map<string, AlertStateRecord>
  readonly changes: AlertChange[]
  readonly engine: RuleEngine
  commits: number
  /** Nothing can be committed while this is set. */
  isBroken: boolean
  /** A round of a target: each part's samples by name, or undefined where it failed. */
  round(target: string, parts: Readonly<Record<string, Readonly<Record<string, number>> | undefined>>): Promise<void>
  /** What was told, as `firing Name{target}`. */
  told(): readonly string[]
  /** The process dies, time passes, and another takes over. */
  restart(options?: { readonly downMs?: number; readonly rules?: string; readonly targets?: readonly string[] }): House
}

interface HouseOptions {
  readonly overrides?: Readonly<Record<string, RuleOverride>>
  readonly targets?: readonly string[]
}

function createHouse(rules: string, options: HouseOptions = {}): House {
  const world = createVirtualWorld({ seed: 1 })
  return open(rules, options, { world, store: createStore(), records: new Map(), changes: [] })
}

type Remains = Pick<House, 'world' | 'store' | 'records' | 'changes'>

function open(rules: string, options: HouseOptions, remains: Remains): House {
  const { world, store, records, changes } = remains
  const clock = { monotonic: () => world.monotonic(), yield: async () => world.yield() }
  const limits = { samples: 1_000_000, steps: 1_000, timeMs: 60_000 }
  const groups = overrideRules(parse(rules), options.overrides ?? {})
  const state = { isBroken: false, commits: 0, isDead: false }
  const engine = createRuleEngine({
    world,
    log: silent,
    engine: createQueryEngine({ source: store, clock, limits, defaultSubqueryStepMs: MINUTE }),
    groups,
    submit: async (outcome) => {
      await Promise.resolve()
      if (state.isBroken || state.isDead) throw new Error('the disk is full')
      state.commits += 1
      keep(records, outcome)
      changes.push(...outcome.changes)
    },
    write: (at, scope, samples) => {
      if (!state.isDead) store.append(at, scope, samples)
    },
    contextOf: (target) => ({ owner: `owner of ${target}` }),
    externalLabels: { region: 'eu' },
    externalUrl: 'https://watch.example.org/',
    defaultIntervalMs: MINUTE,
  })
  engine.restore([...records.values()], options.targets ?? ['a', 'b'])
  engine.start()
  const house: House = {
    world,
    store,
    records,
    changes,
    engine,
    get commits() {
      return state.commits
    },
    get isBroken() {
      return state.isBroken
    },
    set isBroken(value) {
      state.isBroken = value
    },
    async round(target, parts) {
      const at = world.now()
      const entries = Object.entries(parts)
      for (const [part, values] of entries) {
        const samples = Object.entries(values ?? {}).map(([name, value]) => ({ name, labels: {}, value }))
        store.append(at, `${target}/${part}`, samples, { target })
      }
      const isUp = entries[0]?.[1] !== undefined
      store.append(at, `${target}/`, [{ name: 'up', labels: {}, value: isUp ? 1 : 0 }], { target })
      engine.arrived({
        target,
        at,
        parts: entries.map(([part, values]) => ({
          part,
          ok: values !== undefined,
          metricNames: Object.keys(values ?? {}),
        })),
      })
      await world.settle()
    },
    told: () => changes.map(describeChange),
    restart({ downMs = 0, rules: nextRules = rules, targets } = {}) {
      state.isDead = true
      world.kill()
      const next = createVirtualWorld({ seed: 2, start: world.now() + downMs })
      const again = { ...options, ...(targets === undefined ? {} : { targets }) }
      return open(nextRules, again, { world: next, store, records, changes })
    },
  }
  return house
}

function parse(rules: string): readonly RuleGroup[] {
  return parseRuleFile(rules, 'x.yml')
}

function keep(records: Map<string, AlertStateRecord>, { alertStates }: RuleOutcome): void {
  for (const { source, fingerprint } of alertStates.remove) records.delete(`${source} ${fingerprint}`)
  for (const record of alertStates.put) {
    // What survives is what JSON can hold.
    const stored: AlertStateRecord = { ...record, body: structuredClone(record.body) }
    records.set(`${record.source} ${record.fingerprint}`, stored)
  }
}

function describeChange({ kind, alert }: AlertChange): string {
  const word = kind === 'ended' ? String(alert.end) : kind
  const unknown = alert.isUnknown ? ' unknown' : ''
  return `${word} ${alert.labels['alertname']}{${alert.labels['target'] ?? ''}}${unknown}`
}

/** Rounds every ten seconds for some time. */
async function rounds(
  house: House,
  forMs: number,
  targets: Readonly<Record<string, Parameters<House['round']>[1]>>,
): Promise<void> {
  for (let passed = 0; passed < forMs; passed += 10 * SECOND) {
    for (const [target, parts] of Object.entries(targets)) await house.round(target, parts)
    await house.world.advance(10 * SECOND)
  }
}

const HIGH = `groups:
  - name: g
    rules:
      - alert: High
        expr: load > 5
        labels: { severity: warning }
        annotations: { summary: 'load {{ $value }} in {{ $externalLabels.region }}' }
`
const HIGH_FOR = HIGH.replace('labels:', 'for: 1m\n        labels:')
const DOWN = `groups:
  - name: g
    rules:
      - alert: Down
        expr: up == 0
`

describe('a local rule', () => {
  test('fires when the round that shows it arrives, for that target only', async () => {
    const house = createHouse(HIGH)

    await house.round('b', { node: { load: 1 } })
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}'])
    expect(house.changes[0]?.alert).toMatchObject({
      source: 'rule/x.yml/g/High',
      labels: { alertname: 'High', severity: 'warning', target: 'a' },
      annotations: { summary: 'load 9 in eu', owner: 'owner of a' },
      startsAt: house.world.now(),
      generatorUrl: 'https://watch.example.org/graph?g0.expr=load+%3E+5&g0.tab=1',
    })
  })

  test('resolves when the round that shows it arrives, and fires again as another episode', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 1 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}', 'firing High{a}'])
    expect(house.changes[0]?.alert.episode).toBe(house.changes[1]?.alert.episode)
    expect(house.changes[2]?.alert.episode).not.toBe(house.changes[0]?.alert.episode)
    expect(house.changes[1]?.alert).toMatchObject({ end: 'resolved', endsAt: house.world.now() - SECOND })
  })

  test('is evaluated on its interval too, which needs no arrival', async () => {
    const house = createHouse(HIGH)
    house.store.append(house.world.now(), 'pushed', [{ name: 'load', labels: { job: 'push' }, value: 9 }])

    await house.world.advance(MINUTE)

    expect(house.told()).toEqual(['firing High{}'])
  })

  test('does not stay because of other targets’ parts when its series has no target', async () => {
    const house = createHouse(HIGH)
    house.store.append(house.world.now(), 'pushed', [{ name: 'load', labels: { job: 'push' }, value: 9 }])
    await house.world.advance(MINUTE)
    await house.round('a', { node: { load: 1 } })
    await house.round('a', { node: undefined })
    house.store.append(house.world.now(), 'pushed', [])

    await house.world.advance(MINUTE)

    expect(house.told()).toEqual(['firing High{}', 'resolved High{}'])
  })
})

describe('a rule about one target', () => {
  test('is not evaluated when another arrives', async () => {
    const house = createHouse(
      HIGH.replace('load >', 'load{target="a"} >').replace('rules:', 'interval: 1h\n    rules:'),
    )

    await house.round('b', { node: { load: 9 } })
    const evaluatedAt = house.engine.status()[0]?.rules[0]?.lastEvaluationAt
    await house.round('a', { node: { load: 9 } })

    expect(evaluatedAt).toBe(0)
    expect(house.told()).toEqual(['firing High{a}'])
  })
})

describe('for', () => {
  test('waits, and fires at the first evaluation after it', async () => {
    const house = createHouse(HIGH_FOR)

    await rounds(house, MINUTE, { a: { node: { load: 9 } } })
    const early = house.told()
    await house.round('a', { node: { load: 9 } })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('goes on after a kill as if there had been none, within the seconds since it was stored', async () => {
    let house = createHouse(HIGH_FOR)

    await rounds(house, 40 * SECOND, { a: { node: { load: 9 } } })
    house = house.restart({ downMs: HOUR })
    await rounds(house, 20 * SECOND, { a: { node: { load: 9 } } })
    const early = house.told()
    await rounds(house, 20 * SECOND, { a: { node: { load: 9 } } })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('stands still while the part cannot be read', async () => {
    const house = createHouse(HIGH_FOR)

    await rounds(house, 40 * SECOND, { a: { node: { load: 9 } } })
    await rounds(house, 90 * SECOND, { a: { node: undefined } })
    await rounds(house, 20 * SECOND, { a: { node: { load: 9 } } })
    const early = house.told()
    await rounds(house, 20 * SECOND, { a: { node: { load: 9 } } })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('leaves out the time by which the wall’s clock leapt', async () => {
    const house = createHouse(HIGH_FOR)

    await rounds(house, 20 * SECOND, { a: { node: { load: 9 } } })
    house.world.jumpWallClock(HOUR)
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual([])
  })
})

describe('an alert that cannot be seen', () => {
  test('neither resolves nor says anything while its part fails for less than two minutes', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 } })
    await rounds(house, 100 * SECOND, { a: { node: undefined } })
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('is told once after two minutes, then quietly as seen again', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(10 * SECOND)
    await rounds(house, 5 * MINUTE, { a: { node: undefined } })
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}', 'updated High{a} unknown', 'updated High{a}'])
    expect(house.changes[1]?.alert.annotations).toMatchObject({
      summary: 'load 9 in eu',
      chainwarden_unknown: 'This alert cannot be seen at the moment: node of a could not be read.',
    })
    expect(house.changes[2]?.alert.annotations).not.toHaveProperty('chainwarden_unknown')
  })

  test('resolves as soon as the part was read and the element is missing', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 } })
    await rounds(house, MINUTE, { a: { node: undefined } })
    await house.round('a', { node: { load: 1 } })

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })

  test('rests on the part its metrics come from, not on another of the same target', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 }, database: { rows: 1 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 1 }, database: undefined })

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })

  test('is not made by up, which belongs to no part', async () => {
    const house = createHouse(DOWN)

    await house.round('a', { node: undefined })
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 1 } })

    expect(house.told()).toEqual(['firing Down{a}', 'resolved Down{a}'])
  })

  test('is unknown too when its rounds stop altogether', async () => {
    const house = createHouse(HIGH)

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(20 * MINUTE)

    expect(house.told()).toEqual(['firing High{a}', 'updated High{a} unknown'])
  })

  test('resolves all the same where the operator wants Prometheus’ way', async () => {
    const house = createHouse(HIGH, { overrides: { High: { missing: 'resolve' } } })

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: undefined })

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })

  test('is told in time although its group runs once an hour', async () => {
    const house = createHouse(HIGH.replace('rules:', 'interval: 1h\n    rules:'))

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: undefined })
    await house.world.advance(2 * MINUTE)

    expect(house.told()).toEqual(['firing High{a}', 'updated High{a} unknown'])
  })

  test('is any alert of a rule that cannot be evaluated', async () => {
    const house = createHouse(HIGH.replace('load > 5', 'load > on (target) group_left () limit'))
    const parts = { node: { load: 9, limit: 1 } }

    await house.round('a', parts)
    house.store.append(house.world.now(), 'twice', [{ name: 'limit', labels: { target: 'a', x: '1' }, value: 1 }])
    await rounds(house, 3 * MINUTE, { a: parts })

    expect(house.told()).toEqual(['firing High{a}', 'updated High{a} unknown'])
    expect(house.engine.status()[0]?.rules[0]).toMatchObject({ health: 'err' })
    expect(house.changes[1]?.alert.annotations['chainwarden_unknown']).toContain('its rule could not be evaluated')
  })
})

const TOTAL = `groups:
  - name: g
    interval: 10m
    rules:
      - alert: Crowded
        expr: sum(load) > 5
`

describe('a rule that is not local', () => {
  test('runs on arrival, and at most once a second', async () => {
    const house = createHouse(TOTAL)

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(100)
    await house.round('a', { node: { load: 1 } })
    const early = house.told()
    await house.world.advance(SECOND)

    expect(early).toEqual(['firing Crowded{}'])
    expect(house.told()).toEqual(['firing Crowded{}', 'resolved Crowded{}'])
  })

  test('rests on the parts of every series it selects', async () => {
    const house = createHouse(TOTAL)

    await house.round('a', { node: { load: 4 } })
    await house.round('b', { node: { load: 4 } })
    await house.world.advance(2 * SECOND)
    await house.round('a', { node: undefined })
    await house.world.advance(2 * SECOND)
    const blind = house.told()
    await house.round('a', { node: { load: 1 } })
    await house.world.advance(2 * SECOND)

    expect(blind).toEqual(['firing Crowded{}'])
    expect(house.told()).toEqual(['firing Crowded{}', 'resolved Crowded{}'])
  })

  test('rests on the parts behind what it reads of recording rules', async () => {
    const house = createHouse(`groups:
  - name: g
    interval: 10m
    rules:
      - { alert: Crowded, expr: total > 5 }
      - { record: total, expr: sum(load) }
`)
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(2 * SECOND)
    await house.round('a', { node: undefined })
    await house.world.advance(2 * SECOND)
    const blind = house.told()
    await house.round('a', { node: { load: 1 } })
    await house.world.advance(2 * SECOND)

    expect(blind).toEqual(['firing Crowded{}'])
    expect(house.told()).toEqual(['firing Crowded{}', 'resolved Crowded{}'])
  })
})

describe('recording rules', () => {
  const CHAIN = `groups:
  - name: alerts
    interval: 10m
    rules:
      - { alert: Twice, expr: load:double > 10 }
  - name: records
    interval: 10m
    rules:
      - { record: 'load:double', expr: load * 2, labels: { kind: made } }
`

  test('are followed in the same pass by what reads them, wherever that stands', async () => {
    const house = createHouse(CHAIN)

    await house.round('a', { node: { load: 9 } })

    expect(house.store.latest('load:double')).toEqual([
      { labels: { __name__: 'load:double', kind: 'made', target: 'a' }, value: 18 },
    ])
    expect(house.told()).toEqual(['firing Twice{a}'])
  })

  test('end their series when what they are made of ends, of that target only', async () => {
    const house = createHouse(CHAIN)
    await house.round('a', { node: { load: 9 } })
    await house.round('b', { node: { load: 9 } })
    await house.world.advance(SECOND)

    await house.round('a', { node: undefined })

    expect(house.store.latest('load:double').map(({ labels }) => labels['target'])).toEqual(['b'])
    expect(house.told()).toEqual(['firing Twice{a}', 'firing Twice{b}'])
  })

  test('that would give one label set twice are an error', async () => {
    const house = createHouse('groups: [{ name: g, rules: [{ record: x, expr: load, labels: { target: "" } }] }]')
    await house.round('a', { node: { load: 9 } })
    await house.round('b', { node: { load: 9 } })

    await house.world.advance(MINUTE)

    expect(house.engine.status()[0]?.rules[0]).toMatchObject({
      health: 'err',
      lastError: 'vector contains metrics with the same labelset after applying rule labels',
    })
  })
})

describe('ALERTS', () => {
  test('says pending, then firing, then nothing', async () => {
    const house = createHouse(HIGH_FOR)
    const states = () => house.store.latest('ALERTS').map(({ labels }) => labels['alertstate'])

    await house.round('a', { node: { load: 9 } })
    const pending = states()
    const since = house.store.latest('ALERTS_FOR_STATE')[0]?.value
    await rounds(house, 80 * SECOND, { a: { node: { load: 9 } } })
    const firing = states()
    await house.round('a', { node: { load: 1 } })

    expect([pending, firing, states()]).toEqual([['pending'], ['firing'], []])
    expect(since).toBe((house.world.now() - 80 * SECOND) / 1000)
  })

  test('keeps an alert that cannot be seen as firing', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(SECOND)

    await house.round('a', { node: undefined })

    expect(house.store.latest('ALERTS').map(({ labels }) => labels['alertstate'])).toEqual(['firing'])
  })

  test('ends after a restart what was written before it', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })

    const next = house.restart({ downMs: SECOND })
    await next.round('a', { node: { load: 1 } })

    expect(next.store.latest('ALERTS')).toEqual([])
    expect(next.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })
})

describe('labels', () => {
  test('that make two alerts the same are an error, and nothing ends by it', async () => {
    const house = createHouse(TOTAL.replace('sum(load) > 5', 'load > 5\n        labels: { target: "" }'))
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(2 * SECOND)

    await house.round('b', { node: { load: 9 } })
    await house.world.advance(2 * SECOND)

    expect(house.told()).toEqual(['firing Crowded{}'])
    expect(house.engine.status()[0]?.rules[0]?.lastError).toBe(
      'vector contains metrics with the same labelset after applying alert labels',
    )
  })

  test('are templates, and a faulty one does not cost the alert', async () => {
    const house = createHouse(
      HIGH.replace('severity: warning', `level: '{{ if gt $value 8.0 }}high{{ end }}', bad: '{{ first query }}'`),
    )

    await house.round('a', { node: { load: 9 } })

    const { labels } = house.changes[0]?.alert ?? {}
    expect(labels?.['level']).toBe('high')
    expect(labels?.['bad']).toMatch(/^<error expanding template: /)
  })

  test('beyond the group’s limit make no alert', async () => {
    const house = createHouse(HIGH.replace('rules:', 'limit: 1\n    rules:'))

    await house.round('a', { node: { load: 9 } })
    await house.round('b', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}'])
    expect(house.engine.status()[0]?.rules[0]?.lastError).toBe('exceeded limit of 1 with 2 alerts')
  })
})

describe('a commit that fails', () => {
  test('leaves everything as it was, and is tried again soon', async () => {
    const house = createHouse(HIGH.replace('rules:', 'interval: 1h\n    rules:'))
    house.isBroken = true

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(3 * SECOND)
    const during = { told: house.told(), alerts: house.engine.status()[0]?.rules[0]?.alerts }
    house.isBroken = false
    await house.world.advance(2 * SECOND)

    expect(during).toEqual({ told: [], alerts: [] })
    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('of an end does not lose the end', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    house.isBroken = true
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 1 } })
    house.isBroken = false

    await house.world.advance(2 * SECOND)

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })

  test('of a removed target is made up for', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    house.isBroken = true

    await house.engine.removeTarget('a')
    await house.world.advance(SECOND)
    house.isBroken = false
    await house.world.advance(2 * SECOND)

    expect(house.told()).toEqual(['firing High{a}', 'closed High{a}'])
  })
})

describe('a restart', () => {
  test('resolves nothing before the part was read, however long it was down', async () => {
    let house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })

    house = house.restart({ downMs: HOUR })
    await house.world.advance(90 * SECOND)
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(10 * SECOND)

    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('does not resolve what is down because up was not written yet', async () => {
    let house = createHouse(DOWN)
    await house.round('a', { node: undefined })

    house = house.restart({ downMs: HOUR })
    await house.world.advance(90 * SECOND)
    await house.round('a', { node: undefined })

    expect(house.told()).toEqual(['firing Down{a}'])
  })

  test('resolves what is over as soon as it is seen to be', async () => {
    let house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })

    house = house.restart({ downMs: HOUR })
    await house.round('a', { node: { load: 1 } })

    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
    expect(house.changes[1]?.alert.episode).toBe(house.changes[0]?.alert.episode)
  })

  test('keeps keep_firing_for', async () => {
    let house = createHouse(HIGH.replace('labels:', 'keep_firing_for: 1m\n        labels:'))
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(10 * SECOND)
    await rounds(house, 40 * SECOND, { a: { node: { load: 1 } } })

    house = house.restart({ downMs: HOUR })
    await rounds(house, 20 * SECOND, { a: { node: { load: 1 } } })
    const early = house.told()
    await rounds(house, 20 * SECOND, { a: { node: { load: 1 } } })

    expect(early).toEqual(['firing High{a}'])
    expect(house.told()).toEqual(['firing High{a}', 'resolved High{a}'])
  })

  test('keeps the state when expr or for was edited meanwhile', async () => {
    let house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })

    house = house.restart({ rules: HIGH_FOR.replace('> 5', '> 7') })
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing High{a}'])
  })

  test('closes alerts whose rule or target is gone', async () => {
    let house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    await house.round('b', { node: { load: 9 } })

    house = house.restart({ targets: ['b'] })
    await house.world.advance(MINUTE)
    const withoutTarget = house.told().slice(2)
    house = house.restart({ rules: 'groups: []', targets: ['b'] })
    await house.world.advance(MINUTE)

    expect(withoutTarget).toEqual(['closed High{a}'])
    expect(house.told().slice(3)).toEqual(['closed High{b}'])
    expect(house.changes[2]?.alert.annotations['resolved_reason']).toBe('the target left the configuration')
    expect(house.changes[3]?.alert.annotations['resolved_reason']).toBe('the rule left the configuration')
    expect(house.records.size).toBe(0)
  })

  test('finds the right one of two rules with one name although they changed places', async () => {
    const warning = '{ alert: High, expr: load > 5, labels: { severity: warning } }'
    const critical = '{ alert: High, expr: load > 8, labels: { severity: critical } }'
    let house = createHouse(`groups: [{ name: g, rules: [${warning}, ${critical}] }]`)
    await house.round('a', { node: { load: 9 } })

    house = house.restart({ downMs: SECOND, rules: `groups: [{ name: g, rules: [${critical}, ${warning}] }]` })
    await house.round('a', { node: { load: 7 } })

    expect(house.told()).toEqual(['firing High{a}', 'firing High{a}', 'resolved High{a}'])
    expect(house.changes[2]?.alert.labels['severity']).toBe('critical')
  })

  test('in the middle of anything ends in the same truth', async () => {
    const loads = [9, 9, undefined, 9, 1, 9, undefined, 1, 9, 9, 1, undefined, 9]
    for (let killedAt = 0; killedAt < loads.length; killedAt += 1) {
      let house = createHouse(HIGH)
      for (const [index, load] of loads.entries()) {
        await house.round('a', { node: load === undefined ? undefined : { load } })
        await house.world.advance(10 * SECOND)
        if (index === killedAt) house = house.restart({ downMs: MINUTE })
      }
      expect([killedAt, house.told()]).toEqual([
        killedAt,
        [
          'firing High{a}',
          'resolved High{a}',
          'firing High{a}',
          'resolved High{a}',
          'firing High{a}',
          'resolved High{a}',
          'firing High{a}',
        ],
      ])
    }
  })
})

describe('a reload', () => {
  test('keeps the alerts of rules that stay and closes those of rules that go', async () => {
    const house = createHouse(
      HIGH.replace('      - alert: High', '      - { alert: Some, expr: load > 1 }\n      - alert: High'),
    )
    await house.round('a', { node: { load: 9 } })

    await house.world.advance(SECOND)
    await house.engine.reload(parse(HIGH.replace('> 5', '> 6')))
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 9 } })

    expect(house.told()).toEqual(['firing Some{a}', 'firing High{a}', 'closed Some{a}'])
    expect(house.store.latest('ALERTS').map(({ labels }) => labels['alertname'])).toEqual(['High'])
  })

  test('that removes a target lets nobody wait for it', async () => {
    const house = createHouse(TOTAL)
    await house.round('a', { node: { load: 4 } })
    await house.round('b', { node: { load: 4 } })
    await house.world.advance(2 * SECOND)
    await house.round('a', { node: undefined })
    await house.world.advance(2 * SECOND)

    await house.engine.removeTarget('a')
    await house.round('b', { node: { load: 4 } })
    await house.world.advance(2 * SECOND)

    expect(house.told()).toEqual(['firing Crowded{}', 'resolved Crowded{}'])
  })
})

describe('texts', () => {
  test('follow the value once a minute, and an end tells the last of them', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    await house.world.advance(10 * SECOND)
    await house.round('a', { node: { load: 8 } })
    const early = house.told()
    await house.world.advance(MINUTE)
    await house.round('a', { node: { load: 7 } })
    await house.world.advance(SECOND)
    await house.round('a', { node: { load: 1 } })

    expect(early).toEqual(['firing High{a}'])
    expect(house.told()).toEqual(['firing High{a}', 'updated High{a}', 'resolved High{a}'])
    expect(house.changes.slice(1).map(({ alert }) => alert.annotations['summary'])).toEqual([
      'load 7 in eu',
      'load 7 in eu',
    ])
  })

  test('of an alert that goes on unchanged commit nothing', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    const { commits } = house

    await rounds(house, 10 * MINUTE, { a: { node: { load: 9 } } })

    expect(house.commits).toBe(commits)
  })
})

describe('status and the rest', () => {
  test('tells what the rules API shows', async () => {
    const house = createHouse(HIGH)
    await house.round('a', { node: { load: 9 } })
    const at = house.world.now()
    await house.world.advance(2 * MINUTE)

    expect(house.engine.status()).toMatchObject([
      {
        name: 'g',
        file: 'x.yml',
        intervalMs: MINUTE,
        rules: [
          {
            type: 'alerting',
            name: 'High',
            query: 'load > 5',
            health: 'ok',
            isLocal: true,
            alerts: [{ state: 'firing', activeAt: at, value: 9 }],
          },
        ],
      },
    ])
  })

  test('evaluateAll evaluates without waiting for a tick, and fails where its commit fails', async () => {
    const house = createHouse(HIGH)
    house.store.append(house.world.now(), 'x', [{ name: 'load', labels: {}, value: 9 }])
    house.isBroken = true

    await expect(house.engine.evaluateAll()).rejects.toThrow('the disk is full')
    house.isBroken = false
    await house.engine.evaluateAll()

    expect(house.told()).toEqual(['firing High{}'])
  })

  test('after a stop nothing is evaluated any more', async () => {
    const house = createHouse(HIGH)
    await house.engine.stop()

    await house.round('a', { node: { load: 9 } })
    await house.world.advance(HOUR)

    expect(house.told()).toEqual([])
    expect(house.world.pendingTimers).toBe(0)
  })
})
