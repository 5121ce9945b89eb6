import { type DurationExpr, type Expr, functionSignature, typeOf } from '../../operations/index.ts'
import { formatValue } from './value.ts'

type Node<Kind extends Expr['kind']> = Extract<Expr, { kind: Kind }>
type Tree = Readonly<Record<string, unknown>>

/** An expression as `/api/v1/parse_query` shows it (Prometheus, `web/api/v1/translate_ast.go`). */
export function treeOf(expr: Expr): Tree {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatValue(expr.value) }
    case 'string':
      return { type: 'stringLiteral', val: expr.value }
    case 'selector':
      return { type: 'vectorSelector', ...selectorTree(expr) }
    case 'matrix':
      return { type: 'matrixSelector', ...selectorTree(expr.selector), ...lengthTree('range', expr.range) }
    case 'subquery':
      return {
        type: 'subquery',
        expr: treeOf(expr.expr),
        ...lengthTree('range', expr.range),
        ...lengthTree('step', expr.step),
        ...shiftTree(expr),
      }
    case 'call':
      return { type: 'call', func: functionTree(expr), args: expr.args.map(treeOf) }
    case 'aggregation':
      return {
        type: 'aggregation',
        op: expr.operator,
        expr: treeOf(expr.expr),
        param: expr.parameter === undefined ? null : treeOf(expr.parameter),
        grouping: expr.labels,
        without: expr.without,
      }
    case 'binary':
      return binaryTree(expr)
    case 'unary':
      return { type: 'unaryExpr', op: expr.operator, expr: treeOf(expr.operand) }
    case 'paren':
      return { type: 'parenExpr', expr: treeOf(expr.expr) }
  }
}

function selectorTree(selector: Node<'selector'>): Tree {
  return {
    name: selector.name,
    matchers: selector.matchers.map(({ name, value, operator }) => ({ name, value, type: operator })),
    ...shiftTree(selector),
    anchored: selector.mode === 'anchored',
    smoothed: selector.mode === 'smoothed',
  }
}

function shiftTree({ offset, at }: Pick<Node<'selector'>, 'offset' | 'at'>): Tree {
  return {
    ...lengthTree('offset', offset),
    timestamp: at?.kind === 'time' ? at.ms : null,
    startOrEnd: at === undefined || at.kind === 'time' ? null : at.kind,
  }
}

/** A length that is known is milliseconds; one that depends on the query stands beside it, as an expression. */
function lengthTree(name: 'range' | 'step' | 'offset', length: DurationExpr | undefined): Tree {
  const seconds = length === undefined ? 0 : plainSeconds(length)
  const isKnown = length === undefined || seconds !== undefined
  return {
    [name]: Math.round((seconds ?? 0) * 1000),
    [`${name}Expr`]: isKnown ? null : durationTree(length),
  }
}

function plainSeconds(length: DurationExpr): number | undefined {
  if (length.kind === 'seconds') return length.seconds
  if (length.kind !== 'signed' || length.operand.kind !== 'seconds') return undefined
  return length.sign === '-' ? -length.operand.seconds : length.operand.seconds
}

function durationTree(length: DurationExpr, isWrapped = false): Tree | null {
  const operation = (op: string, sides: readonly [DurationExpr | undefined, DurationExpr | undefined]): Tree => {
    const [lhs, rhs] = sides.map((side) => (side === undefined ? null : durationTree(side)))
    return { type: 'durationExpr', op, lhs: lhs ?? null, rhs: rhs ?? null, wrapped: isWrapped }
  }
  switch (length.kind) {
    case 'seconds':
      return { type: 'numberLiteral', val: formatValue(length.seconds), duration: length.isDuration }
    case 'step':
    case 'range':
      return operation(length.kind, [undefined, undefined])
    case 'signed':
      return operation(length.sign, [undefined, length.operand])
    case 'group':
      return durationTree(length.operand, true)
    case 'arithmetic':
      return operation(length.operator, [length.left, length.right])
    case 'choice':
      return operation(length.pick, [length.left, length.right])
  }
}

/** `variadic`: how many arguments may be left out or, where there is no end to them, -1. */
function functionTree({ name }: Node<'call'>): Tree {
  const signature = functionSignature(name)
  const { args = [], optional = 0, repeats = false, most = 0, returns = 'vector' } = signature ?? {}
  const isBounded = most < 1000
  return {
    name,
    argTypes: args,
    variadic: repeats ? (isBounded ? most - args.length + 1 : -1) : optional,
    returnType: returns,
  }
}

function binaryTree(expr: Node<'binary'>): Tree {
  const isMatched = typeOf(expr.left) === 'vector' && typeOf(expr.right) === 'vector'
  const { matching } = expr
  return {
    type: 'binaryExpr',
    op: expr.operator,
    lhs: treeOf(expr.left),
    rhs: treeOf(expr.right),
    matching:
      !isMatched || matching === undefined
        ? null
        : {
            card: matching.cardinality,
            labels: matching.labels,
            on: matching.on,
            include: matching.include,
            fillValues: { lhs: matching.fillLeft ?? null, rhs: matching.fillRight ?? null },
          },
    bool: expr.returnBool,
  }
}
