import type { SliceClock } from '../lib/slices.ts'
import type { World } from '../lib/world.ts'
import type { QueryBounds } from '../operations/index.ts'
import { createQueryEngine, type QueryEngine, type SeriesSource } from '../promql/index.ts'

const SUBQUERY_STEP_MS = 15_000
/** What one query may cost, as in Prometheus: 50 million samples, 11,000 steps after the first, two minutes. */
export const QUERY_LIMITS = { samples: 50_000_000, steps: 11_001, timeMs: 120_000 } as const
export const LOOKBACK_MS = 300_000

/** The query engine of a process: rules, the API and the command line ask the same, but for what bounds one query. */
export function createQueries(
  source: SeriesSource,
  world: Pick<World, 'monotonic' | 'yield'>,
  { lookbackMs = LOOKBACK_MS, timeoutMs = QUERY_LIMITS.timeMs }: QueryBounds = {},
): QueryEngine {
  return createQueryEngine({
    source,
    clock: clockOf(world),
    limits: { ...QUERY_LIMITS, timeMs: Math.min(timeoutMs, QUERY_LIMITS.timeMs) },
    defaultSubqueryStepMs: SUBQUERY_STEP_MS,
    lookbackMs,
  })
}

/** What long work sees of the world. */
export function clockOf(world: Pick<World, 'monotonic' | 'yield'>): SliceClock {
  return { monotonic: () => world.monotonic(), yield: async () => world.yield() }
}
