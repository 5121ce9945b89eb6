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

/**
 * The rows of both sides with one signature. Each row of the "many" side makes a row of the result with each of the "one"
 * side; a fill adds a row -1 at the end of its side.
 */
interface Group {
  readonly many: readonly number[]
  readonly one: readonly number[]
  /** The group's first row of the result, before equal labels are laid together. */
  readonly base: number
  /** Rows of the result from one row of the many side to the next. */
  readonly width: number
}

interface Plan {
  readonly groups: readonly Group[]
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
  const out = { ...vectorOf(run, plan.labels, grid.count), dropName: flags(run, expr, plan) }
  const mergedRows = matching.cardinality === 'one-to-one' ? undefined : plan.regrouping.rowOf
  const job = { scope, expr, matching, sides, mergedRows }
  for (const group of plan.groups) yield* matchGroup(job, group, out)
  return applyRegrouping(out, plan.regrouping, grid.count)
}

/** With bool the name goes; at the very end where its removal is delayed. */
function flags({ options }: Run, expr: Binary, plan: Plan): Uint8Array | undefined {
  return expr.returnBool && options.delayedNameRemoval ? new Uint8Array(plan.labels.length).fill(1) : undefined
}

function* planMatches(rows: RowPair, matching: Matching, sides: Sides): Steps<Plan> {
  const signatures = yield* signaturesOf(rows, matching)
  const [manyIds, oneIds] = sides.swapped ? [signatures.right, signatures.left] : [signatures.left, signatures.right]
  const many = yield* rowsBySignature(rows.run, manyIds, signatures.count)
  const one = yield* rowsBySignature(rows.run, oneIds, signatures.count)
  const { fillMany, fillOne } = fillsOf(matching)
  const labels: Labels[] = []
  const groups: Group[] = []
  let isDistinct = matching.cardinality === 'one-to-one'
  for (let id = 0; id < signatures.count; id += 1) {
    const group = { many: many[id] ?? [], one: one[id] ?? [], base: labels.length }
    const manyRows = fillMany === undefined ? group.many : [...group.many, -1]
    const oneRows = fillOne === undefined ? group.one : [...group.one, -1]
    for (const manyRow of manyRows) {
      for (const oneRow of oneRows) labels.push(resultLabels({ rows, matching, sides, manyRow, oneRow }))
      if (rows.run.budget.isSpent(PAIR_UNITS * oneRows.length)) yield undefined
    }
    if (labels.length > group.base + 1) isDistinct = false
    // Several on the one side are an error even where nothing meets them.
    if (labels.length > group.base || group.one.length > 1) groups.push({ ...group, width: oneRows.length })
  }
  // One to one, a result has at least the labels of its signature: those of different groups differ.
  return { groups, labels, regrouping: yield* regroup(rows.run, labels, isDistinct) }
}

/** Work on one pair of rows, counted in samples. */
const PAIR_UNITS = 20

function* rowsBySignature(run: Run, ids: Int32Array, count: number): Steps<readonly (readonly number[] | undefined)[]> {
  const rows = Array.from<number[] | undefined>({ length: count })
  for (const [row, id] of ids.entries()) {
    const known = rows[id]
    if (known === undefined) rows[id] = [row]
    else known.push(row)
    if (run.budget.isSpent(2)) yield undefined
  }
  return rows
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
  readonly manyRow: number
  readonly oneRow: number
}

/** The many side's labels; one to one only those matched on. Labels asked for come from the one side. */
function resultLabels({ rows, matching, sides, manyRow, oneRow }: Naming): Labels {
  const one = sides.one.labels[oneRow] ?? sharedLabels(sides.many.labels[manyRow] ?? {}, matching)
  const many = sides.many.labels[manyRow] ?? sharedLabels(one, matching)
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

function* matchGroup(job: Job, group: Group, out: Vector): Steps<undefined> {
  const { scope, matching, sides } = job
  const { count } = scope.grid
  const { fillMany, fillOne } = fillsOf(matching)
  for (let step = 0; step < count; step += 1) {
    if (scope.run.budget.isSpent(group.many.length + group.one.length)) yield undefined
    const found = soleRow(job, group.one, step)
    if (found === -1 && fillOne === undefined) continue
    // A filled-in element stands behind all rows of its side.
    const place = found === -1 ? group.one.length : found
    const oneRow = group.one[place]
    const one = oneRow === undefined ? (fillOne ?? 0) : (sides.one.values[oneRow * count + step] ?? 0)
    const isMet = matchMany(job, group, { out, step, place, one })
    if (!isMet && found !== -1 && fillMany !== undefined) {
      put(job, out, { row: group.base + group.many.length * group.width + place, step, many: fillMany, one })
    }
  }
  return undefined
}

interface Meeting {
  readonly out: Vector
  readonly step: number
  /** Of the one element among its side's rows. */
  readonly place: number
  readonly one: number
}

/** Every present element of the many side meets the one; false where there is none. */
function matchMany(job: Job, group: Group, { out, step, place, one }: Meeting): boolean {
  const { scope, matching, sides, mergedRows, expr } = job
  const { count } = scope.grid
  const taken = mergedRows === undefined ? undefined : new Set<number>()
  let isMet = false
  for (const [index, manyRow] of group.many.entries()) {
    if (sides.many.present[manyRow * count + step] !== 1) continue
    if (isMet && matching.cardinality === 'one-to-one') throw severalOnOneSide(job)
    isMet = true
    const row = group.base + index * group.width + place
    if (taken !== undefined && mergedRows !== undefined) takeRow(taken, mergedRows[row] ?? 0, expr)
    put(job, out, { row, step, many: sides.many.values[manyRow * count + step] ?? 0, one })
  }
  return isMet
}

function takeRow(taken: Set<number>, row: number, expr: Binary): void {
  if (taken.has(row)) {
    throw new PromqlError('multiple matches for labels: grouping labels must ensure unique matches', {
      position: expr.start,
    })
  }
  taken.add(row)
}

/** The place among its rows of the one side's one element at a step, or -1. */
function soleRow(job: Job, rows: readonly number[], step: number): number {
  const { sides, scope } = job
  let found = -1
  for (const [place, row] of rows.entries()) {
    if (sides.one.present[row * scope.grid.count + step] !== 1) continue
    if (found !== -1 && isAnyThere(job, step)) throw duplicates(job, rows[found] ?? 0, row)
    found = place
  }
  return found
}

/** With nothing at all on the other side, nothing is matched and so nothing is wrong. */
function isAnyThere({ sides, scope, matching }: Job, step: number): boolean {
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) return true
  const { count } = scope.grid
  return sides.many.labels.some((_, row) => sides.many.present[row * count + step] === 1)
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
