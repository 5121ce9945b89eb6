import type { Labels } from '../../core/labels.ts'
import type { Binary } from '../syntax/ast.ts'
import { applyRegrouping, regroup, type Regrouping } from './names.ts'
import { createSlot, rememberPair, vectorOf, type PairSlot, type Scope, type Steps, type Vector } from './run.ts'
import { signaturesOf } from './signatures.ts'

/** `and`, `unless` and `or`: by whether an element of the same signature is on the other side at that time. */
export function* combineSets(scope: Scope, expr: Binary, left: Vector, right: Vector): Steps<Vector> {
  const { run, grid } = scope
  const signatures = yield* signaturesOf({ run, expr, left: left.labels, right: right.labels }, expr.matching)
  const isOr = expr.operator === 'or'
  const wanted = expr.operator === 'and' ? 1 : 0
  const kept = isOr ? left : right
  const keptIds = isOr ? signatures.left : signatures.right
  const seen = new Uint8Array(signatures.count * grid.count)
  for (let row = 0; row < kept.labels.length; row += 1) {
    const base = (keptIds[row] ?? 0) * grid.count
    for (let step = 0; step < grid.count; step += 1) {
      if (kept.present[row * grid.count + step] === 1) seen[base + step] = 1
    }
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  const tested = isOr ? right : left
  const testedIds = isOr ? signatures.right : signatures.left
  const filtered = { ...tested, present: new Uint8Array(tested.present.length) }
  for (let row = 0; row < tested.labels.length; row += 1) {
    const base = (testedIds[row] ?? 0) * grid.count
    for (let step = 0; step < grid.count; step += 1) {
      const at = row * grid.count + step
      if (tested.present[at] === 1 && seen[base + step] === wanted) filtered.present[at] = 1
    }
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  return isOr ? yield* append(scope, expr, left, filtered) : filtered
}

interface Joined {
  readonly labels: readonly Labels[]
  readonly regrouping: Regrouping
}

const JOINED: PairSlot<Joined> = createSlot()

/** Both sides' rows, one below the other; rows with the same labels, which are never there together, become one. */
function* append({ run, grid }: Scope, expr: Binary, left: Vector, right: Vector): Steps<Vector> {
  const joined = yield* rememberPair(JOINED, { run, expr, left: left.labels, right: right.labels }, function* join() {
    const all = [...left.labels, ...right.labels]
    return { labels: all, regrouping: yield* regroup(run, all) }
  })
  const { labels, regrouping } = joined
  const out = vectorOf(run, labels, grid.count)
  out.values.set(left.values)
  out.values.set(right.values, left.values.length)
  out.present.set(left.present)
  out.present.set(right.present, left.present.length)
  if (left.dropName === undefined && right.dropName === undefined) return applyRegrouping(out, regrouping, grid.count)
  const dropName = new Uint8Array(labels.length)
  if (left.dropName !== undefined) dropName.set(left.dropName)
  if (right.dropName !== undefined) dropName.set(right.dropName, left.labels.length)
  return applyRegrouping({ ...out, dropName }, regrouping, grid.count)
}
