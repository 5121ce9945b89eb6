import type { Tsdb, TsdbOptions } from './contract.ts'
import { createTsdb } from './engine.ts'
import { recover } from './recover.ts'
import { openStorage } from './storage.ts'
import { createStore } from './store.ts'

export type {
  AppendRequest,
  AppendResult,
  HistoryPoint,
  HistoryResolution,
  LatestSample,
  StoredPoints,
  StoredSamples,
  StoredSeries,
  Tsdb,
  TsdbOptions,
  TsdbStats,
} from './contract.ts'

/**
 * Opens the store, with one connection to `options.file`. Series and the newest rounds are read at once, older samples
 * when they are asked for.
 *
 * @throws ConfigError when a newer version wrote the file
 * @throws OutsideError `local` when the file cannot be opened
 */
export async function openTsdb(options: TsdbOptions): Promise<Tsdb> {
  const store = createStore(options, openStorage(options.file, options.log, options.world.now()))
  try {
    recover(store)
  } catch (error) {
    store.storage.close()
    throw error
  }
  return createTsdb(store)
}
