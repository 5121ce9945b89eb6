import type { Matcher } from '../core/matcher.ts'
import {
  childrenOf,
  isSetOperator,
  unwrap,
  type Aggregation,
  type Binary,
  type Call,
  type DurationExpr,
  type Expr,
  type VectorSelector,
} from './syntax/ast.ts'
import { typeOf } from './syntax/check.ts'
import { FUNCTIONS } from './syntax/functions.ts'

/** One selector of an expression, and what stands around it. */
export interface SelectorUse {
  readonly name: string
  readonly matchers: readonly Matcher[]
  /** The range in brackets; undefined for an instant selector. */
  readonly range: DurationExpr | undefined
  readonly offset: DurationExpr | undefined
  readonly start: number
  readonly end: number
  /** The expressions that contain it, outermost first. */
  readonly path: readonly Expr[]
}

/** Every selector with its matchers, in the order of the text. The matchers that `info()` looks up by are not among them. */
export function selectorsOf(expr: Expr): readonly SelectorUse[] {
  return collect(expr, [])
}

function collect(expr: Expr, path: readonly Expr[]): readonly SelectorUse[] {
  if (expr.kind === 'selector') return [useOf(expr, path)]
  const isInfo = expr.kind === 'call' && expr.name === 'info'
  const children = isInfo ? childrenOf(expr).slice(0, 1) : childrenOf(expr)
  return children.flatMap((child) => collect(child, [...path, expr])).toSorted((a, b) => a.start - b.start)
}

function useOf(selector: VectorSelector, path: readonly Expr[]): SelectorUse {
  const parent = path.at(-1)
  const { name, matchers, offset, start, end } = selector
  return { name, matchers, range: parent?.kind === 'matrix' ? parent.range : undefined, offset, start, end, path }
}

const TARGET = 'target'
/** Functions whose answer for one target depends on the others, or that say something of what is not there. */
const NOT_LOCAL = new Set(['absent', 'absent_over_time', 'scalar', 'vector', 'info', 'sort', 'sort_desc'])
const CHOOSING = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio', 'count_values'])

/**
 * Whether what an expression says of one target depends on that target's series alone: every selector keeps the label
 * `target`, and no aggregation or match drops it (design.md, "Evaluate on arrival"). Then it may be evaluated for the
 * targets that arrived only.
 */
export function isLocal(expr: Expr): boolean {
  return typeOf(expr) === 'vector' && selectorsOf(expr).length > 0 && isLocalNode(expr)
}

function isLocalNode(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return true
    case 'matrix':
      return true
    case 'subquery':
    case 'paren':
      return isLocalNode(expr.expr)
    case 'unary':
      return isLocalNode(expr.operand)
    case 'call':
      return isLocalCall(expr)
    case 'aggregation':
      return isLocalAggregation(expr)
    case 'binary':
      return isLocalBinary(expr)
  }
}

function isLocalCall(call: Call): boolean {
  if (NOT_LOCAL.has(call.name)) return false
  const destination = call.args[1]
  const relabels = call.name === 'label_replace' || call.name === 'label_join' || call.name === 'histogram_quantiles'
  if (relabels && (destination?.kind !== 'string' || destination.value === TARGET)) return false
  return call.args.every(isLocalNode)
}

function isLocalAggregation(expr: Aggregation): boolean {
  if (CHOOSING.has(expr.operator) && !keepsTarget(expr)) return false
  if (expr.operator === 'count_values') {
    const label = expr.parameter === undefined ? undefined : unwrap(expr.parameter)
    if (label?.kind === 'string' && label.value === TARGET) return false
  }
  const parameterIsPlain = expr.parameter === undefined || selectorsOf(expr.parameter).length === 0
  return keepsTarget(expr) && parameterIsPlain && isLocalNode(expr.expr)
}

function keepsTarget({ without, labels }: Aggregation): boolean {
  return labels.includes(TARGET) !== without
}

function isLocalBinary(expr: Binary): boolean {
  if (!isLocalNode(expr.left) || !isLocalNode(expr.right)) return false
  const { matching } = expr
  if (typeOf(expr.left) !== 'vector' || typeOf(expr.right) !== 'vector' || matching === undefined) return true
  if (matching.labels.includes(TARGET) !== matching.on) return false
  // A label copied from the other side would not be the target's own.
  return !matching.include.includes(TARGET) || isSetOperator(expr.operator)
}

/** Functions that answer differently at another time even with the same samples. */
const DEPENDS_ON_TIME = new Set(
  'day_of_month day_of_week day_of_year days_in_month hour minute month year predict_linear time timestamp'
    .concat(' start_timestamp info')
    .split(' '),
)

/** Every part that gives the same at each step of a query, because all that it reads is fixed by `@`. */
export function invariantParts(expr: Expr): ReadonlySet<Expr> {
  const parts = new Set<Expr>()
  markInvariant(expr, parts)
  // Nearly every rule: ten thousand empty sets need not be kept.
  return parts.size === 0 ? NO_PARTS : parts
}

const NO_PARTS: ReadonlySet<Expr> = new Set()

function markInvariant(expr: Expr, parts: Set<Expr>): boolean {
  const children = childrenOf(expr).map((child) => markInvariant(child, parts))
  const isInvariant = isFixed(expr, children.every(Boolean))
  const isWorthIt =
    expr.kind !== 'number' && expr.kind !== 'string' && expr.kind !== 'matrix' && expr.kind !== 'subquery'
  if (isInvariant && isWorthIt) parts.add(expr)
  return isInvariant
}

function isFixed(expr: Expr, childrenAreFixed: boolean): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true
    case 'selector':
      return expr.at !== undefined
    case 'matrix':
      return childrenAreFixed
    case 'subquery':
      return expr.at !== undefined
    case 'call':
      return childrenAreFixed && !DEPENDS_ON_TIME.has(expr.name)
    case 'aggregation':
    case 'binary':
    case 'unary':
    case 'paren':
      return childrenAreFixed
  }
}

/** The first experimental part, in words, or undefined. */
export function experimentalPart(expr: Expr): { readonly what: string; readonly start: number } | undefined {
  if (expr.kind === 'call' && FUNCTIONS.get(expr.name)?.experimental === true) {
    return { what: `${expr.name}()`, start: expr.start }
  }
  if (expr.kind === 'selector' && expr.mode !== undefined) return { what: expr.mode, start: expr.start }
  if (expr.kind === 'aggregation' && expr.operator.startsWith('limit')) {
    return { what: expr.operator, start: expr.start }
  }
  if (expr.kind === 'binary' && (expr.matching?.fillLeft ?? expr.matching?.fillRight) !== undefined) {
    return { what: 'fill', start: expr.start }
  }
  for (const child of childrenOf(expr)) {
    const found = experimentalPart(child)
    if (found !== undefined) return found
  }
  return undefined
}
