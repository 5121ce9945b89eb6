import { labelsKey, METRIC_NAME, type Labels } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import { applyRegrouping, regroup, SAME_LABELSET, withoutMetadata, type Regrouping } from '../evaluate/names.ts'
import { createSlot, remember, type Run, vectorOf, type Scope, type Steps, type Vector } from '../evaluate/run.ts'
import type { Call, Expr } from '../syntax/ast.ts'
import { formatShort, quote } from '../syntax/text.ts'
import { bucketFraction, bucketQuantile, type Buckets, type Quantile } from './buckets.ts'

/** The rows that make one classic histogram, by upper bound. */
interface Histogram {
  readonly labels: Labels
  readonly name: string
  readonly bounds: readonly number[]
  readonly rows: readonly number[]
}

interface Histograms {
  readonly all: readonly Histogram[]
  readonly labels: readonly Labels[]
  /** Histograms of different metrics with the same labels would be one. */
  readonly regrouping: Regrouping
  /** Rows that are no bucket, with what their `le` says. */
  readonly bad: readonly { readonly row: number; readonly le: string; readonly name: string }[]
}

const HISTOGRAMS = createSlot<Histograms>()

/** Computes one number from the buckets of one histogram at one time, sorted and with equal bounds put together. */
type Compute = (buckets: Buckets, step: number, histogram: Histogram) => number

export function* histogramQuantile(scope: Scope, call: Call): Steps<Vector> {
  const [quantileArg, vectorArg] = call.args
  const quantiles = yield* scalarArgument(scope, quantileArg)
  warnQuantiles(scope, quantileArg ?? call, quantiles)
  const vector = yield* vectorArgument(scope, vectorArg)
  return yield* quantilesOf(scope, { call, vectorArg: vectorArg ?? call, vector }, quantiles)
}

/** One result per quantile, told apart by a label. */
export function* histogramQuantiles(scope: Scope, call: Call): Steps<Vector> {
  const [vectorArg, labelArg, ...quantileArgs] = call.args
  const label = yield* stringArgument(scope, labelArg)
  const vector = yield* vectorArgument(scope, vectorArg)
  const parts: Vector[] = []
  for (const arg of quantileArgs) {
    const quantiles = yield* scalarArgument(scope, arg)
    warnQuantiles(scope, arg, quantiles)
    const part = yield* quantilesOf(scope, { call, vectorArg: vectorArg ?? call, vector }, quantiles)
    parts.push({ ...part, labels: labelled(part.labels, label, formatOpenMetrics(quantiles[0] ?? 0)) })
  }
  return yield* joinParts(scope, parts)
}

function labelled(labels: readonly Labels[], name: string, value: string): readonly Labels[] {
  const taken = labels.some((set) => set[name] !== undefined)
  if (taken) throw new PromqlError(SAME_LABELSET)
  return labels.map((set) => Object.fromEntries([...Object.entries(set), [name, value]]))
}

/** A float as OpenMetrics writes label values: with a point, so 0 is `0.0`. */
function formatOpenMetrics(value: number): string {
  const text = formatShort(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

function* joinParts({ run, grid }: Scope, parts: readonly Vector[]): Steps<Vector> {
  const joined = vectorOf(
    run,
    parts.flatMap((part) => part.labels),
    grid.count,
  )
  let offset = 0
  for (const part of parts) {
    joined.values.set(part.values, offset)
    joined.present.set(part.present, offset)
    offset += part.values.length
  }
  return applyRegrouping(joined, yield* regroup(run, joined.labels), grid.count)
}

export function* histogramFraction(scope: Scope, call: Call): Steps<Vector> {
  const [lowerArg, upperArg, vectorArg] = call.args
  const lower = yield* scalarArgument(scope, lowerArg)
  const upper = yield* scalarArgument(scope, upperArg)
  const vector = yield* vectorArgument(scope, vectorArg)
  return yield* overHistograms(scope, { call, vectorArg: vectorArg ?? call, vector }, (buckets, step) =>
    bucketFraction(lower[step] ?? 0, upper[step] ?? 0, buckets),
  )
}

/** Where counts fell from bucket to bucket, over all times and histograms of a metric. */
interface Falls extends NonNullable<Quantile['forced']> {
  readonly times: number
}

function* quantilesOf(scope: Scope, over: Over, quantiles: Float64Array): Steps<Vector> {
  const falls = new Map<string, Falls>()
  const vector = yield* overHistograms(scope, over, (buckets, step, { name }) => {
    const { value, forced } = bucketQuantile(quantiles[step] ?? 0, buckets)
    if (forced !== undefined) falls.set(name, addFalls(falls.get(name), forced))
    return value
  })
  for (const [name, { minBucket, maxBucket, maxDiff, times }] of falls) {
    const where = name === '' ? '' : ` for metric name ${quote(name)}`
    scope.run.notes.inform(
      `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${where}, from buckets ${formatShort(minBucket)} to ${formatShort(maxBucket)}, with a max diff of ${formatShort(maxDiff)}, over ${times} samples`,
      over.vectorArg,
    )
  }
  return vector
}

function addFalls(known: Falls | undefined, forced: NonNullable<Quantile['forced']>): Falls {
  if (known === undefined) return { ...forced, times: 1 }
  return {
    minBucket: Math.min(known.minBucket, forced.minBucket),
    maxBucket: Math.max(known.maxBucket, forced.maxBucket),
    maxDiff: Math.max(known.maxDiff, forced.maxDiff),
    times: known.times + 1,
  }
}

interface Over {
  readonly call: Call
  readonly vectorArg: Expr
  readonly vector: Vector
}

function* overHistograms(scope: Scope, { call, vectorArg, vector }: Over, calculate: Compute): Steps<Vector> {
  const { run, grid } = scope
  const { count } = grid
  const found = yield* remember(HISTOGRAMS, { run, expr: call, key: vector.labels }, () =>
    findHistograms(run, vector.labels),
  )
  warnBadBuckets(scope, vectorArg, { vector, found })
  const out = vectorOf(run, found.labels, count)
  for (const [row, histogram] of found.all.entries()) {
    for (let step = 0; step < count; step += 1) {
      const buckets = bucketsAt(histogram, vector, { count, step })
      if (buckets.bounds.length === 0) continue
      out.values[row * count + step] = calculate(buckets, step, histogram)
      out.present[row * count + step] = 1
      if (run.budget.isSpent(histogram.rows.length * 3)) yield undefined
    }
  }
  return applyRegrouping(out, found.regrouping, count)
}

function warnBadBuckets(scope: Scope, at: Expr, { vector, found }: { vector: Vector; found: Histograms }): void {
  const { count } = scope.grid
  for (const { row, le, name } of found.bad) {
    if (!vector.present.subarray(row * count, (row + 1) * count).includes(1)) continue
    const where = name === '' ? '' : ` for metric name ${quote(name)}`
    scope.run.notes.warn(`bucket label "le" is missing or has a malformed value of ${quote(le)}${where}`, at)
  }
}

/** The present buckets, which the histogram's rows list by ascending bound; equal bounds are added up. */
function bucketsAt({ bounds, rows }: Histogram, vector: Vector, at: { count: number; step: number }): Buckets {
  const kept: number[] = []
  const counts: number[] = []
  for (const [index, row] of rows.entries()) {
    const cell = row * at.count + at.step
    if (vector.present[cell] !== 1) continue
    const bound = bounds[index] ?? 0
    const value = vector.values[cell] ?? 0
    if (kept.at(-1) === bound) counts[counts.length - 1] = (counts.at(-1) ?? 0) + value
    else {
      kept.push(bound)
      counts.push(value)
    }
  }
  return { bounds: kept, counts }
}

/** Work on the labels of one bucket, counted in samples. */
const BUCKET_UNITS = 20

/** Rows with the same labels but `le` make a histogram; metrics of different names with the same labels do not. */
function* findHistograms(run: Run, labels: readonly Labels[]): Steps<Histograms> {
  const byKey = new Map<string, { labels: Labels; name: string; buckets: { bound: number; row: number }[] }>()
  const bad: { row: number; le: string; name: string }[] = []
  for (const [row, set] of labels.entries()) {
    const le = set['le'] ?? ''
    const bound = parseBound(le)
    if (bound === undefined) {
      bad.push({ row, le, name: set[METRIC_NAME] ?? '' })
      continue
    }
    const { le: _, ...rest } = set
    const key = labelsKey(rest)
    const histogram = byKey.get(key) ?? { labels: withoutMetadata(rest), name: set[METRIC_NAME] ?? '', buckets: [] }
    histogram.buckets.push({ bound, row })
    byKey.set(key, histogram)
    if (run.budget.isSpent(BUCKET_UNITS)) yield undefined
  }
  const all = [...byKey.values()].map((histogram) => {
    const sorted = histogram.buckets.toSorted((a, b) => a.bound - b.bound || 0)
    return {
      labels: histogram.labels,
      name: histogram.name,
      bounds: sorted.map((bucket) => bucket.bound),
      rows: sorted.map((bucket) => bucket.row),
    }
  })
  const sets = all.map((histogram) => histogram.labels)
  return { all, labels: sets, regrouping: yield* regroup(run, sets), bad }
}

/** What Go's ParseFloat makes of a bound. */
function parseBound(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined
  return Number(text)
}

/** Says of quantiles that are none; of many, only the farthest off. */
export function warnQuantiles(scope: Scope, at: Expr, quantiles: Float64Array): void {
  const warn = (q: number) =>
    scope.run.notes.warn(`quantile value should be between 0 and 1, got ${formatShort(q)}`, at)
  let least = 0
  let most = 1
  for (const q of quantiles) {
    least = Math.min(least, q)
    most = Math.max(most, q)
  }
  if (Number.isNaN(least)) {
    warn(Number.NaN)
    return
  }
  if (most > 1) warn(most)
  if (least < 0) warn(least)
}

export function* scalarArgument(scope: Scope, arg: Expr | undefined): Steps<Float64Array> {
  const result = arg === undefined ? undefined : yield* scope.run.evaluate(scope, arg)
  if (result?.kind !== 'scalar') throw new PromqlError('expected a scalar', { position: arg?.start ?? 0 })
  return result.values
}

export function* vectorArgument(scope: Scope, arg: Expr | undefined): Steps<Vector> {
  const result = arg === undefined ? undefined : yield* scope.run.evaluate(scope, arg)
  if (result?.kind !== 'vector') throw new PromqlError('expected an instant vector', { position: arg?.start ?? 0 })
  return result
}

export function* stringArgument(scope: Scope, arg: Expr | undefined): Steps<string> {
  const result = arg === undefined ? undefined : yield* scope.run.evaluate(scope, arg)
  if (result?.kind !== 'string') throw new PromqlError('expected a string', { position: arg?.start ?? 0 })
  return result.value
}
