import { PromqlError } from '../errors.ts'
import type { Expr, Unary } from '../syntax/ast.ts'
import { aggregate } from './aggregate.ts'
import { evaluateBinary } from './binary.ts'
import { evaluateCall } from './calls.ts'
import { dropNames } from './names.ts'
import { createGrid, vectorOf, type Result, type Run, type Scope, type Steps, type Vector } from './run.ts'
import { evaluateSelector } from './selectors.ts'

/** Evaluates an expression at every time of the scope's grid. */
export function* evaluate(scope: Scope, expr: Expr): Steps<Result> {
  const { run, grid } = scope
  if (grid.count > 1 && run.isInvariant(expr)) {
    const once = { run, grid: createGrid(grid.start, grid.start, 0) }
    return repeat(run, yield* evaluateHere(once, expr), grid.count)
  }
  return yield* evaluateHere(scope, expr)
}

function* evaluateHere(scope: Scope, expr: Expr): Steps<Result> {
  switch (expr.kind) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(scope.grid.count).fill(expr.value) }
    case 'string':
      return { kind: 'string', value: expr.value }
    case 'selector':
      return yield* evaluateSelector(scope, expr)
    case 'call':
      return yield* evaluateCall(scope, expr)
    case 'aggregation':
      return yield* aggregate(scope, expr)
    case 'binary':
      return yield* evaluateBinary(scope, expr)
    case 'unary':
      return yield* negate(scope, expr)
    case 'paren':
      return yield* evaluateHere(scope, expr.expr)
    case 'matrix':
    case 'subquery':
      throw new PromqlError('a range needs a function around it, as in rate(...)', { position: expr.start })
  }
}

function* negate(scope: Scope, expr: Unary): Steps<Result> {
  const operand = yield* evaluate(scope, expr.operand)
  if (operand.kind === 'string' || expr.operator === '+') return operand
  const values = operand.values.map((value) => -value)
  if (operand.kind === 'scalar') return { kind: 'scalar', values }
  return yield* dropNames(scope, expr, { ...operand, values })
}

/** What was found once holds at every time. */
function repeat(run: Run, result: Result, count: number): Result {
  if (result.kind === 'string') return result
  if (result.kind === 'scalar') {
    return { kind: 'scalar', values: new Float64Array(count).fill(result.values[0] ?? Number.NaN) }
  }
  const repeated: Vector = {
    ...vectorOf(run, result.labels, count),
    dropName: result.dropName,
    distinct: result.distinct,
  }
  for (let row = 0; row < result.labels.length; row += 1) {
    if (result.present[row] !== 1) continue
    repeated.values.fill(result.values[row] ?? 0, row * count, (row + 1) * count)
    repeated.present.fill(1, row * count, (row + 1) * count)
  }
  return repeated
}
