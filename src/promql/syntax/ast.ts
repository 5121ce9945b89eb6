import type { Matcher } from '../../core/matcher.ts'

/** Where a node stands in the text: UTF-16 offsets, the end exclusive. */
interface Span {
  readonly start: number
  readonly end: number
}

export type ValueType = 'vector' | 'matrix' | 'scalar' | 'string'

/** A length of time, possibly one that depends on the query. Numbers are seconds. */
export type DurationExpr =
  | {
      readonly kind: 'seconds'
      readonly seconds: number
      /** Written as `5m`, not as 300. */ readonly isDuration: boolean
    }
  | { readonly kind: 'step' }
  | { readonly kind: 'range' }
  | { readonly kind: 'signed'; readonly sign: '+' | '-'; readonly operand: DurationExpr }
  | { readonly kind: 'group'; readonly operand: DurationExpr }
  | {
      readonly kind: 'arithmetic'
      readonly operator: DurationOperator
      readonly left: DurationExpr
      readonly right: DurationExpr
    }
  | {
      readonly kind: 'choice'
      readonly pick: 'min_of' | 'max_of'
      readonly left: DurationExpr
      readonly right: DurationExpr
    }

export type DurationOperator = '+' | '-' | '*' | '/' | '%' | '^'

/** The `@` modifier: a fixed instant instead of the time of the step. */
export type AtModifier =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }

interface NumberLiteral extends Span {
  readonly kind: 'number'
  readonly value: number
  /** Written as a duration (`5m`), so printed as one. */
  readonly isDuration: boolean
}

interface StringLiteral extends Span {
  readonly kind: 'string'
  readonly value: string
}

/** How the edges of a window, or the value at an instant, are found; undefined is Prometheus' classic way. */
export type EdgeMode = 'anchored' | 'smoothed'

export interface VectorSelector extends Span {
  readonly kind: 'selector'
  /** The metric's name where it was written before or alone in the braces, else ''. Is among the matchers too. */
  readonly name: string
  readonly matchers: readonly Matcher[]
  readonly offset: DurationExpr | undefined
  readonly at: AtModifier | undefined
  readonly mode: EdgeMode | undefined
}

export interface MatrixSelector extends Span {
  readonly kind: 'matrix'
  readonly selector: VectorSelector
  readonly range: DurationExpr
}

export interface Subquery extends Span {
  readonly kind: 'subquery'
  readonly expr: Expr
  readonly range: DurationExpr
  readonly step: DurationExpr | undefined
  readonly offset: DurationExpr | undefined
  readonly at: AtModifier | undefined
}

export interface Call extends Span {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Expr[]
}

export interface Aggregation extends Span {
  readonly kind: 'aggregation'
  readonly operator: AggregationOperator
  readonly expr: Expr
  readonly parameter: Expr | undefined
  readonly without: boolean
  readonly labels: readonly string[]
}

export const AGGREGATIONS = [
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
] as const
export type AggregationOperator = (typeof AGGREGATIONS)[number]

const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='] as const
const SET_OPERATORS = ['and', 'or', 'unless'] as const
export type Comparison = (typeof COMPARISONS)[number]
export type SetOperator = (typeof SET_OPERATORS)[number]
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'
export type BinaryOperator = Comparison | SetOperator | Arithmetic

/** How the elements of two vectors find each other. */
export interface Matching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many'
  readonly on: boolean
  readonly labels: readonly string[]
  /** Labels copied from the "one" side. */
  readonly include: readonly string[]
  readonly fillLeft: number | undefined
  readonly fillRight: number | undefined
}

export interface Binary extends Span {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expr
  readonly right: Expr
  readonly returnBool: boolean
  /** Undefined unless both sides are vectors. */
  readonly matching: Matching | undefined
}

export interface Unary extends Span {
  readonly kind: 'unary'
  readonly operator: '+' | '-'
  readonly operand: Expr
}

export interface Paren extends Span {
  readonly kind: 'paren'
  readonly expr: Expr
}

/** One node of a parsed and type-checked expression. */
export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | Binary
  | Unary
  | Paren

/** A whole expression with the text it came from, so that what is said about it can name the place. */
export type ParsedExpr = Expr & { readonly text: string }

export function isComparison(operator: BinaryOperator): operator is Comparison {
  return COMPARISONS.some((comparison) => comparison === operator)
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return SET_OPERATORS.some((setOperator) => setOperator === operator)
}

/** The expressions directly below one. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return []
    case 'matrix':
      return [expr.selector]
    case 'subquery':
    case 'paren':
      return [expr.expr]
    case 'call':
      return expr.args
    case 'aggregation':
      return expr.parameter === undefined ? [expr.expr] : [expr.parameter, expr.expr]
    case 'binary':
      return [expr.left, expr.right]
    case 'unary':
      return [expr.operand]
  }
}

/** The expression without the parentheses around it. */
export function unwrap(expr: Expr): Exclude<Expr, Paren> {
  let inner = expr
  while (inner.kind === 'paren') inner = inner.expr
  return inner
}
