import {
  childrenOf,
  isComparison,
  isSetOperator,
  unwrap,
  type Aggregation,
  type Binary,
  type Call,
  type Expr,
  type ValueType,
} from './ast.ts'
import { failAt } from './cursor.ts'
import { argumentCount, FUNCTIONS } from './functions.ts'

const NAMES: Readonly<Record<ValueType, string>> = {
  vector: 'an instant vector',
  matrix: 'a range vector',
  scalar: 'a scalar',
  string: 'a string',
}

/** What an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar'
    case 'string':
      return 'string'
    case 'selector':
    case 'aggregation':
      return 'vector'
    case 'matrix':
    case 'subquery':
      return 'matrix'
    case 'call':
      return FUNCTIONS.get(expr.name)?.returns ?? 'vector'
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector'
    case 'unary':
      return typeOf(expr.operand)
    case 'paren':
      return typeOf(expr.expr)
  }
}

/**
 * Holds every part against what it may take.
 *
 * @throws PromqlError at the first part that does not fit
 */
export function checkTypes(expr: Expr): void {
  const isInfo = expr.kind === 'call' && expr.name === 'info'
  // The matchers of info() only narrow what is looked up: they may be as wide as they like.
  for (const child of isInfo ? childrenOf(expr).slice(0, 1) : childrenOf(expr)) checkTypes(child)
  switch (expr.kind) {
    case 'selector':
      if (expr.matchers.every((matcher) => matcher.matches(''))) {
        throw failAt(
          expr,
          'the selector would read every series: name a metric, or add a matcher that cannot be empty, like job=~".+"',
        )
      }
      break
    case 'call':
      checkCall(expr)
      break
    case 'aggregation':
      checkAggregation(expr)
      break
    case 'binary':
      checkBinary(expr)
      break
    case 'unary':
      if (typeOf(expr.operand) !== 'scalar') expect(expr.operand, 'vector', `after the sign ${expr.operator}`)
      break
    case 'subquery':
      if (typeOf(expr.expr) === 'scalar') {
        throw failAt(expr.expr, 'a subquery needs an instant vector, not a scalar: write vector(...)[5m:]')
      }
      expect(expr.expr, 'vector', 'before the brackets of a subquery')
      break
    case 'number':
    case 'string':
    case 'matrix':
    case 'paren':
      break
  }
}

function checkCall(call: Call): void {
  const signature = FUNCTIONS.get(call.name)
  if (signature === undefined) return
  const { least, most } = argumentCount(signature)
  if (call.args.length < least || call.args.length > most) {
    const wanted = least === most ? `${least}` : call.args.length < least ? `at least ${least}` : `at most ${most}`
    throw failAt(
      call,
      `${call.name}() takes ${wanted} argument${wanted === '1' ? '' : 's'}, not ${call.args.length}: it wants ${signature.args.map((type) => NAMES[type]).join(', ') || 'nothing'}`,
    )
  }
  for (const [index, arg] of call.args.entries()) {
    const wanted = signature.args[Math.min(index, signature.args.length - 1)]
    if (wanted !== undefined) expect(arg, wanted, `as argument ${index + 1} of ${call.name}()`)
  }
  if (call.name === 'info') checkInfo(call)
}

function checkInfo(call: Call): void {
  const selector = call.args[1]
  if (selector === undefined) return
  const isPlain = selector.kind === 'selector' && selector.offset === undefined && selector.at === undefined
  if (!isPlain) throw failAt(selector, 'argument 2 of info() is label matchers in braces: write info(v, {label=~".+"})')
}

function checkAggregation(expr: Aggregation): void {
  expect(expr.expr, 'vector', `in ${expr.operator}()`)
  if (expr.parameter === undefined) return
  const wanted = expr.operator === 'count_values' ? 'string' : 'scalar'
  expect(expr.parameter, wanted, `as parameter of ${expr.operator}()`)
}

function checkBinary(expr: Binary): void {
  const left = operandType(expr.left, expr.operator)
  const right = operandType(expr.right, expr.operator)
  const { operator, matching } = expr
  if (isComparison(operator) && !expr.returnBool && left === 'scalar' && right === 'scalar') {
    throw failAt(expr, `two scalars are compared with bool only: write ${operator} bool`)
  }
  if (isSetOperator(operator) && (left === 'scalar' || right === 'scalar')) {
    const scalar = left === 'scalar' ? expr.left : expr.right
    throw failAt(scalar, `${operator} works on two vectors, not on a scalar: write vector(...) around it`)
  }
  if (matching === undefined || (left === 'vector' && right === 'vector')) return
  const asked = matching.on || matching.labels.length > 0 || matching.cardinality.includes('many-to-one')
  const grouped = matching.cardinality === 'one-to-many' || matching.fillLeft !== undefined
  if (asked || grouped || matching.fillRight !== undefined) {
    throw failAt(expr, `on, ignoring, group_left, group_right and fill match two vectors: a scalar needs none`)
  }
}

function operandType(operand: Expr, operator: string): ValueType {
  const type = typeOf(operand)
  if (type === 'vector' || type === 'scalar') return type
  throw failAt(operand, `${operator} works on scalars and instant vectors, not on ${NAMES[type]}${hint(operand, type)}`)
}

function expect(expr: Expr, wanted: ValueType, where: string): void {
  const type = typeOf(expr)
  if (type === wanted) return
  throw failAt(expr, `expected ${NAMES[wanted]} ${where}, not ${NAMES[type]}${advice(expr, type, wanted)}`)
}

function advice(expr: Expr, type: ValueType, wanted: ValueType): string {
  if (wanted === 'matrix' && type === 'vector') {
    return unwrap(expr).kind === 'selector' ? ': add a range, as in metric[5m]' : ': add a subquery, as in (...)[5m:1m]'
  }
  if (wanted === 'vector' && type === 'scalar') return ': write vector(...) around it'
  if (wanted === 'scalar' && type === 'vector') return ': write scalar(...) around it'
  return hint(expr, type)
}

function hint(expr: Expr, type: ValueType): string {
  if (type !== 'matrix') return ''
  return unwrap(expr).kind === 'matrix'
    ? ': put it into a function like rate(...), or leave out the range'
    : ': put it into a function like max_over_time(...)'
}
