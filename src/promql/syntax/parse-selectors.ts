import { METRIC_NAME } from '../../core/labels.ts'
import { createMatcher, type Matcher, type MatchOperator } from '../../core/matcher.ts'
import { messageOf } from '../../lib/errors.ts'
import type { AtModifier, EdgeMode, Expr, MatrixSelector, Subquery, VectorSelector } from './ast.ts'
import { describe, failAt, type Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { parseDurationExpr, parseOffset } from './parse-durations.ts'

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** Reads `name{label="value", ...}`; the name, or the braces, may be missing. */
export function parseSelector(cursor: Cursor): VectorSelector {
  const start = cursor.peek().start
  const name = cursor.isSymbol('{') ? '' : cursor.next().text
  const matchers: Matcher[] = []
  if (cursor.take('{')) {
    while (!cursor.isSymbol('}')) {
      matchers.push(parseMatcher(cursor))
      if (!cursor.take(',')) break
    }
    cursor.expect('}', 'or "," after a label matcher')
  }
  if (name !== '') {
    const doubled = matchers.some((matcher) => matcher.name === METRIC_NAME && matcher.operator === '=')
    if (doubled) {
      throw failAt({ start }, `the metric name is set twice: write ${name}{...} or {__name__="..."}, not both`)
    }
    matchers.push(createMatcher(METRIC_NAME, '=', name))
  }
  const soleName = name === '' ? (matchers.find(isExactName)?.value ?? '') : name
  const span = { start, end: cursor.endOfLast() }
  return { kind: 'selector', name: soleName, matchers, offset: undefined, at: undefined, mode: undefined, ...span }
}

function isExactName(matcher: Matcher): boolean {
  return matcher.name === METRIC_NAME && matcher.operator === '='
}

function parseMatcher(cursor: Cursor): Matcher {
  const label = cursor.next()
  if (label.kind !== 'name' && label.kind !== 'string' && label.kind !== 'number') {
    throw failAt(label, `expected a label name, found ${describe(label)}: write {label="value"}`)
  }
  const isAlone = cursor.isSymbol(',') || cursor.isSymbol('}')
  // `{"my.metric"}`: a quoted name alone is the metric's.
  if (label.kind === 'string' && isAlone) return createMatcher(METRIC_NAME, '=', label.string)
  const name = label.kind === 'string' ? label.string : label.text
  const operator = cursor.next()
  const kind = matchOperator(operator.text)
  if (operator.kind !== 'symbol' || kind === undefined) {
    const hint = operator.text === '==' ? ': write = (not ==)' : ''
    throw failAt(operator, `expected =, !=, =~ or !~ after label ${name}, found ${describe(operator)}${hint}`)
  }
  const value = cursor.next()
  if (value.kind !== 'string') {
    throw failAt(value, `expected the value of label ${name} in quotes, found ${describe(value)}`)
  }
  try {
    return createMatcher(name, kind, value.string)
  } catch (error) {
    throw failAt(value, `label ${name} has a regular expression that is none: ${messageOf(error)}`)
  }
}

function matchOperator(text: string): MatchOperator | undefined {
  switch (text) {
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return text
    default:
      return undefined
  }
}

/** Reads what may follow an operand: `[5m]`, `[1h:1m]`, `offset 5m`, `@ end()`, `anchored`, `smoothed`. */
export function parsePostfix(cursor: Cursor, operand: Expr): Expr {
  let expr = operand
  for (;;) {
    if (cursor.isSymbol('[')) expr = parseRange(cursor, expr)
    else if (cursor.isSymbol('@')) expr = parseAt(cursor, expr)
    else if (cursor.isWord('offset')) expr = parseOffsetOf(cursor, expr)
    else if (cursor.isWord('anchored')) expr = parseMode(cursor, expr, 'anchored')
    else if (cursor.isWord('smoothed')) expr = parseMode(cursor, expr, 'smoothed')
    else return expr
  }
}

function parseRange(cursor: Cursor, expr: Expr): MatrixSelector | Subquery {
  const bracket = cursor.next()
  const range = parseDurationExpr(cursor)
  const { start } = expr
  if (cursor.take(':')) {
    const step = cursor.isSymbol(']') ? undefined : parseDurationExpr(cursor)
    const { end } = cursor.expect(']', "after the subquery's step")
    return { kind: 'subquery', expr, range, step, offset: undefined, at: undefined, start, end }
  }
  const { end } = cursor.expect(']', 'after the range')
  if (expr.kind === 'selector') {
    if (expr.offset !== undefined) throw failAt(bracket, 'the range comes before offset: write metric[5m] offset 1h')
    if (expr.at !== undefined) throw failAt(bracket, 'the range comes before @: write metric[5m] @ 1700000000')
    return { kind: 'matrix', selector: expr, range, start, end }
  }
  throw failAt(bracket, 'only a plain selector takes a range: write a subquery, (...)[5m:] or (...)[5m:1m]')
}

function parseOffsetOf(cursor: Cursor, expr: Expr): Expr {
  const word = cursor.next()
  const offset = parseOffset(cursor)
  return modify(cursor, expr, word, (node) => {
    if (node.offset !== undefined) throw failAt(word, 'offset stands twice: add the two durations')
    return { ...node, offset, end: cursor.endOfLast() }
  })
}

function parseAt(cursor: Cursor, expr: Expr): Expr {
  const sign = cursor.next()
  const at = parseInstant(cursor)
  return modify(cursor, expr, sign, (node) => {
    if (node.at !== undefined) throw failAt(sign, '@ stands twice: keep one')
    return { ...node, at, end: cursor.endOfLast() }
  })
}

function parseMode(cursor: Cursor, expr: Expr, mode: EdgeMode): Expr {
  const word = cursor.next()
  const end = cursor.endOfLast()
  if (expr.kind === 'selector' || expr.kind === 'matrix') {
    const selector = expr.kind === 'matrix' ? expr.selector : expr
    if (selector.mode !== undefined) throw failAt(word, 'a selector is anchored or smoothed, once')
    if (expr.kind === 'matrix') return { ...expr, selector: { ...selector, mode }, end }
    if (mode === 'smoothed') return { ...selector, mode, end }
    throw failAt(word, 'anchored needs a range: write metric[5m] anchored')
  }
  throw failAt(word, `${mode} follows a selector: write metric[5m] ${mode}`)
}

interface Modifiable {
  readonly offset: VectorSelector['offset']
  readonly at: VectorSelector['at']
}

function modify(cursor: Cursor, expr: Expr, word: Token, change: <T extends Modifiable>(node: T) => T): Expr {
  if (expr.kind === 'selector' || expr.kind === 'subquery') return change(expr)
  if (expr.kind === 'matrix') {
    const { end } = expr.selector
    return { ...expr, selector: { ...change(expr.selector), end }, end: cursor.endOfLast() }
  }
  throw failAt(
    word,
    `${word.text} follows a selector, a range or a subquery: write it directly after, as in m ${word.text} ...`,
  )
}

function parseInstant(cursor: Cursor): AtModifier {
  const token = cursor.peek()
  const word = token.text.toLowerCase()
  if (token.kind === 'name' && (word === 'start' || word === 'end')) {
    cursor.next()
    cursor.expect('(', `after ${word}`)
    cursor.expect(')', `after ${word}(`)
    return { kind: word }
  }
  const isNegative = cursor.take('-')
  if (!isNegative) cursor.take('+')
  const number = cursor.next()
  if ((number.kind !== 'number' && number.kind !== 'duration') || !Number.isFinite(number.value)) {
    throw failAt(number, `expected a time in seconds, start() or end() after @, found ${describe(number)}`)
  }
  return { kind: 'time', ms: Math.round((isNegative ? -number.value : number.value) * 1000) }
}

/** Reads `(a, b, "c.d")`. */
export function parseLabelList(cursor: Cursor, where: string): readonly string[] {
  cursor.expect('(', where)
  const labels: string[] = []
  while (!cursor.isSymbol(')')) {
    const token = cursor.next()
    if (token.kind === 'string') labels.push(token.string)
    else if ((token.kind === 'name' || token.kind === 'number') && LABEL_NAME.test(token.text)) labels.push(token.text)
    else throw failAt(token, `expected a label name ${where}, found ${describe(token)}`)
    if (!cursor.take(',')) break
  }
  cursor.expect(')', `or "," in the labels ${where}`)
  return labels
}
