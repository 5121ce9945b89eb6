import { PromqlError } from '../errors.ts'
import { isComparison, isSetOperator, type Binary } from '../syntax/ast.ts'
import { matchVectors } from './matching.ts'
import { dropNames } from './names.ts'
import { compute, holds } from './operators.ts'
import { type Result, type Scalar, type Scope, type Steps, type Vector } from './run.ts'
import { combineSets } from './sets.ts'

export function* evaluateBinary(scope: Scope, expr: Binary): Steps<Result> {
  const left = yield* scope.run.evaluate(scope, expr.left)
  const right = yield* scope.run.evaluate(scope, expr.right)
  if (left.kind === 'string' || right.kind === 'string') {
    throw new PromqlError(`${expr.operator} does not work on strings`, { position: expr.start })
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') return betweenScalars(scope, expr, left, right)
  if (left.kind === 'scalar') {
    return right.kind === 'vector'
      ? yield* withScalar(scope, expr, { vector: right, scalar: left, swapped: true })
      : left
  }
  if (right.kind === 'scalar') return yield* withScalar(scope, expr, { vector: left, scalar: right, swapped: false })
  if (isSetOperator(expr.operator)) return yield* combineSets(scope, expr, left, right)
  return yield* matchVectors(scope, expr, left, right)
}

function betweenScalars({ grid }: Scope, expr: Binary, left: Scalar, right: Scalar): Scalar {
  const { operator } = expr
  const values = new Float64Array(grid.count)
  for (let step = 0; step < grid.count; step += 1) {
    const a = left.values[step] ?? 0
    const b = right.values[step] ?? 0
    values[step] = isComparison(operator)
      ? Number(holds(operator, a, b))
      : isSetOperator(operator)
        ? 0
        : compute(operator, a, b)
  }
  return { kind: 'scalar', values }
}

interface Sides {
  readonly vector: Vector
  readonly scalar: Scalar
  /** The scalar is on the left. */
  readonly swapped: boolean
}

/** Comparisons keep elements and their values, or give 0 and 1 with `bool`; anything else computes, and drops the name. */
function* withScalar(scope: Scope, expr: Binary, { vector, scalar, swapped }: Sides): Steps<Vector> {
  const { run, grid } = scope
  const { operator } = expr
  if (isSetOperator(operator)) throw new PromqlError(`${operator} works on two vectors`, { position: expr.start })
  const values = new Float64Array(vector.values.length)
  const present = isComparison(operator) && !expr.returnBool ? new Uint8Array(vector.present.length) : vector.present
  for (let row = 0; row < vector.labels.length; row += 1) {
    for (let step = 0; step < grid.count; step += 1) {
      const at = row * grid.count + step
      if (vector.present[at] !== 1) continue
      const value = vector.values[at] ?? 0
      const number = scalar.values[step] ?? 0
      const a = swapped ? number : value
      const b = swapped ? value : number
      if (!isComparison(operator)) values[at] = compute(operator, a, b)
      else if (expr.returnBool) values[at] = Number(holds(operator, a, b))
      else if (holds(operator, a, b)) {
        values[at] = value
        present[at] = 1
      }
    }
    if (run.budget.isSpent(grid.count)) yield undefined
  }
  const result = { ...vector, values, present }
  return isComparison(operator) && !expr.returnBool ? result : yield* dropNames(scope, expr, result)
}
