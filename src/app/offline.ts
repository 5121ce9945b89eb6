import { createInProcessApi } from '../api/index.ts'
import type { StoragePlace } from '../config/index.ts'
import { createLogger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { createOperations, type OperationsPorts } from '../operations/index.ts'
import { parseExpr } from '../promql/index.ts'
import { createQueries } from './queries.ts'
import { openStorage, type Storage } from './wire-storage.ts'

/** What is stored, answering as the process would. */
export interface Offline {
  get(path: string): Promise<unknown>
  close(): Promise<void>
}

const DAY_MS = 86_400_000

/**
 * Opens what a process left behind, under the lock, so that commands have something to ask when none is running. Nothing
 * is watched and nothing is sent.
 *
 * @throws AlreadyRunning when a process is at work after all
 */
export async function openOffline({ path, url }: Pick<StoragePlace, 'path' | 'url'>, world: World): Promise<Offline> {
  const log = createLogger({ level: 'error', write: () => undefined, now: () => world.now() })
  const storage = await openStorage(
    {
      storage: {
        path,
        url,
        retention: { events: DAY_MS, journeys: DAY_MS, duties: DAY_MS, notifications: DAY_MS },
      },
      metrics: {
        retention: 365 * DAY_MS,
        history: 365 * DAY_MS,
        max_series: 1_000_000,
        max_series_per_target: 1_000_000,
      },
    },
    world,
    log,
  )
  const api = createInProcessApi({
    operations: createOperations(portsOf(storage, world)),
    log,
    isReady: () => false,
    now: () => world.now(),
    // Nobody listens: who asks is this very process.
    access: { tokens: [], open: true, hosts: [] },
  })
  return {
    get: async (path) => api.get(path),
    async close() {
      await api.stop()
      await storage.close()
    },
  }
}

function portsOf({ state, tsdb }: Storage, world: World): OperationsPorts {
  const queries = createQueries(tsdb, world)
  return {
    version: 'not running',
    startedAt: world.now(),
    now: () => world.now(),
    isReady: () => false,
    targets: () => [],
    alerts: () => [],
    queued: async () => Object.fromEntries(await state.outbox.queued()),
    metricTable: {},
    current: () => [],
    events: async (filter) => state.events.query(filter),
    query: async (expr, atMs, signal) => queries.instant(parseExpr(expr), atMs, { signal }),
    reload: async () => ({ ok: false, faults: ['nothing is running'] }),
    audit: () => undefined,
  }
}
