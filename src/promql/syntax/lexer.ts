import { parseDuration } from '../../lib/duration.ts'
import { placeOf, PromqlError } from '../errors.ts'
import { unescape } from './text.ts'

export interface Token {
  readonly kind: 'number' | 'duration' | 'string' | 'name' | 'symbol' | 'end'
  /** As written. */
  readonly text: string
  readonly start: number
  readonly end: number
  /** Of a number, or of a duration in seconds. */
  readonly value: number
  /** Of a string, unescaped. */
  readonly string: string
}

const SPACE = /(?:\s+|#[^\n]*)+/y
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y
const NUMBER = /0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?/y
const DURATION = /(?:[0-9]+(?:ms|[smhdwy]))+/y
const SYMBOL = /<\/|>\/|==|!=|=~|!~|>=|<=|[-(){}[\],+*/%^=<>@:]/y
const WORD_NEXT = /[a-zA-Z0-9_.]/y
const SPECIAL_NUMBER = /^(?:inf|nan)$/i

/** Longest query text that is read, in UTF-16 units. */
const TEXT_MAX = 1_000_000

/**
 * Splits a query into tokens; the last is `end`. `:` belongs to names, but not within braces and brackets, where it
 * separates a subquery's step.
 *
 * @throws PromqlError where no token starts
 */
export function tokenize(text: string): readonly Token[] {
  if (text.length > TEXT_MAX) {
    throw new PromqlError(`the query is longer than ${TEXT_MAX} characters`, { position: 0, reason: 'parse' })
  }
  const tokens: Token[] = []
  let depth = 0
  let position = skipSpace(text, 0)
  while (position < text.length) {
    const next = readToken(text, position, depth > 0)
    if (next.kind === 'symbol' && (next.text === '[' || next.text === '{')) depth += 1
    if (next.kind === 'symbol' && (next.text === ']' || next.text === '}')) depth = Math.max(0, depth - 1)
    tokens.push(next)
    position = skipSpace(text, next.end)
  }
  tokens.push(token('end', '', text.length))
  return tokens
}

function readToken(text: string, start: number, isWithin: boolean): Token {
  const first = text.charAt(start)
  if (first === '"' || first === "'" || first === '`') return readString(text, start)
  if (/^(?:[0-9]|\.[0-9])/.test(text.slice(start, start + 2))) return readNumber(text, start)
  const name = match(isWithin ? LABEL_NAME : NAME, text, start)
  if (name !== '') {
    if (!SPECIAL_NUMBER.test(name)) return token('name', name, start)
    return { ...token('number', name, start), value: name.toLowerCase() === 'nan' ? Number.NaN : Infinity }
  }
  const symbol = match(SYMBOL, text, start)
  if (symbol === '</' || symbol === '>/') {
    throw new PromqlError(
      `${symbol} trims native histograms, which are not stored here: read the buckets of a classic histogram, as in x_bucket{le="0.5"}`,
      { position: start, reason: 'parse' },
    )
  }
  if (symbol !== '') return token('symbol', symbol, start)
  throw unexpected(text, start)
}

function unexpected(text: string, start: number): PromqlError {
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0)
  const hints: Readonly<Record<string, string>> = {
    '!': 'write "!=" or "!~" in a selector, or "unless" between vectors',
    '&': 'write "and"',
    '|': 'write "or"',
    ';': 'a query is one expression',
    $: 'variables are filled in before the query is sent',
  }
  const hint = hints[character] ?? 'write names with other characters in quotes: {"my.metric"}'
  return new PromqlError(`unexpected character ${JSON.stringify(character)}: ${hint}`, {
    position: start,
    reason: 'parse',
  })
}

function readNumber(text: string, start: number): Token {
  const duration = match(DURATION, text, start)
  if (duration !== '' && match(WORD_NEXT, text, start + duration.length) === '') {
    const ms = parseDuration(duration)
    if (ms === undefined) {
      throw new PromqlError(
        `bad duration ${JSON.stringify(duration)}: units go from large to small (y w d h m s ms), each once, as in 1h30m`,
        { position: start, reason: 'parse' },
      )
    }
    return { ...token('duration', duration, start), value: ms / 1000 }
  }
  const number = match(NUMBER, text, start)
  const value = numberOf(number)
  if (value === undefined || match(WORD_NEXT, text, start + number.length) !== '') {
    throw new PromqlError(
      `bad number or duration at ${placeOf(text, start)}: write a number like 1.5, 1e6 or 0x1f, or a duration like 5m or 1h30m`,
      { position: start, reason: 'parse' },
    )
  }
  return { ...token('number', number, start), value }
}

/** What Go's ParseInt with base 0, then ParseFloat, make of a number. */
function numberOf(text: string): number | undefined {
  if (text === '' || text === '.' || /_(?:_|$)|^_/.test(text)) return undefined
  const plain = text.replaceAll('_', '')
  if (/^0[0-7]+$/.test(plain)) return Number.parseInt(plain, 8)
  const value = Number(plain)
  return Number.isNaN(value) ? undefined : value
}

function readString(text: string, start: number): Token {
  const delimiter = text.charAt(start)
  let end = start + 1
  while (end < text.length && text.charAt(end) !== delimiter) {
    if (delimiter !== '`' && text.charAt(end) === '\n') break
    end += delimiter !== '`' && text.charAt(end) === '\\' ? 2 : 1
  }
  if (end >= text.length || text.charAt(end) !== delimiter) {
    throw new PromqlError(`the string that starts at ${placeOf(text, start)} never ends: add ${delimiter}`, {
      position: start,
      reason: 'parse',
    })
  }
  const body = text.slice(start + 1, end)
  const whole = token('string', text.slice(start, end + 1), start)
  if (delimiter === '`') return { ...whole, string: body }
  const unescaped = unescape(body)
  if ('badAt' in unescaped) {
    throw new PromqlError('unknown escape in a string: write \\\\ for a backslash, or put the string in backquotes', {
      position: start + 1 + unescaped.badAt,
      reason: 'parse',
    })
  }
  return { ...whole, string: unescaped.text }
}

function skipSpace(text: string, position: number): number {
  return position + match(SPACE, text, position).length
}

function match(pattern: RegExp, text: string, position: number): string {
  // A sticky expression keeps where it was: it is set before every use, so sharing it is safe.
  pattern.lastIndex = position
  return pattern.exec(text)?.[0] ?? ''
}

function token(kind: Token['kind'], text: string, start: number): Token {
  return { kind, text, start, end: start + text.length, value: 0, string: '' }
}
