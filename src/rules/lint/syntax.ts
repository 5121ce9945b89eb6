import type { Matcher } from '../../core/matcher.ts'
import { childrenOf, type Expr, formatExpr, parseExpr, unwrap } from '../../promql/index.ts'

export type Kind<K extends Expr['kind']> = Extract<Expr, { kind: K }>

/** A node with the nodes around it, outermost first. */
interface Placed<T extends Expr = Expr> {
  readonly node: T
  readonly path: readonly Expr[]
}

/** Every node of an expression, outermost first. */
export function nodesOf(expr: Expr, path: readonly Expr[] = []): readonly Placed[] {
  return [{ node: expr, path }, ...childrenOf(expr).flatMap((child) => nodesOf(child, [...path, expr]))]
}

export function callsOf(expr: Expr, names: ReadonlySet<string>): readonly Placed<Kind<'call'>>[] {
  return nodesOf(expr).flatMap(({ node, path }) =>
    node.kind === 'call' && names.has(node.name) ? [{ node, path }] : [],
  )
}

export function selectorsIn(expr: Expr): readonly Placed<Kind<'selector'>>[] {
  return nodesOf(expr).flatMap(({ node, path }) => (node.kind === 'selector' ? [{ node, path }] : []))
}

export function binariesOf(expr: Expr): readonly Kind<'binary'>[] {
  return nodesOf(expr).flatMap(({ node }) => (node.kind === 'binary' ? [node] : []))
}

/** Whether one of the nodes around is a call of one of these. */
export function isWithin(path: readonly Expr[], names: ReadonlySet<string>): boolean {
  return path.some((node) => node.kind === 'call' && names.has(node.name))
}

const FLIPPED = { '>': '<', '<': '>', '>=': '<=', '<=': '>=', '==': '==', '!=': '!=' } as const
type Comparison = keyof typeof FLIPPED

const COMPARISONS: ReadonlySet<string> = new Set(Object.keys(FLIPPED))

/** Something compared with a number, as if the number stood on the right. */
export interface Threshold {
  readonly whole: Kind<'binary'>
  readonly measured: Expr
  readonly operator: Comparison
  readonly limit: number
  /** Where the number stands. */
  readonly limitNode: Expr
}

export function thresholdsOf(expr: Expr): readonly Threshold[] {
  return binariesOf(expr).flatMap((whole): readonly Threshold[] => {
    const { left, right, operator } = whole
    if (!isComparison(operator)) return []
    const rightLimit = numberOf(right)
    if (rightLimit !== undefined) {
      return [{ whole, measured: left, operator, limit: rightLimit, limitNode: right }]
    }
    const leftLimit = numberOf(left)
    if (leftLimit === undefined) return []
    return [{ whole, measured: right, operator: FLIPPED[operator], limit: leftLimit, limitNode: left }]
  })
}

function isComparison(operator: string): operator is Comparison {
  return COMPARISONS.has(operator)
}

/** Whether a threshold is passed by anything above 0 at all. */
export function isAnyAtAll({ operator, limit }: Threshold): boolean {
  return limit === 0 && (operator === '>' || operator === '!=')
}

/** The value of a number, `-5` and `(5)` included. */
function numberOf(expr: Expr): number | undefined {
  const inner = unwrap(expr)
  if (inner.kind === 'number') return inner.value
  if (inner.kind !== 'unary') return undefined
  const value = numberOf(inner.operand)
  return value === undefined || inner.operator === '+' ? value : -value
}

/** The length of a plain `[5m]`, in milliseconds; undefined where it is reckoned. */
export function rangeMsOf(matrix: Kind<'matrix'>): number | undefined {
  return matrix.range.kind === 'seconds' ? matrix.range.seconds * 1000 : undefined
}

export function textOf(text: string, node: { readonly start: number; readonly end: number }): string {
  return text.slice(node.start, node.end).trim()
}

export interface Replacement {
  readonly start: number
  readonly end: number
  readonly by: string
}

/** The expression with parts of its text replaced, in canonical notation; undefined where that is no expression. */
export function rewrite(text: string, replacements: readonly Replacement[]): string | undefined {
  const fromTheEnd = replacements.toSorted((a, b) => b.start - a.start)
  return canonical(
    fromTheEnd.reduce((before, { start, end, by }) => before.slice(0, start) + by + before.slice(end), text),
  )
}

/** In canonical notation; undefined where it is no expression. */
export function canonical(text: string): string | undefined {
  try {
    return formatExpr(parseExpr(text))
  } catch {
    return undefined
  }
}

/** The value that a selector's label must have; undefined where it may have others. */
export function fixedValue(matchers: readonly Matcher[], label: string): string | undefined {
  return matchers.find(({ name, operator, value }) => name === label && operator === '=' && value !== '')?.value
}

/** `a`, `b` of the regular expression `a|b`; undefined where it is more than such a list. */
export function alternativesOf({ operator, value }: Matcher): readonly string[] | undefined {
  if (operator === '=') return [value]
  return operator === '=~' && /^[\w:-]+(?:\|[\w:-]+)*$/.test(value) ? value.split('|') : undefined
}
