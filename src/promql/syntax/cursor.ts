import { PromqlError } from '../errors.ts'
import { tokenize, type Token } from './lexer.ts'

/** Deepest nesting that is read, so that no query can exhaust the stack. */
const DEPTH_MAX = 200
/** Most operators in one query, for the same reason. */
const OPERATORS_MAX = 1000

/** A place in the tokens of one query, moved forward as the parser reads. */
export interface Cursor {
  peek(ahead?: number): Token
  next(): Token
  /** The end of the token read last. */
  endOfLast(): number
  isSymbol(text: string, ahead?: number): boolean
  /** Whether the next token is this keyword, in any case. */
  isWord(word: string, ahead?: number): boolean
  /** Reads the symbol if it is next. */
  take(text: string): boolean
  /** Reads the symbol, or says what was expected where. */
  expect(text: string, where: string): Token
  /** Each operator nests what stands to its left one deeper: too many are refused. */
  countOperator(token: Token): void
  /** Runs `read` one level deeper. */
  nested<T>(read: () => T): T
}

export function createCursor(text: string): Cursor {
  const tokens = tokenize(text)
  let index = 0
  let depth = 0
  let operators = 0

  function peek(ahead = 0): Token {
    const token = tokens[Math.min(index + ahead, tokens.length - 1)]
    if (token === undefined) throw new PromqlError('the query is empty', { position: 0, reason: 'parse' })
    return token
  }

  const isSymbol = (symbol: string, ahead = 0): boolean => peek(ahead).kind === 'symbol' && peek(ahead).text === symbol

  function next(): Token {
    const token = peek()
    if (token.kind !== 'end') index += 1
    return token
  }

  return {
    peek,
    next,
    endOfLast: () => tokens[index - 1]?.end ?? 0,
    isSymbol,
    isWord: (word, ahead = 0) => peek(ahead).kind === 'name' && peek(ahead).text.toLowerCase() === word,
    take(symbol) {
      if (!isSymbol(symbol)) return false
      index += 1
      return true
    },
    expect(symbol, where) {
      if (isSymbol(symbol)) return next()
      throw failAt(peek(), `expected ${JSON.stringify(symbol)} ${where}, found ${describe(peek())}`)
    },
    countOperator(token) {
      operators += 1
      if (operators > OPERATORS_MAX) throw failAt(token, `more than ${OPERATORS_MAX} operators: split the query up`)
    },
    nested(read) {
      depth += 1
      if (depth > DEPTH_MAX) throw failAt(peek(), `the query nests deeper than ${DEPTH_MAX} levels: split it up`)
      const result = read()
      depth -= 1
      return result
    },
  }
}

export function failAt(place: { readonly start: number }, message: string): PromqlError {
  return new PromqlError(message, { position: place.start, reason: 'parse' })
}

export function describe(token: Token): string {
  return token.kind === 'end' ? 'the end of the query' : JSON.stringify(token.text)
}
