import { compareText, type Labels } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import { isComparison, isSetOperator, type Binary, type Expr, type Matching } from '../syntax/ast.ts'
import { quote } from '../syntax/text.ts'
import { applyRegrouping, regroup, withoutMetadata, type Regrouping } from './names.ts'
import { compute, holds } from './operators.ts'
import {
  createSlot,
  rememberPair,
  vectorOf,
  type Pair as RowPair,
  type PairSlot,
  type Run,
  type Scope,
  type Steps,
  type Vector,
} from './run.ts'
import { sharedLabels, signaturesOf } from './signatures.ts'

/** One row of the result: a row of the "many" side (-1: filled in) with one of the "one" side (-1: filled in). */
interface Pair {
  readonly many: number
  readonly one: number
}

/** The rows of both sides with one signature, and the pairs they can make. */
interface Group {
  readonly many: readonly number[]
  readonly one: readonly number[]
  /** Row of the result, before equal labels are laid together, by `pairKey`. */
  readonly rowOf: ReadonlyMap<number, number>
}

interface Plan {
  readonly groups: readonly Group[]
  readonly pairs: readonly Pair[]
  readonly labels: readonly Labels[]
  readonly regrouping: Regrouping
}

const PLANS: PairSlot<Plan> = createSlot()

interface Sides {
  readonly left: Vector
  readonly right: Vector
  readonly many: Vector
  readonly one: Vector
  /** The many side is the right one (`group_right`). */
  readonly swapped: boolean
}

/** An operator between two vectors: elements with the same signature meet, one to one or many to one. */
export function* matchVectors(scope: Scope, expr: Binary, left: Vector, right: Vector): Steps<Vector> {
  const { run, grid } = scope
  const { matching } = expr
  if (matching === undefined) throw new PromqlError('two vectors need a matching', { position: expr.start })
  const swapped = matching.cardinality === 'one-to-many'
  const sides: Sides = { left, right, swapped, many: swapped ? right : left, one: swapped ? left : right }
  const pair = { run, expr, left: left.labels, right: right.labels }
  const plan = yield* rememberPair(PLANS, pair, () => planMatches(pair, matching, sides))
  run.budget.hold(plan.labels.length * grid.count)
  const out = { ...vectorOf(plan.labels, grid.count), dropName: flags(run, expr, plan) }
  const mergedRows = matching.cardinality === 'one-to-one' ? undefined : plan.regrouping.rowOf
  for (const group of plan.groups) {
    matchGroup({ scope, expr, matching, sides, mergedRows }, group, out)
    if (run.budget.isSpent((group.many.length + group.one.length) * grid.count)) yield undefined
  }
  return applyRegrouping(out, plan.regrouping, grid.count)
}

/** With bool the name goes; at the very end where its removal is delayed. */
function flags({ options }: Run, expr: Binary, plan: Plan): Uint8Array | undefined {
  return expr.returnBool && options.delayedNameRemoval ? new Uint8Array(plan.pairs.length).fill(1) : undefined
}

function* planMatches(rows: RowPair, matching: Matching, sides: Sides): Steps<Plan> {
  const signatures = yield* signaturesOf(rows, matching)
  const [manyIds, oneIds] = sides.swapped ? [signatures.right, signatures.left] : [signatures.left, signatures.right]
  const members = Array.from({ length: signatures.count }, () => ({
    many: new Array<number>(),
    one: new Array<number>(),
  }))
  for (const [row, id] of manyIds.entries()) members[id]?.many.push(row)
  for (const [row, id] of oneIds.entries()) members[id]?.one.push(row)
  const pairs: Pair[] = []
  const groups: Group[] = []
  for (const { many, one } of members) {
    const possible = possiblePairs(many, one, matching)
    if (possible.length === 0) continue
    const rowOf = new Map(possible.map((pair, index) => [pairKey(pair.many, pair.one), pairs.length + index]))
    for (const pair of possible) pairs.push(pair)
    groups.push({ many, one, rowOf })
  }
  const labels: Labels[] = []
  for (const pair of pairs) {
    labels.push(resultLabels({ rows, matching, sides, pair }))
    if (rows.run.budget.isSpent(PAIR_UNITS)) yield undefined
  }
  // One to one, a result has at least the labels of its signature: those of different groups differ.
  const isDistinct = matching.cardinality === 'one-to-one' && groups.every((group) => group.rowOf.size === 1)
  return { groups, pairs, labels, regrouping: yield* regroup(rows.run, labels, isDistinct) }
}

/** Work on one pair of rows, counted in samples. */
const PAIR_UNITS = 20

function possiblePairs(many: readonly number[], one: readonly number[], matching: Matching): readonly Pair[] {
  const { fillMany, fillOne } = fillsOf(matching)
  const manyRows = fillMany === undefined ? many : [...many, -1]
  const oneRows = fillOne === undefined ? one : [...one, -1]
  return manyRows
    .flatMap((manyRow) => oneRows.map((oneRow) => ({ many: manyRow, one: oneRow })))
    .filter((pair) => pair.many !== -1 || pair.one !== -1)
}

function pairKey(many: number, one: number): number {
  return (many + 1) * 2 ** 26 + one + 1
}

/**
 * Prometheus turns the sides of `group_right` round before it fills, so that `fill_left` always fills the "many" side and
 * `fill_right` the "one" side. Its documents say otherwise; its engine and tests are what rules were written against.
 */
function fillsOf({ fillLeft, fillRight }: Matching): {
  readonly fillMany: number | undefined
  readonly fillOne: number | undefined
} {
  return { fillMany: fillLeft, fillOne: fillRight }
}

function isComparisonOf(expr: Expr): boolean {
  return expr.kind === 'binary' && isComparison(expr.operator)
}

function returnsBool(expr: Expr): boolean {
  return expr.kind === 'binary' && expr.returnBool
}

interface Naming {
  readonly rows: RowPair
  readonly matching: Matching
  readonly sides: Sides
  readonly pair: Pair
}

/** The many side's labels; one to one only those matched on. Labels asked for come from the one side. */
function resultLabels({ rows, matching, sides, pair }: Naming): Labels {
  const one = sides.one.labels[pair.one] ?? sharedLabels(sides.many.labels[pair.many] ?? {}, matching)
  const many = sides.many.labels[pair.many] ?? sharedLabels(one, matching)
  const { expr, run } = rows
  const keepsName = isComparisonOf(expr) && (!returnsBool(expr) || run.options.delayedNameRemoval)
  const base = keepsName ? many : withoutMetadata(many)
  const result: Record<string, string> = {}
  for (const name of Object.keys(base)) {
    const value = base[name]
    const listed = matching.labels.includes(name)
    const isKept = matching.cardinality !== 'one-to-one' || listed === matching.on
    if (value !== undefined && isKept) result[name] = value
  }
  for (const name of matching.include) {
    const value = one[name]
    if (value !== undefined && value !== '') result[name] = value
    else delete result[name]
  }
  return result
}

interface Job {
  /** Many to one: rows whose labels come out the same, which must not meet. */
  readonly mergedRows: Int32Array | undefined
  readonly scope: Scope
  readonly expr: Binary
  readonly matching: Matching
  readonly sides: Sides
}

function matchGroup(job: Job, group: Group, out: Vector): void {
  const { scope, matching, sides, mergedRows, expr } = job
  const { count } = scope.grid
  const { fillMany, fillOne } = fillsOf(matching)
  const isOneToOne = matching.cardinality === 'one-to-one'
  for (let step = 0; step < count; step += 1) {
    const one = soleRow(job, group.one, step)
    if (one === -1 && fillOne === undefined) continue
    const oneValue = one === -1 ? (fillOne ?? 0) : (sides.one.values[one * count + step] ?? 0)
    let met = -1
    const taken = mergedRows === undefined ? undefined : new Set<number>()
    for (const many of group.many) {
      if (sides.many.present[many * count + step] !== 1) continue
      if (met !== -1 && isOneToOne) throw severalOnOneSide(job)
      met = many
      const row = group.rowOf.get(pairKey(many, one)) ?? 0
      if (taken !== undefined && mergedRows !== undefined) takeRow(taken, mergedRows[row] ?? 0, expr)
      put(job, out, {
        row,
        step,
        many: sides.many.values[many * count + step] ?? 0,
        one: oneValue,
      })
    }
    if (met === -1 && one !== -1 && fillMany !== undefined) {
      put(job, out, { row: group.rowOf.get(pairKey(-1, one)) ?? 0, step, many: fillMany, one: oneValue })
    }
  }
}

function takeRow(taken: Set<number>, row: number, expr: Binary): void {
  if (taken.has(row)) {
    throw new PromqlError('multiple matches for labels: grouping labels must ensure unique matches', {
      position: expr.start,
    })
  }
  taken.add(row)
}

/** The one element of the "one" side at a step, or -1. */
function soleRow(job: Job, rows: readonly number[], step: number): number {
  const { sides, scope } = job
  let found = -1
  for (const row of rows) {
    if (sides.one.present[row * scope.grid.count + step] !== 1) continue
    if (found !== -1) throw duplicates(job, found, row)
    found = row
  }
  return found
}

function duplicates({ sides, matching, expr }: Job, first: number, second: number): PromqlError {
  const sets = [sides.one.labels[first] ?? {}, sides.one.labels[second] ?? {}]
  const texts = sets.map(describeLabels).toSorted(compareText)
  const side = sides.swapped ? 'left' : 'right'
  const group = describeLabels(sharedLabels(sets[0] ?? {}, matching))
  return new PromqlError(
    `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: [${texts.join(', ')}];many-to-many matching not allowed: matching labels must be unique on one side`,
    { position: expr.start },
  )
}

function severalOnOneSide({ expr }: Job): PromqlError {
  return new PromqlError(
    'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    {
      position: expr.start,
    },
  )
}

function describeLabels(labels: Labels): string {
  const names = Object.keys(labels).toSorted(compareText)
  return `{${names.map((name) => `${name}=${quote(labels[name] ?? '')}`).join(', ')}}`
}

interface Cell {
  readonly row: number
  readonly step: number
  readonly many: number
  readonly one: number
}

function put({ scope, expr, sides }: Job, out: Vector, { row, step, many, one }: Cell): void {
  const { operator } = expr
  const left = sides.swapped ? one : many
  const right = sides.swapped ? many : one
  const at = row * scope.grid.count + step
  if (isSetOperator(operator)) return
  if (!isComparison(operator)) out.values[at] = compute(operator, left, right)
  else if (expr.returnBool) out.values[at] = Number(holds(operator, left, right))
  else if (holds(operator, left, right)) out.values[at] = left
  else return
  out.present[at] = 1
}
