import { PromqlError } from '../errors.ts'
import { warnQuantiles } from '../functions/histograms.ts'
import { meanOf, quantileOf, totalOf, varianceOf, addTo } from '../functions/sums.ts'
import type { Aggregation } from '../syntax/ast.ts'
import { quote } from '../syntax/text.ts'
import { countValues, selectElements } from './aggregate-elements.ts'
import { groupRows, type Grouping, type Job } from './grouping.ts'
import { createSlot, remember, vectorOf, type Scope, type Steps, type Vector } from './run.ts'

const GROUPING = createSlot<Grouping>()

export function* aggregate(scope: Scope, expr: Aggregation): Steps<Vector> {
  const { run, grid } = scope
  const result = yield* run.evaluate(scope, expr.expr)
  if (result.kind !== 'vector') throw new PromqlError('expected an instant vector', { position: expr.expr.start })
  const parameter = expr.parameter === undefined ? undefined : yield* run.evaluate(scope, expr.parameter)
  if (expr.operator === 'count_values') {
    if (parameter?.kind !== 'string') throw new PromqlError('expected a label name', { position: expr.start })
    if (parameter.value === '' || !parameter.value.isWellFormed()) {
      throw new PromqlError(`invalid label name ${quote(parameter.value)}`, { position: expr.parameter?.start ?? 0 })
    }
    return yield* countValues(scope, { expr, vector: result, label: parameter.value })
  }
  const grouping = yield* remember(GROUPING, { run, expr, key: result.labels }, () =>
    groupRows(run, result.labels, expr),
  )
  const numbers = parameter?.kind === 'scalar' ? parameter.values : new Float64Array(grid.count)
  const job = { expr, vector: result, grouping, numbers }
  if (SELECTING.has(expr.operator)) return yield* selectElements(scope, job)
  if (expr.operator === 'quantile') warnQuantiles(scope, expr.parameter ?? expr, numbers)
  return yield* reduce(scope, job)
}

/** Aggregations that let elements pass as they are. */
const SELECTING = new Set<string>(['topk', 'bottomk', 'limitk', 'limit_ratio'])

type Reducer = (values: Float64Array, size: number, parameter: number) => number

const REDUCERS: Readonly<Record<string, Reducer>> = {
  sum: (values, size) => {
    const sum = { total: 0, lost: 0 }
    for (let index = 0; index < size; index += 1) addTo(sum, values[index] ?? 0)
    return totalOf(sum)
  },
  avg: (values, size) => meanOf(values, 0, size),
  count: (_, size) => size,
  group: () => 1,
  min: (values, size) => extreme(values, size, (a, b) => a < b),
  max: (values, size) => extreme(values, size, (a, b) => a > b),
  stdvar: (values, size) => varianceOf(values, 0, size),
  stddev: (values, size) => Math.sqrt(varianceOf(values, 0, size)),
  quantile: (values, size, parameter) => quantileOf(parameter, values.subarray(0, size)),
}

function extreme(values: Float64Array, size: number, beats: (a: number, b: number) => boolean): number {
  let best = values[0] ?? 0
  for (let index = 1; index < size; index += 1) {
    const value = values[index] ?? 0
    if (beats(value, best) || Number.isNaN(best)) best = value
  }
  return best
}

/** One number per group and step: the group's elements are gathered step by step. */
function* reduce(scope: Scope, { expr, vector, grouping, numbers }: Job): Steps<Vector> {
  const { run, grid } = scope
  const reducer = REDUCERS[expr.operator]
  if (reducer === undefined) throw new PromqlError(`unknown aggregation ${expr.operator}`, { position: expr.start })
  const out = { ...vectorOf(run, grouping.labels, grid.count), dropName: groupFlags(vector, grouping), distinct: false }
  for (const [group, rows] of grouping.members.entries()) {
    const gathered = new Float64Array(rows.length)
    for (let step = 0; step < grid.count; step += 1) {
      const size = gather(vector, { rows, step, count: grid.count }, gathered)
      if (run.budget.isSpent(rows.length)) yield undefined
      if (size === 0) continue
      out.values[group * grid.count + step] = reducer(gathered, size, numbers[step] ?? 0)
      out.present[group * grid.count + step] = 1
    }
  }
  return out
}

interface Column {
  readonly rows: Int32Array
  readonly step: number
  readonly count: number
}

/** Copies the elements of these rows at one step, and says how many there are. */
function gather({ values, present }: Vector, { rows, step, count }: Column, into: Float64Array): number {
  let size = 0
  for (const row of rows) {
    const at = row * count + step
    if (present[at] !== 1) continue
    into[size] = values[at] ?? 0
    size += 1
  }
  return size
}

/** A group whose labels hold a name that is to go passes that on. */
function groupFlags(vector: Vector, grouping: Grouping): Uint8Array | undefined {
  const { dropName } = vector
  if (dropName === undefined || !dropName.includes(1)) return undefined
  return Uint8Array.from(grouping.members, (rows) => (rows.some((row) => dropName[row] === 1) ? 1 : 0))
}
