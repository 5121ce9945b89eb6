/** The cumulative buckets of a classic histogram: bounds ascending and different, `counts[i]` observations up to each. */
export interface Buckets {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

/** Differences between neighbours below this share of their sum are rounding, and are smoothed out silently. */
const TOLERANCE = 1e-12
const SMALLEST_NORMAL = 2.2250738585072014e-308

export interface Quantile {
  readonly value: number
  /** Set when counts fell from one bucket to the next, which cumulative counts cannot. */
  readonly forced: { readonly minBucket: number; readonly maxBucket: number; readonly maxDiff: number } | undefined
}

/**
 * The value below which a share `q` of the observations lies, on a line within its bucket. The lowest bucket begins at 0
 * if its bound is positive; from the highest, the bound before it is given (Prometheus, `histogram_quantile`).
 */
export function bucketQuantile(q: number, buckets: Buckets): Quantile {
  const { bounds } = buckets
  if (Number.isNaN(q)) return { value: Number.NaN, forced: undefined }
  if (q < 0 || q > 1) return { value: q < 0 ? -Infinity : Infinity, forced: undefined }
  const last = bounds.length - 1
  if (bounds[last] !== Infinity) return { value: Number.NaN, forced: undefined }
  const { counts, forced } = makeMonotonic(buckets)
  const observations = counts[last] ?? 0
  if (last < 1 || observations === 0) return { value: Number.NaN, forced }
  const rank = q * observations
  let index = counts.findIndex((count) => count >= rank)
  if (index === -1 || index > last) index = last
  const bound = bounds[index] ?? 0
  if (index === last) return { value: bounds[last - 1] ?? 0, forced }
  if (index === 0 && bound <= 0) return { value: bound, forced }
  const start = index === 0 ? 0 : (bounds[index - 1] ?? 0)
  const below = index === 0 ? 0 : (counts[index - 1] ?? 0)
  return { value: start + (bound - start) * ((rank - below) / ((counts[index] ?? 0) - below)), forced }
}

function makeMonotonic({ bounds, counts }: Buckets): {
  readonly counts: readonly number[]
  readonly forced: Quantile['forced']
} {
  const fixed = [...counts]
  let forced: Quantile['forced']
  let highest = counts[0] ?? 0
  for (let index = 1; index < counts.length; index += 1) {
    const count = counts[index] ?? 0
    if (count === highest) continue
    if (isAlmost(highest, count)) {
      fixed[index] = highest
      continue
    }
    if (count > highest || Number.isNaN(count)) {
      highest = count
      continue
    }
    fixed[index] = highest
    const bound = bounds[index] ?? 0
    forced = {
      minBucket: Math.min(bound, forced?.minBucket ?? Infinity),
      maxBucket: Math.max(bound, forced?.maxBucket ?? -Infinity),
      maxDiff: Math.max(highest - count, forced?.maxDiff ?? 0),
    }
  }
  return { counts: fixed, forced }
}

function isAlmost(a: number, b: number): boolean {
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE
}

/** The share of observations between two values; what lies in a bucket of infinite width is not split. */
export function bucketFraction(lower: number, upper: number, { bounds, counts }: Buckets): number {
  const last = bounds.length - 1
  const total = counts[last] ?? 0
  if (bounds[last] !== Infinity || total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN
  if (lower >= upper) return 0
  return (rankOf(upper, { bounds, counts }) - rankOf(lower, { bounds, counts })) / total
}

/** How many observations lie below a value. */
function rankOf(value: number, { bounds, counts }: Buckets): number {
  const total = counts.at(-1) ?? 0
  let start = (bounds[0] ?? 0) > 0 ? 0 : -Infinity
  let below = 0
  for (const [index, bound] of bounds.entries()) {
    if (start >= value) return Math.min(below, total)
    const count = counts[index] ?? 0
    if (bound > value) {
      const within = start === -Infinity ? count : below + ((count - below) * (value - start)) / (bound - start)
      return Math.min(within, total)
    }
    start = bound
    below = count
  }
  return total
}
