import type { Window } from '../evaluate/windows.ts'

/**
 * Rates between values at the very edges of the window (the proposal "extended range selectors semantics"). Anchored: the
 * last sample at or before each edge, at most a lookback old. Smoothed: the value on the line between the samples around
 * each edge. The window given reaches a lookback beyond its edges.
 */
export function extendedRate(
  window: Window,
  kind: { readonly isCounter: boolean; readonly perSecond: boolean },
): boolean {
  const { times, values, lo, from, to } = window
  const isSmoothed = window.mode === 'smoothed'
  let last = window.hi - 1
  const first = indexBefore(window)
  if (isSmoothed) {
    last = lo
    while (last < window.hi - 1 && (times[last] ?? 0) < to) last += 1
  }
  if ((times[last] ?? 0) <= from) return false
  if (isSmoothed && (times[first] ?? 0) > to) return false
  const left =
    isSmoothed && (times[first] ?? 0) < from ? onLine(window, first, from, kind.isCounter) : (values[first] ?? 0)
  const right =
    isSmoothed && last > lo && (times[last] ?? 0) > to
      ? onLine(window, last - 1, to, kind.isCounter)
      : (values[last] ?? 0)
  let change = right - left
  if (kind.isCounter) {
    const begin = (times[first] ?? 0) <= from ? first + 1 : first
    const end = (times[last] ?? 0) >= to ? last : last + 1
    change += lostBetween(window, { begin, end, left, right })
  }
  window.out = kind.perSecond ? change / window.rangeSeconds : change
  return true
}

/** The last sample at or before the window's beginning, else the first there is. */
function indexBefore({ times, lo, hi, from }: Window): number {
  let index = lo
  while (index + 1 < hi && (times[index + 1] ?? 0) <= from) index += 1
  return index
}

/** Between sample `index` and the next; a counter that fell in between rose from 0. */
function onLine({ times, values }: Window, index: number, time: number, isCounter: boolean): number {
  const after = values[index + 1] ?? 0
  const written = values[index] ?? 0
  const before = isCounter && after < written ? 0 : written
  const start = times[index] ?? 0
  return before + ((after - before) * (time - start)) / ((times[index + 1] ?? 0) - start)
}

interface Stretch {
  readonly begin: number
  readonly end: number
  readonly left: number
  readonly right: number
}

function lostBetween({ values }: Window, { begin, end, left, right }: Stretch): number {
  let lost = 0
  let previous = left
  for (let index = begin; index < end; index += 1) {
    const value = values[index] ?? 0
    if (value < previous) lost += previous
    previous = value
  }
  return right < previous ? lost + previous : lost
}

/** How often neighbours differ as `differs` says, the sample before the window counted in. */
export function extendedChanges(window: Window, differs: (before: number, value: number) => boolean): boolean {
  const { times, values, hi, from } = window
  if ((times[hi - 1] ?? 0) <= from) return false
  let count = 0
  for (let index = indexBefore(window) + 1; index < hi; index += 1) {
    if (differs(values[index - 1] ?? 0, values[index] ?? 0)) count += 1
  }
  window.out = count
  return true
}
