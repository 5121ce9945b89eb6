import {
  AGGREGATIONS,
  isComparison,
  isSetOperator,
  type AggregationOperator,
  type BinaryOperator,
  type Call,
  type Expr,
  type Matching,
  type Paren,
  type ParsedExpr,
} from './ast.ts'
import { checkTypes } from './check.ts'
import { createCursor, describe, failAt, type Cursor } from './cursor.ts'
import { closest, FUNCTIONS } from './functions.ts'
import type { Token } from './lexer.ts'
import { parseLabelList, parsePostfix, parseSelector } from './parse-selectors.ts'

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
}
/** A sign binds as `*` does, so `-2 ^ 2` is -4 and `-a * b` is `(-a) * b`. */
const SIGN_PRECEDENCE = 6
const WITH_PARAMETER = new Set<string>(['topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio'])
const NOT_A_METRIC = new Set(['and', 'or', 'unless', 'atan2', 'bool', 'on', 'ignoring', 'group_left', 'group_right'])

/**
 * Reads a PromQL expression and checks its types.
 *
 * @throws PromqlError with the position of the fault and what to write instead
 */
export function parseExpr(text: string): ParsedExpr {
  const cursor = createCursor(text)
  if (cursor.peek().kind === 'end') throw failAt(cursor.peek(), 'the query is empty: write a metric name, as in up')
  const expr = parseBinary(cursor, 1)
  const rest = cursor.peek()
  if (rest.kind !== 'end') {
    throw failAt(rest, `unexpected ${describe(rest)} after a complete expression${hintFor(rest)}`)
  }
  checkTypes(expr)
  return { ...expr, text }
}

function hintFor(token: Token): string {
  if (token.text === '=') return ': write == to compare'
  if (token.text === ')' || token.text === '}' || token.text === ']') return ': it closes nothing'
  if (/^(?:by|without)$/i.test(token.text)) return ': only an aggregation like sum groups'
  return ': is an operator missing?'
}

function parseBinary(cursor: Cursor, minimum: number): Expr {
  return cursor.nested(() => {
    let left = parseUnary(cursor)
    for (;;) {
      const operator = operatorOf(cursor.peek())
      const precedence = operator === undefined ? 0 : PRECEDENCE[operator]
      if (operator === undefined || precedence < minimum) return left
      left = parseOperation(cursor, left, operator)
    }
  })
}

function parseOperation(cursor: Cursor, left: Expr, operator: BinaryOperator): Expr {
  const token = cursor.next()
  cursor.countOperator(token)
  const bool = cursor.peek()
  const returnBool = cursor.isWord('bool')
  if (returnBool) {
    cursor.next()
    if (!isComparison(operator)) throw failAt(bool, `bool goes with comparisons only, not with ${token.text}`)
  }
  const matching = parseMatching(cursor, operator)
  const right = parseBinary(cursor, operator === '^' ? PRECEDENCE[operator] : PRECEDENCE[operator] + 1)
  return { kind: 'binary', operator, left, right, returnBool, matching, start: left.start, end: right.end }
}

function parseUnary(cursor: Cursor): Expr {
  const token = cursor.peek()
  const operator = token.text === '-' || token.text === '+' ? token.text : undefined
  if (token.kind !== 'symbol' || operator === undefined) return parsePostfix(cursor, parseOperand(cursor))
  cursor.next()
  const operand = parseBinary(cursor, SIGN_PRECEDENCE)
  if (operand.kind === 'number') {
    const value = operator === '-' ? -operand.value : operand.value
    return { ...operand, value, start: token.start }
  }
  return { kind: 'unary', operator, operand, start: token.start, end: operand.end }
}

function parseOperand(cursor: Cursor): Expr {
  const token = cursor.peek()
  const { start, end } = token
  switch (token.kind) {
    case 'number':
    case 'duration':
      cursor.next()
      return { kind: 'number', value: token.value, isDuration: token.kind === 'duration', start, end }
    case 'string':
      cursor.next()
      return { kind: 'string', value: token.string, start, end }
    case 'name':
      return parseNamed(cursor, token)
    case 'symbol':
      if (token.text === '(') return parseParen(cursor)
      if (token.text === '{') return parseSelector(cursor)
      break
    case 'end':
      break
  }
  throw failAt(token, `expected an expression, found ${describe(token)}`)
}

function parseParen(cursor: Cursor): Paren {
  const { start } = cursor.next()
  const expr = parseBinary(cursor, 1)
  const { end } = cursor.expect(')', 'to close the parenthesis')
  return { kind: 'paren', expr, start, end }
}

function parseNamed(cursor: Cursor, token: Token): Expr {
  const word = token.text.toLowerCase()
  const groups = cursor.isSymbol('(', 1) || cursor.isWord('by', 1) || cursor.isWord('without', 1)
  const aggregation = AGGREGATIONS.find((operator) => operator === word)
  if (aggregation !== undefined && groups) return parseAggregation(cursor, aggregation)
  if (cursor.isSymbol('(', 1)) return parseCall(cursor, token)
  if (NOT_A_METRIC.has(word)) {
    throw failAt(token, `${token.text} stands between two expressions: the left one is missing`)
  }
  return parseSelector(cursor)
}

function parseCall(cursor: Cursor, token: Token): Call {
  // Prometheus' functions are lower case, but step and range are keywords of durations too, and those are not.
  const lower = token.text.toLowerCase()
  const name = ['step', 'range', 'start', 'end', 'min_of', 'max_of'].includes(lower) ? lower : token.text
  if (!FUNCTIONS.has(name)) {
    const near = closest(lower, [...FUNCTIONS.keys(), ...AGGREGATIONS])
    throw failAt(token, `there is no function ${token.text}()${near === undefined ? '' : `: did you mean ${near}()?`}`)
  }
  cursor.next()
  const args = parseArguments(cursor)
  return { kind: 'call', name, args, start: token.start, end: cursor.endOfLast() }
}

function parseArguments(cursor: Cursor): readonly Expr[] {
  cursor.expect('(', 'before the arguments')
  const args: Expr[] = []
  while (!cursor.isSymbol(')')) {
    args.push(parseBinary(cursor, 1))
    if (!cursor.take(',')) break
    if (cursor.isSymbol(')')) throw failAt(cursor.peek(), 'an argument is missing after ",": remove the comma')
  }
  cursor.expect(')', 'or "," after an argument')
  return args
}

function parseAggregation(cursor: Cursor, operator: AggregationOperator): Expr {
  const name = cursor.next()
  let grouping = parseGrouping(cursor)
  const args = parseArguments(cursor)
  grouping ??= parseGrouping(cursor)
  const wanted = WITH_PARAMETER.has(operator) ? 2 : 1
  const [first, second] = args
  const expr = wanted === 2 ? second : first
  if (args.length !== wanted || expr === undefined) {
    const shape = wanted === 2 ? `${operator}(parameter, vector)` : `${operator}(vector)`
    throw failAt(
      name,
      `${operator} takes ${wanted === 2 ? 'two arguments' : 'one argument'}, not ${args.length}: write ${shape}`,
    )
  }
  const parameter = wanted === 2 ? first : undefined
  const { without, labels } = grouping ?? { without: false, labels: [] }
  return { kind: 'aggregation', operator, expr, parameter, without, labels, start: name.start, end: cursor.endOfLast() }
}

function parseGrouping(cursor: Cursor): { without: boolean; labels: readonly string[] } | undefined {
  const without = cursor.isWord('without')
  if (!without && !cursor.isWord('by')) return undefined
  const word = cursor.next()
  return { without, labels: parseLabelList(cursor, `after ${word.text}`) }
}

function parseMatching(cursor: Cursor, operator: BinaryOperator): Matching | undefined {
  const many = isSetOperator(operator)
  let matching: Matching = {
    cardinality: many ? 'many-to-many' : 'one-to-one',
    on: false,
    labels: [],
    include: [],
    fillLeft: undefined,
    fillRight: undefined,
  }
  const on = cursor.isWord('on')
  if ((on || cursor.isWord('ignoring')) && cursor.isSymbol('(', 1)) {
    const word = cursor.next()
    matching = { ...matching, on, labels: parseLabelList(cursor, `after ${word.text}`) }
  }
  const toLeft = cursor.isWord('group_left')
  if (toLeft || cursor.isWord('group_right')) {
    const word = cursor.next()
    if (many) throw failAt(word, `${word.text} does not go with ${operator}, which matches many to many`)
    const include = cursor.isSymbol('(') ? parseLabelList(cursor, `after ${word.text}`) : []
    const both = matching.on ? include.find((label) => matching.labels.includes(label)) : undefined
    if (both !== undefined) throw failAt(word, `label ${both} is matched on already: take it out of ${word.text}`)
    matching = { ...matching, cardinality: toLeft ? 'many-to-one' : 'one-to-many', include }
  }
  return parseFill(cursor, matching, many)
}

function parseFill(cursor: Cursor, matching: Matching, many: boolean): Matching {
  let { fillLeft, fillRight } = matching
  for (;;) {
    const word = cursor.peek().text.toLowerCase()
    const isFill = word === 'fill' || word === 'fill_left' || word === 'fill_right'
    if (!isFill || cursor.peek().kind !== 'name' || !cursor.isSymbol('(', 1)) {
      return { ...matching, fillLeft, fillRight }
    }
    const token = cursor.next()
    if (many) throw failAt(token, `${word} does not go with and, or, unless: they look at presence only`)
    const value = parseFillValue(cursor, word)
    if (word !== 'fill_right') fillLeft = value
    if (word !== 'fill_left') fillRight = value
  }
}

function parseFillValue(cursor: Cursor, word: string): number {
  cursor.expect('(', `after ${word}`)
  const isNegative = cursor.take('-')
  if (!isNegative) cursor.take('+')
  const number = cursor.next()
  if (number.kind !== 'number' && number.kind !== 'duration') {
    throw failAt(number, `${word} takes a number, as in ${word}(0), found ${describe(number)}`)
  }
  cursor.expect(')', `after the value of ${word}`)
  return isNegative ? -number.value : number.value
}

function operatorOf(token: Token): BinaryOperator | undefined {
  if (token.kind !== 'symbol' && token.kind !== 'name') return undefined
  const word = token.text.toLowerCase()
  return Object.hasOwn(PRECEDENCE, word) ? OPERATORS.get(word) : undefined
}

const OPERATORS: ReadonlyMap<string, BinaryOperator> = new Map(
  (
    [
      ...(['or', 'and', 'unless', '==', '!=', '<', '<=', '>', '>='] as const),
      ...(['+', '-', '*', '/', '%', 'atan2', '^'] as const),
    ] as const
  ).map((operator) => [operator, operator]),
)
