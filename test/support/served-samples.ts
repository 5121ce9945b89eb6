import { setImmediate as nextTurn } from 'node:timers/promises'

import { listen } from '../../src/api/index.ts'
import { createQueries } from '../../src/app/queries.ts'
import { type Labels, METRIC_NAME } from '../../src/core/labels.ts'
import { createLogger } from '../../src/lib/log.ts'
import type { SliceClock } from '../../src/lib/slices.ts'
import { createOperations, type OperationsPorts } from '../../src/operations/index.ts'
import { openTsdb, type Tsdb } from '../../src/tsdb/index.ts'

/** A series with one value at each `startMs`, `startMs + stepMs`, ...; null where it has none. */
export interface ServedSeries {
  readonly labels: Labels
  readonly startMs: number
  readonly stepMs: number
  readonly values: readonly (number | null)[]
}

export interface ServeOptions {
  readonly series: readonly ServedSeries[]
  /** What time it is, milliseconds UTC. */
  readonly now: number
  /** Whatever else the process should say. */
  readonly ports?: Partial<OperationsPorts>
  /** How answers are sliced; the real clock unless told. */
  readonly clock?: SliceClock
}

/** The API on loopback, over the real store and the real engine. */
export interface ServedSamples extends AsyncDisposable {
  readonly url: string
}

const DAY_MS = 86_400_000
const CLOCK = { monotonic: () => performance.now(), yield: async () => nextTurn() }

/** Serves series from a store in memory, at a time that stands still. */
export async function serveSamples({ series, now, ports = {}, clock = CLOCK }: ServeOptions): Promise<ServedSamples> {
  const world = { now: () => now, ...clock }
  const log = createLogger({ level: 'error', write: () => undefined, now: world.now })
  const tsdb = await openTsdb({
    file: undefined,
    world,
    log,
    limits: { maxSeries: 1_000_000, maxSeriesPerScope: 1_000_000 },
    retention: { rawMs: DAY_MS, historyMs: DAY_MS },
  })
  append(tsdb, series)
  const operations = createOperations({
    version: '1.2.3',
    startedAt: now - 60_000,
    now: world.now,
    clock,
    isReady: () => true,
    targets: () => [],
    paceOf: () => undefined,
    alerts: () => [],
    ruleGroups: () => [],
    queued: async () => ({}),
    metricTable: {},
    current: () => tsdb.latest(now),
    events: async () => [],
    queries: (bounds) => createQueries(tsdb, world, bounds),
    series: tsdb,
    facts: () => ({
      folder: '/',
      host: 'here',
      configuredAt: now,
      isConfigurationGood: true,
      rawRetentionMs: 30 * DAY_MS,
      damagedBlobs: 0,
      flags: { 'log.level': 'info' },
    }),
    configuration: async () => 'targets: []\n',
    reload: async () => ({ ok: true, changed: [] }),
    audit: () => undefined,
    ...ports,
  })
  const server = await listen({
    operations,
    log,
    isReady: () => true,
    now: world.now,
    clock,
    access: { tokens: [], open: false, hosts: [] },
    listen: [{ host: '127.0.0.1', port: 0 }],
    tls: undefined,
  })
  return {
    url: `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await tsdb.close()
    },
  }
}

/** Each series has a scope of its own, so that one that ends does so without a marker, as history read from a file does. */
function append(tsdb: Tsdb, series: readonly ServedSeries[]): void {
  for (const [index, { labels, startMs, stepMs, values }] of series.entries()) {
    const { [METRIC_NAME]: name = '', ...rest } = labels
    for (const [round, value] of values.entries()) {
      if (value === null) continue
      const samples = [{ name, labels: rest, value }]
      tsdb.append({ at: startMs + round * stepMs, scope: `series ${index}`, samples, labels: {} })
    }
  }
}
