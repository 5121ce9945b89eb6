import { messageOf } from '../errors.ts'
import { TemplateError } from './errors.ts'
import { describeToken, type Token, type TokenKind } from './lexer.ts'

/** What a name inside an action may refer to. Each definition begins anew. */
interface Scope {
  readonly variables: string[]
  /** How many loops lie around: `break` needs one. */
  ranges: number
}

/** One reading of a text, as far as it went. */
export interface Cursor {
  readonly name: string
  readonly text: string
  readonly tokens: readonly Token[]
  readonly hasFunction: (name: string) => boolean
  next: number
  /** The furthest token looked at: Go names its line in errors. */
  furthest: number
  nesting: number
  scope: Scope
}

/** The token that comes next, spaces included. The last one stays for ever. */
export function peek(cursor: Cursor): Token {
  const index = Math.min(cursor.next, cursor.tokens.length - 1)
  cursor.furthest = Math.max(cursor.furthest, index)
  const token = cursor.tokens[index]
  if (token === undefined) throw new Error('a text has no tokens, not even its end')
  return token
}

export function take(cursor: Cursor): Token {
  const token = peek(cursor)
  cursor.next += 1
  return token
}

export function skipSpace(cursor: Cursor): void {
  while (peek(cursor).kind === 'space') cursor.next += 1
}

export function peekNonSpace(cursor: Cursor): Token {
  skipSpace(cursor)
  return peek(cursor)
}

export function takeNonSpace(cursor: Cursor): Token {
  skipSpace(cursor)
  return take(cursor)
}

export function expect(cursor: Cursor, kind: TokenKind, context: string): Token {
  const token = takeNonSpace(cursor)
  return token.kind === kind ? token : unexpected(cursor, token, context)
}

export function isKeyword(token: Token, word: string): boolean {
  return token.kind === 'keyword' && token.text === word
}

/** @throws TemplateError always; what the lexer could not read speaks for itself */
export function unexpected(cursor: Cursor, token: Token, context: string): never {
  if (token.kind === 'error') fail(cursor, token.text)
  fail(cursor, `unexpected ${describeToken(token)} in ${context}`)
}

/** @throws TemplateError always */
export function fail(cursor: Cursor, words: string, cause?: unknown): never {
  const line = lineOf(cursor.text, cursor.tokens[cursor.furthest]?.at ?? 0)
  throw new TemplateError(`template: ${cursor.name}:${line}: ${words}`, { template: cursor.name, line }, cause)
}

/** What `read` gives; what it throws becomes an error at this place. */
export function orFail<T>(cursor: Cursor, read: () => T): T {
  try {
    return read()
  } catch (error) {
    return fail(cursor, messageOf(error), error)
  }
}

/** From 1. */
export function lineOf(text: string, at: number): number {
  let line = 1
  for (let index = text.indexOf('\n'); index !== -1 && index < at; index = text.indexOf('\n', index + 1)) line += 1
  return line
}
