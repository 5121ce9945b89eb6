import { labelsKey, type Labels } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import type { Aggregation } from '../syntax/ast.ts'
import { formatFloat, formatShort } from '../syntax/text.ts'
import { groupLabels, type Job } from './grouping.ts'
import { createSlot, mapLabels, remember, vectorOf, type Scope, type Steps, type Vector } from './run.ts'

/** topk, bottomk, limitk and limit_ratio: elements pass as they are, or not at all. */
export function* selectElements(scope: Scope, job: Job): Steps<Vector> {
  const { run, grid } = scope
  const { expr, vector, grouping, numbers } = job
  const out = { ...vectorOf(run, vector.labels, grid.count), dropName: vector.dropName, distinct: vector.distinct }
  checkParameters(scope, expr, numbers)
  const shares =
    expr.operator === 'limit_ratio'
      ? yield* remember(SHARES, { run, expr, key: vector.labels }, () => mapLabels(run, vector.labels, shareOf))
      : []
  const order: number[] = []
  for (let step = 0; step < grid.count; step += 1) {
    const parameter = numbers[step] ?? 0
    const at = (row: number) => vector.values[row * grid.count + step] ?? 0
    for (const rows of grouping.members) {
      const here = [...rows].filter((row) => vector.present[row * grid.count + step] === 1)
      const chosen = choose({ expr, rows: here, parameter, at, shares })
      for (const row of chosen) {
        out.values[row * grid.count + step] = at(row)
        out.present[row * grid.count + step] = 1
      }
      if (!run.isRange) order.push(...chosen)
      if (run.budget.isSpent(rows.length)) yield undefined
    }
  }
  const isRanked = expr.operator === 'topk' || expr.operator === 'bottomk'
  return isRanked && !run.isRange && grid.count === 1 ? reorder(out, order) : out
}

interface Choice {
  readonly expr: Aggregation
  readonly rows: readonly number[]
  readonly parameter: number
  readonly at: (row: number) => number
  readonly shares: readonly number[]
}

function choose({ expr, rows, parameter, at, shares }: Choice): readonly number[] {
  if (expr.operator === 'limitk') return rows.slice(0, wholeNumber(parameter))
  if (expr.operator !== 'limit_ratio') {
    return best(rows, { at, k: wholeNumber(parameter), sign: expr.operator === 'topk' ? 1 : -1 })
  }
  return rows.filter((row) => {
    const share = shares[row] ?? 0
    return parameter >= 0 ? share < parameter : share >= 1 + parameter
  })
}

function wholeNumber(k: number): number {
  return Math.max(0, Math.trunc(k))
}

interface Ranking {
  readonly at: (row: number) => number
  readonly k: number
  readonly sign: number
}

/** The k best, best first, NaN last. Few are kept sorted while the rest pass by. */
function best(rows: readonly number[], { at, k, sign }: Ranking): readonly number[] {
  if (k < 1) return []
  const beats = (a: number, b: number) => {
    const left = at(a) * sign
    const right = at(b) * sign
    return left > right || (Number.isNaN(right) && !Number.isNaN(left))
  }
  if (k >= rows.length || k > 100) {
    return rows.toSorted((a, b) => (beats(a, b) ? -1 : beats(b, a) ? 1 : 0)).slice(0, k)
  }
  const kept: number[] = []
  for (const row of rows) {
    const last = kept[k - 1]
    if (last !== undefined && !beats(row, last)) continue
    let place = kept.length
    while (place > 0 && beats(row, kept[place - 1] ?? row)) place -= 1
    kept.splice(place, 0, row)
    if (kept.length > k) kept.pop()
  }
  return kept
}

/**
 * Holds k, or the ratio, against what it may be.
 *
 * @throws PromqlError where it is no number, or too large for one
 */
function checkParameters(scope: Scope, expr: Aggregation, numbers: Float64Array): void {
  let least = Infinity
  let most = -Infinity
  for (const number of numbers) {
    least = Math.min(least, number)
    most = Math.max(most, number)
  }
  const at = expr.parameter ?? expr
  if (expr.operator === 'limit_ratio') {
    if (Number.isNaN(least)) throw new PromqlError('Ratio value is NaN', { position: at.start })
    const warn = (ratio: number, cap: number) =>
      scope.run.notes.warn(`ratio value should be between -1 and 1, got ${formatShort(ratio)}, capping to ${cap}`, at)
    if (most > 1) warn(most, 1)
    if (least < -1) warn(least, -1)
    return
  }
  if (most < 1) return
  if (Number.isNaN(least)) throw new PromqlError('Parameter value is NaN', { position: at.start })
  const place = { position: at.start }
  if (least <= -INT64) throw new PromqlError(`Scalar value ${formatShort(least)} underflows int64`, place)
  if (most >= INT64) throw new PromqlError(`Scalar value ${formatShort(most)} overflows int64`, place)
}

const INT64 = 2 ** 63

const SHARES = createSlot<readonly number[]>()

/** A number in [0, 1) that depends on the labels alone: which series limit_ratio keeps does not change with time. */
function shareOf(labels: Labels): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  const key = labelsKey(labels)
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index)
    high = Math.imul(high ^ code, 0x9e3779b1)
    low = Math.imul(low ^ code, 0x5f356495)
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  high = Math.imul(high ^ (high >>> 15), 0x2c1b3c6d)
  return ((high ^ (high >>> 13)) >>> 0) / 2 ** 32
}

/** The rows in this order; those not named go. */
export function reorder(vector: Vector, order: readonly number[]): Vector {
  return {
    kind: 'vector',
    labels: order.map((row) => vector.labels[row] ?? {}),
    values: Float64Array.from(order, (row) => vector.values[row] ?? 0),
    present: Uint8Array.from(order, (row) => vector.present[row] ?? 0),
    dropName: vector.dropName && Uint8Array.from(order, (row) => vector.dropName?.[row] ?? 0),
    distinct: vector.distinct,
  }
}

interface Counting {
  readonly expr: Aggregation
  readonly vector: Vector
  readonly label: string
}

/** How many elements of each group have each value: the value becomes a label. */
export function* countValues(scope: Scope, { expr, vector, label }: Counting): Steps<Vector> {
  const { run, grid } = scope
  const rows = new Map<string, { readonly labels: Labels; readonly counts: Float64Array }>()
  for (const [row, labels] of vector.labels.entries()) {
    const group = groupLabels(labels, expr)
    for (let step = 0; step < grid.count; step += 1) {
      const at = row * grid.count + step
      if (vector.present[at] !== 1) continue
      const text = formatFloat(vector.values[at] ?? 0)
      const set = { ...group, [label]: text }
      const key = labelsKey(set)
      let counted = rows.get(key)
      if (counted === undefined) {
        counted = { labels: set, counts: new Float64Array(grid.count) }
        run.budget.hold(grid.count)
        rows.set(key, counted)
      }
      counted.counts[step] = (counted.counts[step] ?? 0) + 1
    }
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  const counted = [...rows.values()]
  const out = vectorOf(
    run,
    counted.map((row) => row.labels),
    grid.count,
  )
  for (const [row, { counts }] of counted.entries()) {
    out.values.set(counts, row * grid.count)
    for (const [step, number] of counts.entries()) out.present[row * grid.count + step] = number > 0 ? 1 : 0
  }
  return out
}
