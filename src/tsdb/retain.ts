import { keepsHistory, removeParts } from './compact.ts'
import { windowOf } from './fold.ts'
import type { Parts } from './parts.ts'
import { fineHistoryMs } from './reader.ts'
import type { Series } from './series.ts'
import type { Steps } from './slices.ts'
import { type Level, LEVELS } from './storage.ts'
import { commit, type Store } from './store.ts'

const LISTED_MAX = 256
/** Series removed in one step: each posting list they are in is written anew. */
const REMOVED_MAX = 500
/** A head whose scope fell silent gives its memory back after so long. */
const IDLE_MS = 3_600_000
/** Pages given back to the disk in one step, and how much of the file may be empty. */
const VACUUM_PAGES = 64
const EMPTY_MAX = 0.1
const GRACE_MS = 10 * 60_000

/** Lets go of what is too old, or too much. */
export function* retain(store: Store, parts: Parts): Steps<void> {
  const now = store.options.world.now()
  const { rawMs, historyMs, maxBytes } = store.options.retention
  const rawBefore = rawCutoff(store, now - rawMs, now)
  yield* removeBefore(store, parts, LEVELS.folded, rawBefore)
  yield* removeBefore(store, parts, LEVELS.merged, rawBefore)
  yield* removeBefore(store, parts, LEVELS.fiveMinutes, now - fineHistoryMs(rawMs, historyMs))
  yield* removeBefore(store, parts, LEVELS.hour, now - Math.max(rawMs, historyMs))
  if (maxBytes !== undefined) yield* removeUntilFits(store, parts, maxBytes)
  emptyIdleHeads(store, now)
  yield* removeSeries(store, now)
  yield* shrink(store)
}

/** Raw samples stay until their day's history is made, even if that is later than their age asks for. */
function rawCutoff(store: Store, byAge: number, now: number): number {
  if (!keepsHistory(store)) return byAge
  const marked = store.storage.firstMarkedDay.get()?.day ?? byAge
  return Math.min(byAge, marked, windowOf(now - GRACE_MS))
}

function* removeBefore(store: Store, parts: Parts, level: Level, before: number): Steps<void> {
  for (;;) {
    const rows = store.storage.partsBefore.all(level, before, LISTED_MAX)
    if (rows.length === 0) return
    yield* removeParts(store, parts, rows)
  }
}

/** The oldest samples go first, then the oldest history. */
function* removeUntilFits(store: Store, parts: Parts, maxBytes: number): Steps<void> {
  while (store.storage.usedBytes() > maxBytes) {
    const oldest = [LEVELS.merged, LEVELS.folded]
      .flatMap((level) => store.storage.partsBefore.all(level, Number.MAX_SAFE_INTEGER, 4))
      .toSorted((a, b) => a.endAt - b.endAt)
      .slice(0, 4)
    const rows =
      oldest.length > 0
        ? oldest
        : [LEVELS.fiveMinutes, LEVELS.hour].flatMap((level) =>
            store.storage.partsBefore.all(level, Number.MAX_SAFE_INTEGER, 4),
          )
    if (rows.length === 0) return
    yield* removeParts(store, parts, rows)
  }
}

function emptyIdleHeads(store: Store, now: number): void {
  for (const head of store.heads.values()) {
    if (head.live === 0 && head.rounds > 0 && head.folded === head.rounds && head.lastAt < now - IDLE_MS) {
      head.resize(8, head.rounds)
    }
  }
}

/** Forgets series whose last sample has gone; and the longest ended ones, when too many have ended. */
function* removeSeries(store: Store, now: number): Steps<void> {
  const { rawMs, historyMs } = store.options.retention
  const before = now - Math.max(rawMs, historyMs)
  const ended: Series[] = []
  for (const series of store.index.all()) {
    if (!series.isLive && series.slot < 0 && series.loose === undefined) ended.push(series)
  }
  yield
  ended.sort((a, b) => a.endedAt - b.endedAt)
  const tooMany = ended.length - store.options.limits.maxSeries
  const gone = ended.filter((series, index) => series.endedAt < before || index < tooMany)
  for (let start = 0; start < gone.length; start += REMOVED_MAX) {
    // One may have come back since the last step.
    const some = gone.slice(start, start + REMOVED_MAX).filter(({ isLive, loose }) => !isLive && loose === undefined)
    commit(store, () => {
      for (const { id } of some) store.storage.removeSeries.run(id)
    })
    store.index.remove(new Set(some))
    yield
  }
}

/** Gives empty pages back to the disk, a few at a time. */
function* shrink(store: Store): Steps<void> {
  while (store.storage.emptyRatio() > EMPTY_MAX) {
    const before = store.storage.emptyRatio()
    store.storage.vacuum(VACUUM_PAGES)
    yield
    if (store.storage.emptyRatio() >= before) return
  }
}
