import { join } from 'node:path'

import type { Config } from '../config/index.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import { lockFolder, openState, type State } from '../state/index.ts'
import { openTsdb, type Tsdb } from '../tsdb/index.ts'

/** What survives a restart: the state and the samples, in a folder that this process has for itself. */
export interface Storage {
  readonly state: State
  readonly tsdb: Tsdb
  close(): Promise<void>
}

export type StorageConfig = Pick<Config, 'storage' | 'metrics'>

/**
 * Opens everything, or nothing.
 *
 * @throws AlreadyRunning, ConfigError or OutsideError, each with a sentence; what is stored stays as it is
 */
export async function openStorage({ storage, metrics }: StorageConfig, world: World, log: Logger): Promise<Storage> {
  const lock = lockFolder(storage.path)
  try {
    const state = await openState({ folder: storage.path, url: storage.url, world, log: log.child('state') })
    try {
      const tsdb = await openSamples({ storage, metrics }, world, log)
      return { state, tsdb, close: async () => closeAll(tsdb, state, lock) }
    } catch (error) {
      await state.close()
      throw error
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openSamples({ storage, metrics }: StorageConfig, world: World, log: Logger): Promise<Tsdb> {
  return openTsdb({
    file: join(storage.path, 'samples.db'),
    world,
    log: log.child('tsdb'),
    limits: { maxSeries: metrics.max_series, maxSeriesPerScope: metrics.max_series_per_target },
    retention: { rawMs: metrics.retention, historyMs: metrics.history, maxBytes: metrics.max_bytes },
  })
}

async function closeAll(tsdb: Tsdb, state: State, lock: { release(): void }): Promise<void> {
  try {
    await tsdb.close()
  } finally {
    await state.close()
    lock.release()
  }
}

const MAINTAIN_MS = 60_000
const PRUNE_EVERY = 60

/** Compacts samples each minute and deletes what is past its retention each hour. Returns how to end it. */
export function startMaintenance({ state, tsdb }: Storage, config: StorageConfig, world: World, log: Logger): Cancel {
  const ending = new AbortController()
  let runs = 0

  async function run(): Promise<void> {
    runs += 1
    try {
      await tsdb.maintain(ending.signal)
      if (runs % PRUNE_EVERY === 1) await state.prune(retentionOf(config), world.now())
    } catch (error) {
      if (!ending.signal.aborted) log.error('maintenance failed; it is tried again in a minute', { error })
    }
    if (!ending.signal.aborted) cancel = world.after(MAINTAIN_MS, () => void run())
  }

  let cancel = world.after(MAINTAIN_MS, () => void run())
  return () => {
    ending.abort()
    cancel()
  }
}

function retentionOf({ storage }: StorageConfig) {
  const { events, journeys, duties, notifications } = storage.retention
  return { eventsMs: events, journeysMs: journeys, dutiesMs: duties, notificationsMs: notifications }
}
