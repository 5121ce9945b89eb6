import type { Kernel, RangeFunction, Window } from '../evaluate/windows.ts'
import { extendedChanges, extendedRate } from './extended-rates.ts'
import { addTo } from './sums.ts'

/** What a rate is of: counters only rise (a fall is a restart from 0), gauges do as they like. */
interface RateKind {
  readonly isCounter: boolean
  readonly perSecond: boolean
}

export const RATES: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ['rate', rateFunction({ isCounter: true, perSecond: true })],
  ['increase', rateFunction({ isCounter: true, perSecond: false })],
  ['delta', rateFunction({ isCounter: false, perSecond: false })],
  ['irate', simple((window) => lastChange(window, true))],
  ['idelta', simple((window) => lastChange(window, false))],
  ['changes', simple((window) => (window.mode === undefined ? changes(window) : extendedChanges(window, isChange)))],
  ['resets', simple((window) => (window.mode === undefined ? resets(window) : extendedChanges(window, isFall)))],
  ['deriv', simple(derivative)],
  ['predict_linear', simple(prediction)],
  ['double_exponential_smoothing', simple(smoothing)],
])

function simple(kernel: Kernel): RangeFunction {
  return { kernel: () => kernel }
}

function rateFunction(kind: RateKind): RangeFunction {
  const kernel: Kernel = (window) =>
    window.mode === undefined ? extrapolatedRate(window, kind) : extendedRate(window, kind)
  return { kernel: () => kernel, needsFalls: kind.isCounter }
}

/**
 * The change over the window, stretched to its edges: all the way where a sample lies within 1.1 average intervals of the
 * edge, else by half an interval; a counter never back past where it would have been 0 (Prometheus 3.14, `rate`).
 */
function extrapolatedRate(window: Window, { isCounter, perSecond }: RateKind): boolean {
  const { times, values, lo, hi } = window
  const last = hi - 1
  const firstTime = times[lo] ?? 0
  let change = (values[last] ?? 0) - (values[lo] ?? 0)
  if (isCounter) change += lostInFalls(window)
  let sampled = ((times[last] ?? 0) - firstTime) / 1000
  const average = last > lo ? sampled / (last - lo) : 0
  const threshold = average * 1.1
  let toStart = (firstTime - window.from) / 1000
  let toEnd = (window.to - (times[last] ?? 0)) / 1000
  const began = isCounter ? (window.starts?.[lo] ?? 0) : 0
  if (began !== 0 && began > window.from && began < firstTime) {
    // The counter is known to have been 0 within the window.
    toStart = 0
    sampled = ((times[last] ?? 0) - began) / 1000
    change += values[lo] ?? 0
  } else {
    if (last === lo) return false
    if (toStart >= threshold) toStart = average / 2
    const first = values[lo] ?? 0
    if (isCounter && change > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / change))
  }
  if (toEnd >= threshold) toEnd = average / 2
  const stretch = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled
  window.out = change * (perSecond ? stretch / window.rangeSeconds : stretch)
  return true
}

/** What a counter had before each restart within the window. */
function lostInFalls(window: Window): number {
  const { values, lo, hi, falls } = window
  let lost = 0
  if (falls !== undefined) {
    while (window.fall < falls.length && (falls[window.fall] ?? 0) <= lo) window.fall += 1
    for (let next = window.fall; next < falls.length && (falls[next] ?? 0) < hi; next += 1) {
      lost += values[(falls[next] ?? 0) - 1] ?? 0
    }
    return lost
  }
  for (let index = lo + 1; index < hi; index += 1) {
    const before = values[index - 1] ?? 0
    if ((values[index] ?? 0) < before || (window.starts !== undefined && isRestart(window, index))) lost += before
    if (window.starts !== undefined && overlaps(window, index)) window.overlaps = true
  }
  return lost
}

/** Whether the start timestamps say that the counter began anew between two samples. */
function isRestart({ times, starts }: Window, index: number): boolean {
  const began = starts?.[index] ?? 0
  const time = times[index] ?? 0
  const before = times[index - 1] ?? 0
  if (began === 0 || began >= time || began < before) return false
  if (began > before) return true
  // Began exactly at the sample before: a delta, unless nothing sensible is known of the sample before.
  const earlier = starts?.[index - 1] ?? 0
  return earlier !== 0 && earlier < before
}

function overlaps({ times, starts }: Window, index: number): boolean {
  const began = starts?.[index] ?? 0
  return began !== 0 && began < (times[index - 1] ?? 0) && began !== (starts?.[index - 1] ?? 0)
}

/** Between the last two samples; after a restart, the last one's value. */
function lastChange(window: Window, perSecond: boolean): boolean {
  const { times, values, lo, hi } = window
  if (hi - lo < 2) return false
  const seconds = ((times[hi - 1] ?? 0) - (times[hi - 2] ?? 0)) / 1000
  if (seconds === 0) return false
  const latest = values[hi - 1] ?? 0
  const before = values[hi - 2] ?? 0
  const restarted = perSecond && (latest < before || isRestart(window, hi - 1))
  const change = restarted ? latest : latest - before
  window.out = perSecond ? change / seconds : change
  return true
}

const isFall = (before: number, value: number): boolean => value < before
const isChange = (before: number, value: number): boolean =>
  value !== before && !(Number.isNaN(value) && Number.isNaN(before))

function changes(window: Window): boolean {
  let count = 0
  for (let index = window.lo + 1; index < window.hi; index += 1) {
    if (isChange(window.values[index - 1] ?? 0, window.values[index] ?? 0)) count += 1
  }
  window.out = count
  return true
}

function resets(window: Window): boolean {
  let count = 0
  for (let index = window.lo + 1; index < window.hi; index += 1) {
    const fell = isFall(window.values[index - 1] ?? 0, window.values[index] ?? 0)
    if (fell || (window.starts !== undefined && isRestart(window, index))) count += 1
  }
  window.out = count
  return true
}

/** Least squares through the samples, seconds counted from `origin`. */
function regression({ times, values, lo, hi }: Window, origin: number): { slope: number; intercept: number } {
  const x = { total: 0, lost: 0 }
  const y = { total: 0, lost: 0 }
  const xy = { total: 0, lost: 0 }
  const xx = { total: 0, lost: 0 }
  const first = values[lo] ?? 0
  let isConstant = true
  for (let index = lo; index < hi; index += 1) {
    const value = values[index] ?? 0
    if (value !== first) isConstant = false
    const seconds = ((times[index] ?? 0) - origin) / 1000
    addTo(x, seconds)
    addTo(y, value)
    addTo(xy, seconds * value)
    addTo(xx, seconds * seconds)
  }
  if (isConstant) return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: NaN, intercept: NaN }
  const count = hi - lo
  const sumX = x.total + x.lost
  const sumY = y.total + y.lost
  const covariance = xy.total + xy.lost - (sumX * sumY) / count
  const variance = xx.total + xx.lost - (sumX * sumX) / count
  const slope = covariance / variance
  return { slope, intercept: sumY / count - (slope * sumX) / count }
}

function derivative(window: Window): boolean {
  if (window.hi - window.lo < 2) return false
  window.out = regression(window, window.times[window.lo] ?? 0).slope
  return true
}

/** The line's value `first` seconds after the time of evaluation. */
function prediction(window: Window): boolean {
  if (window.hi - window.lo < 2) return false
  const { slope, intercept } = regression(window, window.at)
  window.out = slope * window.first + intercept
  return true
}

/** Holt's double exponential smoothing: `first` weighs samples, `second` the trend. */
function smoothing(window: Window): boolean {
  const { values, lo, hi, first: level, second: trendWeight } = window
  if (hi - lo < 2) return false
  let previous = 0
  let smooth = values[lo] ?? 0
  let trend = (values[lo + 1] ?? 0) - (values[lo] ?? 0)
  for (let index = lo + 1; index < hi; index += 1) {
    if (index > lo + 1) trend = trendWeight * (smooth - previous) + (1 - trendWeight) * trend
    const next = level * (values[index] ?? 0) + (1 - level) * (smooth + trend)
    previous = smooth
    smooth = next
  }
  window.out = smooth
  return true
}
