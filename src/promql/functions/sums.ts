/**
 * Sums that do not lose small numbers beside large ones (Kahan, in Neumaier's form), as Prometheus keeps them: a sum and
 * what rounding took from it.
 */
export interface Sum {
  total: number
  lost: number
}

export function addTo(sum: Sum, value: number): void {
  const total = sum.total + value
  if (total === Infinity || total === -Infinity) sum.lost = 0
  else if (Math.abs(sum.total) >= Math.abs(value)) sum.lost += sum.total - total + value
  else sum.lost += value - total + sum.total
  sum.total = total
}

export function totalOf(sum: Sum): number {
  return Math.abs(sum.total) === Infinity ? sum.total : sum.total + sum.lost
}

/** The mean of `values[lo..hi)`. Where the sum leaves the range of a float, it goes on with a running mean. */
export function meanOf(values: ArrayLike<number>, lo: number, hi: number): number {
  const count = hi - lo
  const sum = { total: 0, lost: 0 }
  for (let index = lo; index < hi; index += 1) addTo(sum, values[index] ?? 0)
  if (Math.abs(sum.total) !== Infinity && !Number.isNaN(sum.total)) return sum.total / count + sum.lost / count
  return overflowingMean(values, lo, hi)
}

function overflowingMean(values: ArrayLike<number>, lo: number, hi: number): number {
  const sum = { total: 0, lost: 0 }
  for (let index = lo; index < hi; index += 1) {
    const { total, lost } = sum
    addTo(sum, values[index] ?? 0)
    const count = index - lo
    if (Math.abs(sum.total) !== Infinity || count === 0) continue
    return runningMean(values, { lo: index, hi, count, mean: { total: total / count, lost: lost / count } })
  }
  return sum.total / (hi - lo)
}

interface MeanSoFar {
  readonly lo: number
  readonly hi: number
  readonly count: number
  readonly mean: Sum
}

function runningMean(values: ArrayLike<number>, { lo, hi, count, mean }: MeanSoFar): number {
  let seen = count
  for (let index = lo; index < hi; index += 1) {
    const value = values[index] ?? 0
    seen += 1
    const isSettled = Math.abs(mean.total) === Infinity && (Number.isFinite(value) || value === mean.total)
    // An infinite mean stays what it is, unless a NaN or the other infinity comes.
    if (!isSettled) addTo(mean, value / seen - (mean.total + mean.lost) / seen)
  }
  return mean.total + mean.lost
}

/** The q-quantile of numbers, NaN sorted first, between neighbours on a line. */
export function quantileOf(q: number, values: Float64Array): number {
  const count = values.length
  if (count === 0 || Number.isNaN(q)) return Number.NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const sorted = values.toSorted()
  // Typed arrays sort NaN last: reading them turned round puts it first.
  let nans = 0
  while (nans < count && Number.isNaN(sorted[count - 1 - nans])) nans += 1
  const at = (index: number) => (index < nans ? Number.NaN : (sorted[index - nans] ?? Number.NaN))
  const rank = q * (count - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(count - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  return at(lower) * (1 - weight) + at(upper) * weight
}

/** Mean squared distance from the mean. */
export function varianceOf(values: ArrayLike<number>, lo: number, hi: number): number {
  const mean = { total: 0, lost: 0 }
  const squares = { total: 0, lost: 0 }
  let count = 0
  for (let index = lo; index < hi; index += 1) {
    const value = values[index] ?? 0
    count += 1
    const delta = value - (mean.total + mean.lost)
    addTo(mean, delta / count)
    addTo(squares, delta * (value - (mean.total + mean.lost)))
  }
  return (squares.total + squares.lost) / count
}
