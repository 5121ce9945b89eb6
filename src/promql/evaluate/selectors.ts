import type { Labels } from '../../core/labels.ts'
import type { LoadedSeries, Points } from '../source.ts'
import type { VectorSelector } from '../syntax/ast.ts'
import {
  fixedInstant,
  resolveDuration,
  settle,
  vectorOf,
  type Scope,
  type Selection,
  type Steps,
  type Vector,
} from './run.ts'

/** Where an instant selector reads: the time of each step, the lookback, and what of a sample counts. */
interface Reading {
  readonly scope: Scope
  readonly fixed: number | undefined
  readonly offsetMs: number
  readonly pick: Pick
}

/** Which number of a sample is wanted: its value, its time, or when its counter began (both in seconds). */
export type Pick = 'value' | 'time' | 'start'

/** The newest sample within the lookback, at each time; nothing where that is a staleness marker. */
export function* evaluateSelector(scope: Scope, selector: VectorSelector, pick: Pick = 'value'): Steps<Vector> {
  const { run, grid } = scope
  const { refs, labels, distinct } = run.select(selector)
  const offsetMs = resolveDuration(selector.offset, run.query)
  const fixed = fixedInstant(selector.at, run.query)
  const lookback = run.options.lookbackMs
  const from = (fixed ?? grid.start) - offsetMs - lookback
  const to = (fixed ?? grid.end) - offsetMs + (selector.mode === 'smoothed' ? lookback : 0)
  const vector = { ...vectorOf(run, labels, grid.count), distinct }
  const loaded = yield* settle(run.options.source.load(refs, from, to, run.signal))
  const reading = { scope, fixed, offsetMs, pick }
  const fill = selector.mode === 'smoothed' ? fillSmoothed : fillRow
  for (let row = 0; row < refs.length; row += 1) {
    fill(vector, row, loaded.points(row), reading)
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  return vector
}

function fillRow(vector: Vector, row: number, points: Points, { scope, fixed, offsetMs, pick }: Reading): void {
  const { grid, run } = scope
  const { times, stale } = points
  const lookback = run.options.lookbackMs
  const base = row * grid.count
  // Most questions are about the newest sample: look there before searching.
  let next = upperBound(times, points.start, points.end, (fixed ?? grid.start) - offsetMs)
  for (let step = 0; step < grid.count; step += 1) {
    const time = (fixed ?? grid.start + step * grid.step) - offsetMs
    while (next < points.end && (times[next] ?? 0) <= time) next += 1
    const index = next - 1
    if (index < points.start || (times[index] ?? 0) <= time - lookback || stale?.[index] === 1) continue
    vector.present[base + step] = 1
    vector.values[base + step] = picked(points, index, pick)
  }
}

function picked(points: Points, index: number, pick: Pick): number {
  if (pick === 'value') return points.values[index] ?? 0
  return (pick === 'time' ? (points.times[index] ?? 0) : (points.starts?.[index] ?? 0)) / 1000
}

/** Between two samples within the lookback on either side, the value on the line between them. */
function fillSmoothed(vector: Vector, row: number, points: Points, { scope, fixed, offsetMs }: Reading): void {
  const { grid, run } = scope
  const { times, values, start, end } = withoutStale(points)
  const lookback = run.options.lookbackMs
  const base = row * grid.count
  let next = start
  for (let step = 0; step < grid.count; step += 1) {
    const time = (fixed ?? grid.start + step * grid.step) - offsetMs
    while (next < end && (times[next] ?? 0) <= time) next += 1
    const before = next - 1
    if (before < start || (times[before] ?? 0) <= time - lookback) continue
    const earlier = values[before] ?? 0
    const hasNext = next < end && (times[next] ?? 0) <= time + lookback
    const span = (times[next] ?? 0) - (times[before] ?? 0)
    const share = hasNext ? (time - (times[before] ?? 0)) / span : 0
    vector.present[base + step] = 1
    vector.values[base + step] = hasNext ? earlier + ((values[next] ?? 0) - earlier) * share : earlier
  }
}

/** The first index in `[start, end)` whose time is past `time`, or `end`. */
export function upperBound(times: Float64Array, start: number, end: number, time: number): number {
  if (start >= end || (times[end - 1] ?? 0) <= time) return end
  let low = start
  let high = end - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low
}

/** The samples that are no staleness markers: the same arrays where there are none. */
function withoutStale(points: Points): Points {
  const { stale, start, end } = points
  if (stale === undefined) return points
  const marker = stale.indexOf(1, start)
  if (marker === -1 || marker >= end) return { ...points, stale: undefined }
  const kept: number[] = []
  for (let index = start; index < end; index += 1) if (stale[index] !== 1) kept.push(index)
  const pick = (array: Float64Array) => Float64Array.from(kept, (index) => array[index] ?? 0)
  const rest = points.starts === undefined ? {} : { starts: pick(points.starts) }
  const { times, values } = points
  return { times: pick(times), values: pick(values), stale: undefined, start: 0, end: kept.length, ...rest }
}

/** The samples of a range, row by row: from the store, or from a subquery. */
export interface RangeSource {
  readonly labels: readonly Labels[]
  readonly distinct: boolean
  readonly dropName: Uint8Array | undefined
  /** Without staleness markers. */
  points(row: number): Points
}

export function rangeFromStore(selection: Selection, loaded: LoadedSeries): RangeSource {
  const { labels, distinct } = selection
  return { labels, distinct, dropName: undefined, points: (row) => withoutStale(loaded.points(row)) }
}
