import type { DurationExpr, DurationOperator } from './ast.ts'
import { describe, failAt, type Cursor } from './cursor.ts'

const PRECEDENCE: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 4 }
const SIGN_PRECEDENCE = 3

/** Reads a length of time within brackets: `5m`, `300`, `step() * 2`, `max_of(1m, 3 * step())`. */
export function parseDurationExpr(cursor: Cursor, minimum = 1): DurationExpr {
  return cursor.nested(() => {
    let left = parseSigned(cursor)
    for (;;) {
      const operator = operatorOf(cursor)
      const precedence = operator === undefined ? 0 : (PRECEDENCE[operator] ?? 0)
      if (operator === undefined || precedence < minimum) return left
      cursor.next()
      const right = parseDurationExpr(cursor, operator === '^' ? precedence : precedence + 1)
      left = { kind: 'arithmetic', operator, left, right }
    }
  })
}

function parseSigned(cursor: Cursor): DurationExpr {
  const sign = takeSign(cursor)
  if (sign === undefined) return parseAtom(cursor)
  return { kind: 'signed', sign, operand: parseDurationExpr(cursor, SIGN_PRECEDENCE) }
}

/**
 * Reads the operand of `offset` and `@`-less places outside of brackets: a sign and one atom, as `offset step() * 2`
 * multiplies the vector.
 */
export function parseOffset(cursor: Cursor): DurationExpr {
  const sign = takeSign(cursor)
  if (sign === undefined) return parseAtom(cursor)
  return { kind: 'signed', sign, operand: cursor.nested(() => parseOffset(cursor)) }
}

function parseAtom(cursor: Cursor): DurationExpr {
  const token = cursor.peek()
  if (token.kind === 'number' || token.kind === 'duration') {
    cursor.next()
    if (!Number.isFinite(token.value)) throw failAt(token, `a duration cannot be ${token.text}: write one like 5m`)
    return { kind: 'seconds', seconds: token.value, isDuration: token.kind === 'duration' }
  }
  if (cursor.take('(')) {
    const operand = parseDurationExpr(cursor)
    cursor.expect(')', 'after the duration')
    return { kind: 'group', operand }
  }
  if (token.kind === 'name' && cursor.isSymbol('(', 1)) {
    const name = token.text.toLowerCase()
    if (name === 'step' || name === 'range') return parseNullary(cursor, name)
    if (name === 'min_of' || name === 'max_of') return parseChoice(cursor, name)
  }
  throw failAt(
    token,
    `expected a duration, found ${describe(token)}: write one like 5m, a number of seconds, step(), range(), min_of() or max_of()`,
  )
}

function parseNullary(cursor: Cursor, kind: 'step' | 'range'): DurationExpr {
  cursor.next()
  cursor.expect('(', `after ${kind}`)
  cursor.expect(')', `after ${kind}(, which takes nothing`)
  return { kind }
}

function parseChoice(cursor: Cursor, pick: 'min_of' | 'max_of'): DurationExpr {
  cursor.next()
  cursor.expect('(', `after ${pick}`)
  const left = parseDurationExpr(cursor)
  cursor.expect(',', `between the two durations of ${pick}`)
  const right = parseDurationExpr(cursor)
  cursor.expect(')', `after the two durations of ${pick}`)
  return { kind: 'choice', pick, left, right }
}

function takeSign(cursor: Cursor): '+' | '-' | undefined {
  if (cursor.take('-')) return '-'
  return cursor.take('+') ? '+' : undefined
}

function operatorOf(cursor: Cursor): DurationOperator | undefined {
  const token = cursor.peek()
  if (token.kind !== 'symbol') return undefined
  switch (token.text) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^':
      return token.text
    default:
      return undefined
  }
}
