import type { Expr } from '../syntax/ast.ts'
import type { MatrixSeries } from '../value.ts'
import { removeDelayedNames } from './names.ts'
import { createGrid, vectorOf, type Scope, type Steps } from './run.ts'
import { upperBound } from './selectors.ts'
import { resolveRange } from './windows.ts'

/** The samples of a range as they are: what an instant query of `metric[5m]` gives. */
export function* rawRange(scope: Scope, expr: Expr): Steps<readonly MatrixSeries[]> {
  const { run, grid } = scope
  const range = yield* resolveRange(scope, expr)
  const to = (range.fixed ?? grid.start) - range.offsetMs
  const { source } = range
  const named = yield* removeDelayedNames(
    { run, grid: createGrid(0, -1, 0) },
    { ...vectorOf(run, source.labels, 0), dropName: source.dropName },
  )
  const series: MatrixSeries[] = []
  for (let row = 0; row < source.labels.length; row += 1) {
    const points = source.points(row)
    const lo = upperBound(points.times, points.start, points.end, to - range.rangeMs)
    const hi = upperBound(points.times, lo, points.end, to)
    run.budget.hold(hi - lo)
    if (run.budget.isSpent(hi - lo)) yield undefined
    if (hi <= lo) continue
    const labels = named.labels[row] ?? {}
    series.push({ labels, times: points.times.slice(lo, hi), values: points.values.slice(lo, hi) })
  }
  return series
}
