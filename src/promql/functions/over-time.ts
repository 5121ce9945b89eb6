import type { Kernel, RangeFunction, Window } from '../evaluate/windows.ts'
import { slidingExtreme, slidingMean, slidingSum } from './sliding.ts'
import { addTo, meanOf, quantileOf, totalOf, varianceOf } from './sums.ts'

/** A function of the samples of a window alone, that keeps nothing between windows. */
function plain(compute: (window: Window) => number): RangeFunction {
  const kernel: Kernel = (window) => {
    window.out = compute(window)
    return true
  }
  return { kernel: () => kernel }
}

const secondsAt = (window: Window, index: number) => (window.times[index] ?? 0) / 1000

export const OVER_TIME: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ['sum_over_time', { kernel: () => choose(slidingSum(), sumKernel) }],
  ['avg_over_time', { kernel: () => choose(slidingMean(), meanKernel) }],
  [
    'min_over_time',
    {
      kernel: () =>
        choose(
          slidingExtreme((a, b) => a < b),
          extremeKernel((a, b) => a < b),
        ),
    },
  ],
  [
    'max_over_time',
    {
      kernel: () =>
        choose(
          slidingExtreme((a, b) => a > b),
          extremeKernel((a, b) => a > b),
        ),
    },
  ],
  ['count_over_time', plain((window) => window.hi - window.lo)],
  ['present_over_time', plain(() => 1)],
  ['absent_over_time', plain(() => 1)],
  ['last_over_time', plain((window) => window.values[window.hi - 1] ?? 0)],
  ['first_over_time', plain((window) => window.values[window.lo] ?? 0)],
  ['ts_of_last_over_time', plain((window) => secondsAt(window, window.hi - 1))],
  ['ts_of_first_over_time', plain((window) => secondsAt(window, window.lo))],
  [
    'ts_of_max_over_time',
    plain((window) =>
      secondsAt(
        window,
        extremeIndex(window, (a, b) => a >= b),
      ),
    ),
  ],
  [
    'ts_of_min_over_time',
    plain((window) =>
      secondsAt(
        window,
        extremeIndex(window, (a, b) => a <= b),
      ),
    ),
  ],
  ['stdvar_over_time', plain((window) => varianceOf(window.values, window.lo, window.hi))],
  ['stddev_over_time', plain((window) => Math.sqrt(varianceOf(window.values, window.lo, window.hi)))],
  ['quantile_over_time', plain((window) => quantileOf(window.first, window.values.subarray(window.lo, window.hi)))],
  ['mad_over_time', plain(medianDeviation)],
])

/** Windows that overlap are computed from what the one before knew, others afresh. */
function choose(sliding: Kernel, fresh: Kernel): Kernel {
  return (window) => (window.sliding ? sliding(window) : fresh(window))
}

function sumKernel(window: Window): boolean {
  const sum = { total: 0, lost: 0 }
  for (let index = window.lo; index < window.hi; index += 1) addTo(sum, window.values[index] ?? 0)
  window.out = totalOf(sum)
  return true
}

function meanKernel(window: Window): boolean {
  window.out = meanOf(window.values, window.lo, window.hi)
  return true
}

function extremeKernel(beats: (a: number, b: number) => boolean): Kernel {
  return (window) => {
    let best = window.values[window.lo] ?? 0
    for (let index = window.lo + 1; index < window.hi; index += 1) {
      const value = window.values[index] ?? 0
      if (beats(value, best) || Number.isNaN(best)) best = value
    }
    window.out = best
    return true
  }
}

function extremeIndex(window: Window, beats: (a: number, b: number) => boolean): number {
  let best = window.lo
  for (let index = window.lo + 1; index < window.hi; index += 1) {
    const value = window.values[index] ?? 0
    const current = window.values[best] ?? 0
    if (beats(value, current) || Number.isNaN(current)) best = index
  }
  return best
}

function medianDeviation(window: Window): number {
  const values = window.values.slice(window.lo, window.hi)
  if (values.includes(Number.NaN)) return Number.NaN
  const median = quantileOf(0.5, values)
  return quantileOf(
    0.5,
    values.map((value) => Math.abs(value - median)),
  )
}
