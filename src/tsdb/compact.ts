import { Arena } from './arena.ts'
import { collect } from './collect.ts'
import { insertPart, WINDOW_MS, windowOf } from './fold.ts'
import { PART_SERIES } from './part.ts'
import type { Parts } from './parts.ts'
import type { Steps } from './slices.ts'
import { LEVELS, type PartRow } from './storage.ts'
import { commit, type Store } from './store.ts'

export const DAY_MS = 24 * 3_600_000
/** Late samples may still come for a while after a window is over. */
const GRACE_MS = 10 * 60_000
/** Rows removed in one step. */
const REMOVED_MAX = 16

/**
 * Merges the small parts of each window that is over into few large ones. The new ones are written before the old ones
 * go: killed in between, both are there, readers see each sample once, and the next run merges them again.
 */
export function* compact(store: Store, parts: Parts): Steps<void> {
  const before = windowOf(store.options.world.now() - GRACE_MS)
  for (const { scope, window } of store.storage.foldedWindows.all(WINDOW_MS, before)) {
    if (isWaiting(store, scope, window)) continue
    yield* mergeWindow(store, parts, { scope, window })
  }
}

/** Whether the head still has rounds of the window that are in no part. */
function isWaiting(store: Store, scope: number, window: number): boolean {
  const head = store.heads.get(scope)
  if (head === undefined || head.folded === head.rounds) return false
  return (head.times[head.folded] ?? 0) < window + WINDOW_MS
}

interface Window {
  readonly scope: number
  readonly window: number
}

function* mergeWindow(store: Store, parts: Parts, { scope, window }: Window): Steps<void> {
  const { storage } = store
  const range = { fromMs: window - 1, toMs: window + WINDOW_MS - 1 }
  const rows = [LEVELS.merged, LEVELS.folded].flatMap((level) =>
    storage.partsWithin.all(scope, level, range.fromMs, range.toMs),
  )
  const ids = yield* parts.readAll(rows)
  const arena = new Arena()
  if (keepsHistory(store)) commit(store, () => storage.markDay.run(scope, windowOf(window, DAY_MS)))
  for (let start = 0; start < ids.length; start += PART_SERIES) {
    const batch = ids.slice(start, start + PART_SERIES)
    arena.reset()
    const points = yield* collect(parts, { rows, ids: batch, ...range, field: 0, arena })
    yield
    commit(store, () => insertPart(store, { scope, level: LEVELS.merged }, points))
    yield
  }
  yield* removeParts(store, parts, rows)
}

export function keepsHistory(store: Store): boolean {
  const { rawMs, historyMs } = store.options.retention
  return historyMs > rawMs
}

/** Removes parts a few at a time: what they filled is given back page by page. */
export function* removeParts(store: Store, parts: Parts, rows: readonly Pick<PartRow, 'id'>[]): Steps<void> {
  for (let start = 0; start < rows.length; start += REMOVED_MAX) {
    const some = rows.slice(start, start + REMOVED_MAX)
    commit(store, () => {
      for (const { id } of some) store.storage.removePart.run(id)
    })
    for (const { id } of some) parts.forget(id)
    yield
  }
}
