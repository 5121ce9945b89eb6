import { createAppender } from './append.ts'
import type { LatestSample, Tsdb, TsdbOptions, TsdbStats } from './contract.ts'
import { createFlush } from './flush.ts'
import { PRESENT } from './head.ts'
import { createKeeper } from './keeper.ts'
import { createParts } from './parts.ts'
import { createReader } from './reader.ts'
import { recover } from './recover.ts'
import { rawBytes } from './room.ts'
import { openStorage } from './storage.ts'
import { createStore, type Store } from './store.ts'

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

/** PromQL's look-back: a series without a sample for so long is not current. */
const CURRENT_MS = 5 * 60_000

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

function createTsdb(store: Store): Tsdb {
  const parts = createParts(store)
  const keeper = createKeeper(store, parts)
  const flush = createFlush(store, keeper)
  return {
    get generation() {
      return store.index.generation
    },
    ...createAppender(store),
    ...createReader(store, parts),
    flush,
    select: (matchers) => store.index.select(matchers),
    latest: (atMs) => latest(store, atMs),
    labelNames: () => store.index.labelNames(),
    labelValues: (name) => store.index.labelValues(name),
    stats: () => statsOf(store),
    maintain: async (signal) => keeper.maintain(signal),
    async close() {
      await keeper.stop()
      try {
        await flush()
      } finally {
        store.storage.close()
      }
    },
  }
}

function* latest(store: Store, atMs: number): Generator<LatestSample, void, undefined> {
  for (const head of store.heads.values()) {
    for (const slot of head.layout) {
      const series = head.members[slot]
      const index = Math.min(head.end(slot), head.after(atMs)) - 1
      const time = head.times[index] ?? 0
      const isThere = index >= head.first(slot) && time > atMs - CURRENT_MS
      if (series === undefined || !isThere || (head.flags(slot)?.[index] ?? PRESENT) !== PRESENT) continue
      yield { labels: series.labels, value: head.row(slot)[index] ?? 0, time }
    }
  }
}

function statsOf(store: Store): TsdbStats {
  return {
    ...store.counts,
    series: store.index.size,
    liveSeries: store.liveSeries,
    scopes: store.heads.size,
    unflushedBytes: store.pending.waiting,
    rawBytes: rawBytes(store),
    fileBytes: store.storage.isMemory ? 0 : store.storage.usedBytes(),
  }
}
