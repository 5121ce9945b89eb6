import { type Allocate, ownMemory } from './arena.ts'
import type { Column } from './column.ts'
import type { StoredPoints } from './contract.ts'
import { ABSENT, type Head, STALE } from './head.ts'
import type { Run } from './loose.ts'

const NOTHING = new Float64Array(0)
export const NO_POINTS: StoredPoints = { times: NOTHING, values: NOTHING, stale: undefined, start: 0, end: 0 }

/** A row of the head, as a view where it is whole and as a copy where it has gaps. */
export function headPoints(head: Head, slot: number, fromMs: number, toMs: number): StoredPoints {
  const start = Math.max(head.first(slot), head.after(fromMs))
  const end = Math.min(head.end(slot), head.after(toMs))
  if (start >= end) return NO_POINTS
  const values = head.row(slot)
  const flags = head.flags(slot)
  if (flags === undefined) return { times: head.times, values, stale: undefined, start, end }
  let hasAbsent = false
  let hasStale = false
  for (let index = start; index < end; index++) {
    if (flags[index] === ABSENT) hasAbsent = true
    else if (flags[index] === STALE) hasStale = true
  }
  if (!hasAbsent) return { times: head.times, values, stale: hasStale ? flags : undefined, start, end }
  return withoutAbsent({ times: head.times, values, stale: flags, start, end })
}

/** A copy of points without the places that `stale` says are absent. */
function withoutAbsent(points: StoredPoints): StoredPoints {
  const builder = new PointsBuilder(points.end - points.start)
  for (let index = points.start; index < points.end; index++) {
    const flag = points.stale?.[index] ?? 0
    if (flag !== ABSENT) builder.push(points.times[index] ?? 0, points.values[index] ?? 0, flag === STALE)
  }
  return builder.finish()
}

/** A column as points: as it is where it is whole, else without its gaps. */
export function pointsOfColumn(times: Float64Array, { values, states }: Column): StoredPoints {
  const points = { times, values, stale: states, start: 0, end: times.length }
  return states?.includes(ABSENT) === true ? withoutAbsent(points) : points
}

export function runPoints(run: Run, fromMs: number, toMs: number): StoredPoints {
  const start = run.after(fromMs)
  const end = run.after(toMs)
  if (start >= end) return NO_POINTS
  const stale = run.stale.slice(start, end)
  return {
    times: Float64Array.from(run.times.slice(start, end)),
    values: Float64Array.from(run.values.slice(start, end)),
    stale: stale.includes(1) ? Uint8Array.from(stale) : undefined,
    start: 0,
    end: end - start,
  }
}

/** Narrows points to `fromMs < time <= toMs`. */
export function within(points: StoredPoints, fromMs: number, toMs: number): StoredPoints {
  let { start, end } = points
  if (start < end && (points.times[start] ?? 0) <= fromMs) start = after(points.times, fromMs, start, end)
  if (start < end && (points.times[end - 1] ?? 0) > toMs) end = after(points.times, toMs, start, end)
  return start === points.start && end === points.end ? points : { ...points, start, end }
}

function after(times: Float64Array, time: number, start: number, end: number): number {
  let low = start
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low
}

/** Points of one series from several places, ascending and without repetition: of two at one time the earlier wins. */
export function mergePoints(lists: readonly StoredPoints[], allocate: Allocate = ownMemory): StoredPoints {
  const filled = lists.filter((list) => list.end > list.start)
  const [only] = filled
  if (only === undefined) return NO_POINTS
  if (filled.length === 1) return only
  const chains = chainsOf(filled).map((chain) => joined(chain, allocate))
  return chains[0] !== undefined && chains.length === 1 ? chains[0] : interleaved(chains)
}

/** Sorts lists into as few chains as needed, within each of which one ends before the next begins: almost always one. */
function chainsOf(lists: readonly StoredPoints[]): readonly (readonly StoredPoints[])[] {
  const chains: { lastTime: number; readonly lists: StoredPoints[] }[] = []
  for (const list of lists.toSorted((a, b) => firstTime(a) - firstTime(b))) {
    const lastTime = list.times[list.end - 1] ?? 0
    const chain = chains.find((one) => one.lastTime < firstTime(list))
    if (chain === undefined) chains.push({ lastTime, lists: [list] })
    else {
      chain.lists.push(list)
      chain.lastTime = lastTime
    }
  }
  return chains.map((chain) => chain.lists)
}

function firstTime(points: StoredPoints): number {
  return points.times[points.start] ?? 0
}

function joined(lists: readonly StoredPoints[], allocate: Allocate): StoredPoints {
  if (lists[0] !== undefined && lists.length === 1) return lists[0]
  const size = lists.reduce((sum, list) => sum + list.end - list.start, 0)
  const times = allocate(size)
  const values = allocate(size)
  const stale = lists.some((list) => list.stale !== undefined) ? new Uint8Array(size) : undefined
  let offset = 0
  for (const list of lists) {
    times.set(list.times.subarray(list.start, list.end), offset)
    values.set(list.values.subarray(list.start, list.end), offset)
    if (stale !== undefined && list.stale !== undefined) stale.set(list.stale.subarray(list.start, list.end), offset)
    offset += list.end - list.start
  }
  return { times, values, stale, start: 0, end: size }
}

function interleaved(lists: readonly StoredPoints[]): StoredPoints {
  const builder = new PointsBuilder(lists.reduce((sum, list) => sum + list.end - list.start, 0))
  const cursors = lists.map((list) => list.start)
  for (;;) {
    let best = -1
    let bestTime = Number.POSITIVE_INFINITY
    for (const [index, list] of lists.entries()) {
      const cursor = cursors[index] ?? 0
      const time = cursor < list.end ? (list.times[cursor] ?? 0) : Number.POSITIVE_INFINITY
      if (time < bestTime) {
        best = index
        bestTime = time
      }
    }
    const list = lists[best]
    if (list === undefined) return builder.finish()
    const cursor = cursors[best] ?? 0
    cursors[best] = cursor + 1
    builder.push(bestTime, list.values[cursor] ?? 0, list.stale?.[cursor] === 1)
  }
}

/** Collects points in ascending order; a second one at the same time is ignored. */
class PointsBuilder {
  readonly #times: Float64Array
  readonly #values: Float64Array
  #stale: Uint8Array | undefined
  #length = 0

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity)
    this.#values = new Float64Array(capacity)
  }

  push(time: number, value: number, isStale: boolean): void {
    const index = this.#length
    if (index > 0 && this.#times[index - 1] === time) return
    this.#times[index] = time
    this.#values[index] = value
    if (isStale) {
      this.#stale ??= new Uint8Array(this.#times.length)
      this.#stale[index] = 1
    }
    this.#length++
  }

  finish(): StoredPoints {
    return { times: this.#times, values: this.#values, stale: this.#stale, start: 0, end: this.#length }
  }
}
