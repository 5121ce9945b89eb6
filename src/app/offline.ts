import { createInProcessApi } from '../api/index.ts'
import type { StoragePlace } from '../config/index.ts'
import { createLogger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { createOperations, type OperationsPorts, type ProcessFacts } from '../operations/index.ts'
import { clockOf, createQueries } from './queries.ts'
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
    clock: clockOf(world),
    // Nobody listens: who asks is this very process.
    access: { tokens: [], open: true, hosts: [] },
  })
  return {
    get: async (asked) => api.get(asked),
    async close() {
      await api.stop()
      await storage.close()
    },
  }
}

function portsOf({ state, tsdb }: Storage, world: World): OperationsPorts {
  return {
    version: 'not running',
    startedAt: world.now(),
    now: () => world.now(),
    clock: clockOf(world),
    isReady: () => false,
    targets: () => [],
    paceOf: () => undefined,
    ruleGroups: () => [],
    alerts: () => [],
    queued: async () => Object.fromEntries(await state.outbox.queued()),
    metricTable: {},
    current: () => [],
    events: async (filter) => state.events.query(filter),
    queries: (bounds) => createQueries(tsdb, world, bounds),
    series: tsdb,
    facts: () => factsOf(tsdb, world),
    configuration: async () => '# nothing is running\n',
    reload: async () => ({ ok: false, faults: ['nothing is running'] }),
    audit: () => undefined,
  }
}

function factsOf(tsdb: Storage['tsdb'], world: World): ProcessFacts {
  return {
    folder: '',
    host: '',
    configuredAt: world.now(),
    isConfigurationGood: true,
    rawRetentionMs: 365 * DAY_MS,
    damagedBlobs: tsdb.stats().damagedBlobs,
    flags: {},
  }
}
