import type { World } from '../lib/world.ts'
import { createQueryEngine, type QueryEngine, type SeriesSource } from '../promql/index.ts'

const SUBQUERY_STEP_MS = 15_000
/** What one query may cost, as in Prometheus: 50 million samples, 11,000 steps, two minutes. */
const LIMITS = { samples: 50_000_000, steps: 11_000, timeMs: 120_000 } as const

/** The one query engine of a process: rules, the API and the command line ask the same. */
export function createQueries(source: SeriesSource, world: Pick<World, 'monotonic' | 'yield'>): QueryEngine {
  return createQueryEngine({
    source,
    clock: { monotonic: () => world.monotonic(), yield: async () => world.yield() },
    limits: LIMITS,
    defaultSubqueryStepMs: SUBQUERY_STEP_MS,
  })
}
