import { OutsideError } from '../lib/errors.ts'
import type { TsdbOptions } from './contract.ts'
import { Head } from './head.ts'
import { LogWriter } from './log-row.ts'
import { PartEncoder } from './part.ts'
import { SeriesIndex } from './series-index.ts'
import type { Series } from './series.ts'
import type { Steps } from './slices.ts'
import type { Storage } from './storage.ts'

/** How much of the newest is kept uncompressed. A rule that looks back 5 minutes never waits. */
export const RAW_MS = 10 * 60_000

/** Above this a disk that fails for long costs log rows: their samples are still in the heads, and folded later. */
const UNFLUSHED_MAX_BYTES = 16 * 2 ** 20

interface Counts {
  samplesAppended: number
  staleMarkers: number
  duplicates: number
  tooOld: number
  overLimit: number
  lostToDisk: number
  damagedBlobs: number
  flushFailures: number
}

/** What the parts of the store share. Everything is synchronous; whoever yields looks again afterwards. */
export interface Store {
  readonly options: TsdbOptions
  readonly storage: Storage
  readonly index: SeriesIndex
  readonly counts: Counts
  /** By scope id. */
  readonly heads: Map<number, Head>
  readonly headsByName: Map<string, Head>
  readonly pending: LogWriter
  readonly encoder: PartEncoder
  /** Series and scopes whose rows are not as they are in memory. */
  readonly dirtySeries: Set<Series>
  readonly dirtyScopes: Set<Head>
  /** Series with samples that have no place in a head. */
  readonly looseSeries: Set<Series>
  /** How many samples of them are in memory only. */
  looseCount: number
  liveSeries: number
  /** The log rows on disk, oldest first. */
  logRows: { readonly sequence: number; readonly at: number }[]
  /** The last log row written. */
  sequence: number
  /** Log rows were given up while the disk failed; durable again once every head is folded. */
  isLogIncomplete: boolean
}

export function createStore(options: TsdbOptions, storage: Storage): Store {
  return {
    options,
    storage,
    index: new SeriesIndex(),
    counts: {
      samplesAppended: 0,
      staleMarkers: 0,
      duplicates: 0,
      tooOld: 0,
      overLimit: 0,
      lostToDisk: 0,
      damagedBlobs: 0,
      flushFailures: 0,
    },
    heads: new Map(),
    headsByName: new Map(),
    pending: new LogWriter(),
    encoder: new PartEncoder(),
    dirtySeries: new Set(),
    dirtyScopes: new Set(),
    looseSeries: new Set(),
    looseCount: 0,
    liveSeries: 0,
    logRows: [],
    sequence: 0,
    isLogIncomplete: false,
  }
}

/** The head of a scope, made when it is first heard of. */
export function headOf(store: Store, scope: string): Head {
  const known = store.headsByName.get(scope)
  if (known !== undefined) return known
  const head = addHead(store, store.heads.size + 1, scope)
  store.dirtyScopes.add(head)
  return head
}

export function addHead(store: Store, id: number, scope: string): Head {
  const head = new Head(id, scope)
  store.heads.set(id, head)
  store.headsByName.set(scope, head)
  return head
}

/** Whether anything waits to become durable. */
export function isDirty(store: Store): boolean {
  return store.pending.waiting > 0 || store.dirtySeries.size > 0 || store.dirtyScopes.size > 0
}

/** Series written ahead of their samples in one step, when very many are new. */
const SERIES_STEP = 500

/**
 * Writes new series ahead, so that the commit of a round that brought thousands of them stays short. A series without
 * samples means nothing to anybody who reads the file after a kill.
 *
 * @throws OutsideError `local`
 */
export function* commitManySeries(store: Store): Steps<void> {
  while (store.dirtySeries.size > SERIES_STEP) {
    const some = [...store.dirtySeries.values().take(SERIES_STEP)]
    store.storage.transaction(() => {
      for (const head of store.dirtyScopes) store.storage.insertScope.run(head.scope, head.name)
      for (const series of some) writeSeries(store.storage, series)
    })
    for (const series of some) store.dirtySeries.delete(series)
    yield
  }
}

/**
 * Writes what waits, and what `alongside` writes, in one transaction.
 *
 * @throws OutsideError `local`; then nothing was written and all still waits
 */
export function commit(store: Store, alongside: () => void = () => {}): void {
  const { storage, pending } = store
  const hasRow = pending.waiting > 0 && !storage.isMemory
  try {
    storage.transaction(() => {
      for (const head of store.dirtyScopes) storage.insertScope.run(head.scope, head.name)
      for (const series of store.dirtySeries) writeSeries(storage, series)
      if (hasRow) storage.insertLog.run(store.sequence + 1, pending.newestAt, pending.finish())
      alongside()
    })
  } catch (error) {
    if (error instanceof OutsideError) afterFailure(store)
    throw error
  }
  if (hasRow) store.logRows.push({ sequence: ++store.sequence, at: pending.newestAt })
  pending.clear()
  store.dirtySeries.clear()
  store.dirtyScopes.clear()
}

function writeSeries(storage: Storage, series: Series): void {
  const endedAt = series.isLive ? null : series.endedAt
  storage.putSeries.run(series.id, series.scope, series.former.join(' '), JSON.stringify(series.labels), endedAt)
}

function afterFailure(store: Store): void {
  store.counts.flushFailures++
  if (store.pending.waiting <= UNFLUSHED_MAX_BYTES) return
  store.pending.clear()
  store.isLogIncomplete = true
}
