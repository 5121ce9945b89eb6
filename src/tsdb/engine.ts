import { Appender } from './append.ts'
import type { LatestSample, Tsdb, TsdbStats } from './contract.ts'
import { createFlush } from './flush.ts'
import { PRESENT } from './head.ts'
import { createKeeper } from './keeper.ts'
import { Parts } from './parts.ts'
import { Reader } from './reader.ts'
import { rawBytes } from './room.ts'
import type { Store } from './store.ts'

/** PromQL's look-back: a series without a sample for so long is not current. */
const CURRENT_MS = 5 * 60_000

/** Puts the parts of the store together. */
export function createTsdb(store: Store): Tsdb {
  const parts = new Parts(store)
  const reader = new Reader(store, parts)
  const appender = new Appender(store)
  const keeper = createKeeper(store, parts)
  const flush = createFlush(store, keeper)
  return {
    get generation() {
      return store.index.generation
    },
    append: (request) => appender.append(request),
    appendAt: (request) => appender.appendAt(request),
    endScope: (scope, at) => appender.endScope(scope, at),
    load: (series, fromMs, toMs, signal) => reader.load(series, { fromMs, toMs }, signal),
    history: async (series, asked, signal) => reader.history(series, asked, signal),
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
