import { expect, test } from 'vitest'
import { z } from 'zod'

import { createVirtualWorld } from '../../test/support/virtual-world.ts'
import type { RoundCommit } from '../core/records.ts'
import { OutsideError } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import { createLogger, type LogLine } from '../lib/log.ts'
import { createMetricsRegistry } from '../lib/metrics-registry.ts'
import type { Collector, CollectorDefinition, CollectorWorld, Round, TargetConfig } from './collector.ts'
import { COLLECT_METRICS } from './own-metrics.ts'
import type { Arrival } from './ports.ts'
import { createScheduler } from './scheduler.ts'

const CONFIG: TargetConfig = {
  type: 'thing',
  name: 'one',
  interval: 1_000,
  timeout: 5_000,
  labels: {},
  depends_on: [],
  alert_on_history: false,
}

function roundOf(world: CollectorWorld, overrides: Partial<Round> = {}): Round {
  return {
    at: world.now(),
    parts: { chain: { samples: [{ name: 'thing_height', labels: {}, value: 1 }] } },
    events: [],
    retracted: [],
    duties: [],
    journeys: [],
    cursor: { round: 1 },
    more: false,
    ...overrides,
  }
}

/** A scheduler over one kind of target whose rounds the test writes. */
function setUp(collect: (world: CollectorWorld, cursor: Json | undefined) => Promise<Round>) {
  const world = createVirtualWorld({ seed: 1 })
  const lines: LogLine[] = []
  const commits: RoundCommit[] = []
  const written: { scope: string; values: Record<string, number> }[] = []
  const ended: string[] = []
  const arrivals: Arrival[] = []
  const left: string[] = []
  let failCommit = false
  let given: CollectorWorld | undefined
  const definition: CollectorDefinition = {
    type: 'thing',
    summary: 'a thing',
    schema: z.any(),
    parts: ['chain'],
    metrics: {},
    events: {},
    thresholds: () => ({ lag: 5 }),
    subject: () => 'thing:1',
    instance: () => undefined,
    rules: () => ({ rules: [], eventRules: [] }),
    panels: () => [],
    load:
      async () =>
      (_config, collectorWorld): Collector => {
        given = collectorWorld
        return { collect: async (cursor) => collect(collectorWorld, cursor), stop: async () => undefined }
      },
  }
  const scheduler = createScheduler({
    world,
    log: createLogger({ level: 'debug', write: (line) => lines.push(line), now: () => world.now() }),
    metrics: createMetricsRegistry(COLLECT_METRICS),
    chains: { evm: () => expect.unreachable() },
    targets: {
      open: async ({ target, type, subject, at }) => ({
        target,
        type,
        subject,
        firstStartedAt: at,
        cursor: commits.at(-1)?.cursor,
        height: undefined,
        replaced: undefined,
      }),
      async commitRound(commit) {
        if (failCommit) throw new OutsideError('local', 'the disk is full', { retry: true })
        commits.push(commit)
        return { journeys: [], lastSequence: commits.length }
      },
      sightings: async () => [],
    },
    samples: {
      append: ({ scope, samples }) =>
        written.push({ scope, values: Object.fromEntries(samples.map(({ name, value }) => [name, value])) }),
      endScope: (scope) => ended.push(scope),
      flush: async () => undefined,
    },
    arrived: (arrival) => arrivals.push(arrival),
    left: (target) => left.push(target),
  })
  const target = { definition, config: CONFIG, labels: { target: 'one', job: 'thing', instance: 'one' } }
  return {
    world,
    scheduler,
    target,
    lines,
    commits,
    written,
    ended,
    arrivals,
    left,
    wake: () => given?.wake(),
    setFailCommit: (fails: boolean) => {
      failCommit = fails
    },
  }
}

test('what is stopped while its targets are still being opened asks none of them', async () => {
  const { world, scheduler, target, commits } = setUp(async (given) => roundOf(given))
  const watching = scheduler.watch([target])
  await scheduler.stop()
  await watching
  await world.advance(10_000)

  expect(commits).toEqual([])
  expect(scheduler.status()).toEqual([])
})

test('a target is opened once, although two reloads come together', async () => {
  const { world, scheduler, target, commits } = setUp(async (given) => roundOf(given))
  await Promise.all([scheduler.watch([target]), scheduler.watch([target])])
  await world.advance(500)
  await scheduler.stop()

  expect(commits).toHaveLength(1)
})

test('a target is asked at once and then on its interval, each round from the cursor of the one before', async () => {
  const cursors: (Json | undefined)[] = []
  const { world, scheduler, target, commits } = setUp(async (given, cursor) => {
    cursors.push(cursor)
    return roundOf(given, { cursor: cursors.length })
  })

  await scheduler.watch([target])
  await world.advance(2_500)
  await scheduler.stop()

  expect(cursors).toEqual([undefined, 1, 2])
  expect(commits.map(({ at }) => at - (commits[0]?.at ?? 0))).toEqual([0, 1_000, 2_000])
})

test('a round that is not caught up is followed at once', async () => {
  let count = 0
  const { world, scheduler, target, commits } = setUp(async (given) => {
    count += 1
    return roundOf(given, { more: count < 4 })
  })

  await scheduler.watch([target])
  await world.advance(500)
  await scheduler.stop()

  expect(commits).toHaveLength(4)
})

test('a wake brings the next round before its interval is over', async () => {
  const { world, scheduler, target, commits, wake } = setUp(async (given) => roundOf(given))

  await scheduler.watch([target])
  await world.advance(100)
  wake()
  await world.advance(100)
  await scheduler.stop()

  expect(commits).toHaveLength(2)
})

test('a part that fails ends its series, sets up to 0 and is said once, not every round', async () => {
  const failed = new OutsideError('unreachable', 'node could not be reached', { retry: true })
  const { world, scheduler, target, ended, written, lines, arrivals } = setUp(async (given) =>
    roundOf(given, { parts: { chain: { failed } } }),
  )

  await scheduler.watch([target])
  await world.advance(3_500)
  await scheduler.stop()

  expect(ended.slice(0, 2)).toEqual(['one/chain', 'one/chain'])
  expect(written.at(-1)?.values['up']).toBe(0)
  expect(lines.filter(({ message }) => message === 'part cannot be read')).toHaveLength(1)
  expect(arrivals[0]?.parts).toEqual([{ part: 'chain', ok: false, metricNames: [] }])
})

test('a round that cannot be committed is forgotten: nothing is announced of it and the old cursor is asked again', async () => {
  const cursors: (Json | undefined)[] = []
  const { world, scheduler, target, setFailCommit, written, arrivals } = setUp(async (given, cursor) => {
    cursors.push(cursor)
    return roundOf(given, { cursor: 'next' })
  })
  setFailCommit(true)

  await scheduler.watch([target])
  await world.advance(100)
  expect(written.map(({ scope }) => scope)).toEqual(['one/'])
  expect(arrivals[0]?.parts[0]?.ok).toBe(false)
  setFailCommit(false)
  await world.advance(2_000)
  await scheduler.stop()

  expect(cursors).toEqual([undefined, undefined, 'next'])
})

test('a collector that rejects fails every part for that reason and is asked again', async () => {
  let count = 0
  const { world, scheduler, target } = setUp(async (given) => {
    count += 1
    if (count === 1) throw new OutsideError('timeout', 'no answer', { retry: true })
    return roundOf(given)
  })

  await scheduler.watch([target])
  await world.advance(100)
  const before = scheduler.status()[0]?.parts['chain']
  await world.advance(1_000)
  const after = scheduler.status()[0]?.parts['chain']
  await scheduler.stop()

  expect(before).toEqual({ ok: false, reason: 'timeout', detail: 'no answer' })
  expect(after?.ok).toBe(true)
})

test('a target that leaves the configuration is stopped and its series end; one that stays is not disturbed', async () => {
  const { world, scheduler, target, commits, ended, left } = setUp(async (given) => roundOf(given))

  await scheduler.watch([target])
  await world.advance(100)
  await scheduler.watch([{ ...target }])
  await world.advance(100)
  expect(commits).toHaveLength(1)
  await scheduler.watch([])
  await world.advance(5_000)

  expect(commits).toHaveLength(1)
  expect(ended).toEqual(['one/', 'one/chain'])
  expect(left).toEqual(['one'])
})
