import { compareText, labelsKey } from '../core/labels.ts'
import { PromqlError } from './errors.ts'
import { removeDelayedNames } from './evaluate/names.ts'
import { rawRange } from './evaluate/raw-range.ts'
import type { Run, Scope, Steps, Vector } from './evaluate/run.ts'
import { sortSteps } from './sort-steps.ts'
import type { Expr } from './syntax/ast.ts'
import { typeOf } from './syntax/check.ts'
import type { MatrixSeries, QueryResult, Value, VectorElement } from './value.ts'

/** What making a text of the labels of one series costs, in the units of a budget. */
const KEY_UNITS = 20

/** The answer of an instant query. */
export function* instantValue(scope: Scope, expr: Expr): Steps<QueryResult> {
  const { run } = scope
  if (typeOf(expr) === 'matrix') {
    const series = yield* rawRange(scope, expr)
    return answer(run, { type: 'matrix', series: yield* sortSeries(run, series) })
  }
  const result = yield* run.evaluate(scope, expr)
  switch (result.kind) {
    case 'string':
      return answer(run, { type: 'string', value: result.value })
    case 'scalar':
      return answer(run, { type: 'scalar', value: result.values[0] ?? Number.NaN })
    case 'vector':
      return answer(run, { type: 'vector', elements: elementsOf(yield* removeDelayedNames(scope, result)) })
  }
}

function elementsOf({ labels, values, present }: Vector): readonly VectorElement[] {
  const elements: VectorElement[] = []
  // Most rules find nothing: that is told without walking through the rows.
  for (let row = present.indexOf(1); row !== -1; row = present.indexOf(1, row + 1)) {
    elements.push({ labels: labels[row] ?? {}, value: values[row] ?? 0 })
  }
  return elements
}

/** The answer of a range query: series in the order of their labels. */
export function* rangeValue(scope: Scope, expr: Expr): Steps<QueryResult<Extract<Value, { type: 'matrix' }>>> {
  const { run, grid } = scope
  const type = typeOf(expr)
  if (type === 'matrix' || type === 'string') {
    throw new PromqlError(
      `a range query needs an instant vector or a scalar, not a ${type === 'matrix' ? 'range vector' : 'string'}`,
      {
        position: expr.start,
      },
    )
  }
  const result = yield* run.evaluate(scope, expr)
  const times = Float64Array.from({ length: grid.count }, (_, step) => grid.start + step * grid.step)
  if (result.kind === 'scalar') {
    return answer(run, { type: 'matrix', series: [{ labels: {}, times, values: result.values }] })
  }
  if (result.kind === 'string') throw new PromqlError('a range query has no string', { position: expr.start })
  const vector = yield* removeDelayedNames(scope, result)
  const series: MatrixSeries[] = []
  for (let row = 0; row < vector.labels.length; row += 1) {
    const found = seriesOf(vector, row, times)
    if (found !== undefined) series.push(found)
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  return answer(run, { type: 'matrix', series: yield* sortSeries(run, series) })
}

function seriesOf(vector: Vector, row: number, times: Float64Array): MatrixSeries | undefined {
  const count = times.length
  const labels = vector.labels[row] ?? {}
  const values = vector.values.subarray(row * count, (row + 1) * count)
  const present = vector.present.subarray(row * count, (row + 1) * count)
  if (!present.includes(0)) return { labels, times, values }
  if (!present.includes(1)) return undefined
  const isThere = (_: number, step: number) => present[step] === 1
  return { labels, times: times.filter(isThere), values: values.filter(isThere) }
}

function* sortSeries(run: Run, series: readonly MatrixSeries[]): Steps<readonly MatrixSeries[]> {
  const keyed: { readonly one: MatrixSeries; readonly key: string }[] = []
  for (const one of series) {
    keyed.push({ one, key: labelsKey(one.labels) })
    if (run.budget.isSpent(KEY_UNITS)) yield undefined
  }
  const sorted = yield* sortSteps(keyed, (a, b) => compareText(a.key, b.key), run.budget)
  return sorted.map(({ one }) => one)
}

function answer<T extends Value>(run: Run, value: T): QueryResult<T> {
  const { warnings, infos } = run.notes
  return { value, warnings: [...warnings], infos: [...infos], reads: run.selections() }
}
