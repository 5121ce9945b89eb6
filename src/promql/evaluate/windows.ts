import { PromqlError } from '../errors.ts'
import type { Points } from '../source.ts'
import type { EdgeMode, Expr, MatrixSelector, Subquery } from '../syntax/ast.ts'
import { unwrap } from '../syntax/ast.ts'
import {
  createGrid,
  fixedInstant,
  resolveDuration,
  settle,
  vectorOf,
  type Scope,
  type Steps,
  type Vector,
} from './run.ts'
import { rangeFromStore, upperBound, type RangeSource } from './selectors.ts'

/** A stretch of one series' samples that is moved along it, never copied: the samples `from < time <= to`. */
export interface Window {
  times: Float64Array
  values: Float64Array
  /** When each sample's counter began; undefined where the source does not know. */
  starts: Float64Array | undefined
  /** The samples are `lo <= index < hi`. With an edge mode they reach further: by the lookback before, and after. */
  lo: number
  hi: number
  from: number
  to: number
  /** The time of the step, which an offset or `@` may part from `to`. */
  at: number
  rangeSeconds: number
  mode: EdgeMode | undefined
  /** Scalar arguments at this step. */
  first: number
  second: number
  /** Indexes at which the series falls, ascending, found once for all windows; undefined for a single window. */
  falls: readonly number[] | undefined
  /** The first of `falls` that may matter to this window or a later one. */
  fall: number
  /** Aggregates kept from window to window; undefined for a single window. */
  sliding: boolean
  /** The answer of a kernel that returned true. */
  out: number
  /** Said once per series by a kernel that found counters that overlap. */
  overlaps: boolean
}

/** Computes one window's number into `out`; false when there is none. */
export type Kernel = (window: Window) => boolean

export interface RangeFunction {
  /** Made anew for every series, so that it may remember the window before. */
  readonly kernel: () => Kernel
  readonly needsFalls?: boolean
}

/** A range, resolved: whose samples, and where each step's window ends and begins. */
export interface ResolvedRange {
  readonly source: RangeSource
  readonly rangeMs: number
  readonly offsetMs: number
  readonly fixed: number | undefined
  readonly mode: EdgeMode | undefined
}

/** Finds the samples of a range selector or subquery for every step. */
export function* resolveRange(scope: Scope, expr: Expr): Steps<ResolvedRange> {
  const inner = unwrap(expr)
  if (inner.kind === 'matrix') return yield* resolveMatrix(scope, inner)
  if (inner.kind === 'subquery') return yield* resolveSubquery(scope, inner)
  throw new PromqlError('expected a range vector', { position: expr.start })
}

function* resolveMatrix(scope: Scope, expr: MatrixSelector): Steps<ResolvedRange> {
  const { run, grid } = scope
  const { selector } = expr
  const { mode } = selector
  const rangeMs = positive(resolveDuration(expr.range, run.query), expr)
  const offsetMs = resolveDuration(selector.offset, run.query)
  const fixed = fixedInstant(selector.at, run.query)
  const before = mode === undefined ? 0 : run.options.lookbackMs
  const after = mode === 'smoothed' ? run.options.lookbackMs : 0
  const selection = run.select(selector)
  const from = (fixed ?? grid.start) - offsetMs - rangeMs - before
  const to = (fixed ?? grid.end) - offsetMs + after
  const loaded = yield* settle(run.options.source.load(selection.refs, from, to, run.signal))
  return { source: rangeFromStore(selection, loaded), rangeMs, offsetMs, fixed, mode }
}

function positive(ms: number, expr: Expr): number {
  if (ms > 0) return ms
  throw new PromqlError('the range of a window must be longer than 0: write one like [5m]', { position: expr.start })
}

/** Evaluates the inner expression at multiples of the step, the start exclusive, once for all windows. */
function* resolveSubquery(scope: Scope, expr: Subquery): Steps<ResolvedRange> {
  const { run, grid } = scope
  const rangeMs = positive(resolveDuration(expr.range, run.query), expr)
  const offsetMs = resolveDuration(expr.offset, run.query)
  const fixed = fixedInstant(expr.at, run.query)
  const stepMs = expr.step === undefined ? run.options.defaultSubqueryStepMs : resolveDuration(expr.step, run.query)
  if (stepMs <= 0) throw new PromqlError('the step of a subquery must be longer than 0', { position: expr.start })
  const from = (fixed ?? grid.start) - offsetMs - rangeMs
  const to = (fixed ?? grid.end) - offsetMs
  const inner = createGrid((Math.floor(from / stepMs) + 1) * stepMs, to, stepMs)
  run.budget.hold(inner.count)
  const result = yield* run.evaluate({ run, grid: inner }, expr.expr)
  if (result.kind !== 'vector') throw new PromqlError('a subquery needs an instant vector', { position: expr.start })
  const times = Float64Array.from({ length: inner.count }, (_, step) => inner.start + step * stepMs)
  const { labels, distinct, dropName } = result
  const source = { labels, distinct, dropName, points: (row: number) => pointsOfRow(result, row, times) }
  return { source, rangeMs, offsetMs, fixed, mode: undefined }
}

function pointsOfRow(vector: Vector, row: number, times: Float64Array): Points {
  const count = times.length
  const values = vector.values.subarray(row * count, (row + 1) * count)
  const present = vector.present.subarray(row * count, (row + 1) * count)
  if (!present.includes(0)) return { times, values, stale: undefined, start: 0, end: count }
  const kept: number[] = []
  for (let index = 0; index < count; index += 1) if (present[index] === 1) kept.push(index)
  return {
    times: Float64Array.from(kept, (index) => times[index] ?? 0),
    values: Float64Array.from(kept, (index) => values[index] ?? 0),
    stale: undefined,
    start: 0,
    end: kept.length,
  }
}

export interface Arguments {
  readonly first?: Float64Array | undefined
  readonly second?: Float64Array | undefined
}

/** Applies a range function to every series and step: one pass over each series, its window moving along. */
export function* mapWindows(
  scope: Scope,
  range: ResolvedRange,
  fn: RangeFunction,
  args: Arguments & { readonly onOverlap?: (row: number) => void },
): Steps<Vector> {
  const { run, grid } = scope
  const { source } = range
  const vector: Vector = {
    ...vectorOf(run, source.labels, grid.count),
    dropName: source.dropName,
    distinct: source.distinct,
  }
  const window = createWindow(scope, range)
  for (let row = 0; row < source.labels.length; row += 1) {
    const seen = source.points(row)
    // The source's arrays may change while others run: a series that takes long is copied, once.
    const isLong = (seen.end - seen.start) * grid.count > LONG_UNITS
    const points = isLong ? copyOf(seen) : seen
    startSeries(window, points, fn.needsFalls === true && grid.count > 1 && range.fixed === undefined)
    const kernel = fn.kernel()
    let work = 0
    let first = 0
    for (let step = 0; step < grid.count; step += 1) {
      moveWindow(window, range, points, { scope, step })
      if (step === 0) first = window.lo
      if (window.hi <= window.lo) continue
      window.first = args.first?.[step] ?? 0
      window.second = args.second?.[step] ?? 0
      work += window.sliding ? 4 : window.hi - window.lo
      if (isLong && run.budget.isSpent(window.hi - window.lo)) yield undefined
      if (!kernel(window)) continue
      vector.values[row * grid.count + step] = window.out
      vector.present[row * grid.count + step] = 1
    }
    run.budget.hold(window.hi - first)
    if (window.overlaps) args.onOverlap?.(row)
    if (run.budget.isSpent(work + grid.count)) yield undefined
  }
  return vector
}

/** Samples times steps past which one series might not fit a slice. */
const LONG_UNITS = 2_000_000

function copyOf({ times, values, starts, start, end }: Points): Points {
  const rest = starts === undefined ? {} : { starts: starts.slice(start, end) }
  const copied = { times: times.slice(start, end), values: values.slice(start, end) }
  return { ...copied, stale: undefined, start: 0, end: end - start, ...rest }
}

function createWindow({ grid }: Scope, range: ResolvedRange): Window {
  return {
    times: new Float64Array(0),
    values: new Float64Array(0),
    starts: undefined,
    lo: 0,
    hi: 0,
    from: 0,
    to: 0,
    at: 0,
    rangeSeconds: range.rangeMs / 1000,
    mode: range.mode,
    first: 0,
    second: 0,
    falls: undefined,
    fall: 0,
    sliding: grid.count > 1 && range.fixed === undefined && range.rangeMs > 2 * grid.step,
    out: 0,
    overlaps: false,
  }
}

function startSeries(window: Window, points: Points, needsFalls: boolean): void {
  window.times = points.times
  window.values = points.values
  window.starts = points.starts
  window.lo = points.start
  window.hi = points.start
  window.fall = 0
  window.overlaps = false
  window.falls = needsFalls && points.starts === undefined ? fallsOf(points) : undefined
}

function fallsOf({ values, start, end }: Points): readonly number[] {
  const falls: number[] = []
  for (let index = start + 1; index < end; index += 1) {
    if ((values[index] ?? 0) < (values[index - 1] ?? 0)) falls.push(index)
  }
  return falls
}

interface Move {
  readonly scope: Scope
  readonly step: number
}

function moveWindow(window: Window, range: ResolvedRange, points: Points, { scope, step }: Move): void {
  const { grid, run } = scope
  const lookback = run.options.lookbackMs
  window.at = grid.start + step * grid.step
  window.to = (range.fixed ?? window.at) - range.offsetMs
  window.from = window.to - range.rangeMs
  const first = window.mode === undefined ? window.from : window.from - lookback
  const last = window.mode === 'smoothed' ? window.to + lookback : window.to
  const { times } = points
  if (step === 0) {
    window.lo = upperBound(times, points.start, points.end, first)
    window.hi = upperBound(times, window.lo, points.end, last)
    return
  }
  let { lo, hi } = window
  while (lo < points.end && (times[lo] ?? 0) <= first) lo += 1
  hi = Math.max(lo, hi)
  while (hi < points.end && (times[hi] ?? 0) <= last) hi += 1
  window.lo = lo
  window.hi = hi
}
