import { align } from './align.ts'
import type { StoredPoints } from './contract.ts'
import type { Head } from './head.ts'
import { PART_SERIES } from './part.ts'
import { headPoints, runPoints } from './points.ts'
import type { Series } from './series.ts'
import type { Steps } from './slices.ts'
import { type Level, LEVELS } from './storage.ts'
import { commit, RAW_MS, type Store } from './store.ts'

/** Parts of raw samples never reach over such a border, so that those between two borders can be merged. */
export const WINDOW_MS = 2 * 3_600_000

/** A head is folded when its oldest round that is in no part is so old, or when so many wait. */
const DUE_MS = 5 * 60_000
const DUE_ROUNDS = 120
/** Log rows are kept for so long after their samples went to parts: after a restart rules look back without waiting. */
const LOG_KEPT_MS = 6 * 60_000

/** The window a time lies in: its first millisecond. */
export function windowOf(time: number, sizeMs = WINDOW_MS): number {
  return Math.floor(time / sizeMs) * sizeMs
}

/** Moves what is due from the log and memory to parts, and lets go of log rows that nobody needs any more. */
export function* fold(store: Store, isAll = false): Steps<void> {
  for (const head of store.heads.values()) {
    if (isAll || isDue(store, head)) yield* foldHead(store, head)
  }
  forgetLoose(store)
  trimLog(store)
}

function isDue(store: Store, head: Head): boolean {
  if (freshOf(store, head.scope).next().done !== true) return true
  const waiting = head.rounds - head.folded
  if (waiting === 0) return false
  return waiting >= DUE_ROUNDS || (head.times[head.folded] ?? 0) <= store.options.world.now() - DUE_MS
}

/** Series of a scope with late samples that are in no part. */
function* freshOf(store: Store, scope: number): Generator<Series, void, undefined> {
  for (const series of store.looseSeries) {
    if (series.scope === scope && series.loose !== undefined && series.loose.fresh.length > 0) yield series
  }
}

function* foldHead(store: Store, head: Head): Steps<void> {
  commit(store)
  const { sequence } = store
  const lastTime = head.times[head.rounds - 1] ?? head.floor
  let from = head.folded > 0 ? (head.times[head.folded - 1] ?? 0) : (head.times[0] ?? 0) - 1
  while (head.rounds > 0 && from < lastTime) {
    const next = head.times[head.after(from)] ?? lastTime
    const to = Math.min(lastTime, windowOf(next) + WINDOW_MS - 1)
    yield* foldRounds(store, head, from, to)
    from = to
  }
  const latestLoose = yield* foldLoose(store, head)
  head.foldedTo = Math.max(head.foldedTo, lastTime, latestLoose)
  const [foldedTo, lastAt] = [finiteOrNull(head.foldedTo), finiteOrNull(head.lastAt)]
  commit(store, () => store.storage.foldScope.run(sequence, foldedTo, lastAt, head.scope))
  head.folded = head.after(lastTime)
  head.foldedSequence = sequence
}

function finiteOrNull(time: number): number | null {
  return Number.isFinite(time) ? time : null
}

function* foldRounds(store: Store, head: Head, from: number, to: number): Steps<void> {
  const members = head.members.filter((series) => series !== undefined).toSorted((a, b) => a.id - b.id)
  for (let start = 0; start < members.length; start += PART_SERIES) {
    const batch = members.slice(start, start + PART_SERIES)
    const points = new Map<number, StoredPoints>()
    for (const series of batch) {
      const slot = slotIn(head, series)
      if (slot >= 0) points.set(series.id, headPoints(head, slot, from, to))
    }
    writePart(store, { scope: head.scope, level: LEVELS.folded }, points)
    yield
  }
}

/** A series that another scope took over still has its old slot here. */
function slotIn(head: Head, series: Series): number {
  return head.members[series.slot] === series ? series.slot : head.members.indexOf(series)
}

/** Writes late samples, a window at a time. Returns the time of the latest. */
function* foldLoose(store: Store, head: Head): Steps<number> {
  let latest = Number.NEGATIVE_INFINITY
  const members = [...freshOf(store, head.scope)].toSorted((a, b) => a.id - b.id)
  for (let start = 0; start < members.length; start += PART_SERIES) {
    const batch = members.slice(start, start + PART_SERIES)
    const windows = new Set(batch.flatMap(({ loose }) => loose?.fresh.times.map((time) => windowOf(time)) ?? []))
    for (const window of windows) {
      latest = Math.max(latest, foldWindow(store, batch, head, window))
      yield
    }
  }
  return latest
}

function foldWindow(store: Store, batch: readonly Series[], head: Head, window: number): number {
  const from = window - 1
  const to = window + WINDOW_MS - 1
  const points = new Map<number, StoredPoints>()
  let latest = Number.NEGATIVE_INFINITY
  for (const { id, loose } of batch) {
    if (loose === undefined) continue
    const fresh = runPoints(loose.fresh, from, to)
    points.set(id, fresh)
    latest = Math.max(latest, fresh.times[fresh.end - 1] ?? latest)
  }
  writePart(store, { scope: head.scope, level: LEVELS.folded }, points)
  for (const series of batch) {
    series.floor = Math.max(series.floor, recentFloor(store, head))
    const floor = Math.max(head.floor, series.floor)
    store.looseCount -= series.loose?.settle(from, to, floor) ?? 0
  }
  return latest
}

/** Before this, late samples are read from parts only. */
function recentFloor(store: Store, head: Head): number {
  return Math.min(head.lastAt, store.options.world.now()) - RAW_MS
}

/** Forgets late samples that are in parts and no longer within the time that is read from memory alone. */
function forgetLoose(store: Store): void {
  for (const series of store.looseSeries) {
    const head = store.heads.get(series.scope)
    if (series.loose === undefined || head === undefined) continue
    series.floor = Math.max(series.floor, recentFloor(store, head))
    series.loose.kept.dropUntil(Math.max(head.floor, series.floor))
    if (!series.loose.isEmpty) continue
    series.loose = undefined
    store.looseSeries.delete(series)
  }
}

interface PartPlace {
  readonly scope: number
  readonly level: Level
}

function writePart(store: Store, place: PartPlace, points: ReadonlyMap<number, StoredPoints>): void {
  commit(store, () => insertPart(store, place, points))
}

/** Makes a part of points by series id, ascending, and puts it on disk. Within a transaction. */
export function insertPart(store: Store, place: PartPlace, points: ReadonlyMap<number, StoredPoints>): void {
  const filled = [...points].filter(([, { start, end }]) => end > start)
  if (filled.length === 0) return
  const ids = filled.map(([id]) => id)
  const { times, columns } = align(filled.map(([, one]) => one))
  const samples = filled.reduce((sum, [, { start, end }]) => sum + end - start, 0)
  const data = store.encoder.encode({ times, ids, columns, fields: 1 })
  const { scope, level } = place
  store.storage.insertPart.run(
    scope,
    level,
    times[0] ?? 0,
    times.at(-1) ?? 0,
    ids[0] ?? 0,
    ids.at(-1) ?? 0,
    samples,
    data,
  )
}

function trimLog(store: Store): void {
  let safe = store.sequence
  for (const head of store.heads.values()) if (head.folded < head.rounds) safe = Math.min(safe, head.foldedSequence)
  for (const { scope, loose } of store.looseSeries) {
    const hasFresh = loose !== undefined && loose.fresh.length > 0
    if (hasFresh) safe = Math.min(safe, store.heads.get(scope)?.foldedSequence ?? 0)
  }
  const before = store.options.world.now() - LOG_KEPT_MS
  let last = -1
  for (const row of store.logRows) {
    if (row.sequence > safe || row.at >= before) break
    last = row.sequence
  }
  if (last < 0) return
  commit(store, () => store.storage.removeLog.run(last))
  store.logRows = store.logRows.filter((row) => row.sequence > last)
}
