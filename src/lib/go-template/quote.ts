import { CallError } from './errors.ts'

const NAMED = new Map([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['\\', 92],
  ['"', 34],
  ["'", 39],
])

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\"']))/y

/** What a Go literal in quotes or backquotes says; the text includes them. Throws `CallError` where it is none. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`')) return body.replaceAll('\r', '')
  if (!body.includes('\\')) return body
  const pieces: Buffer[] = []
  let from = 0
  while (from < body.length) {
    const slash = body.indexOf('\\', from)
    if (slash === -1) break
    pieces.push(Buffer.from(body.slice(from, slash)))
    const { bytes, end } = escapeAt(body, slash, literal)
    pieces.push(bytes)
    from = end
  }
  pieces.push(Buffer.from(body.slice(from)))
  return Buffer.concat(pieces).toString()
}

function escapeAt(text: string, at: number, literal: string): { readonly bytes: Buffer; readonly end: number } {
  ESCAPE.lastIndex = at
  const match = ESCAPE.exec(text)
  if (match === null) throw new CallError('invalid syntax')
  const [whole, hex, octal, short, long, named] = match
  const wrongQuote = literal.startsWith("'") ? '"' : "'"
  if (named === wrongQuote) throw new CallError('invalid syntax')
  const end = at + whole.length
  const byte = hex === undefined ? octal : hex
  if (byte !== undefined) {
    const code = Number.parseInt(byte, hex === undefined ? 8 : 16)
    if (code > 255) throw new CallError('invalid syntax')
    return { bytes: Buffer.from([code]), end }
  }
  const code = named === undefined ? Number.parseInt(short ?? long ?? '', 16) : (NAMED.get(named) ?? 0)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new CallError('invalid syntax')
  return { bytes: Buffer.from(String.fromCodePoint(code)), end }
}

const UNPRINTABLE = /[\p{C}\p{Z}]/u
const NAMES = new Map([...NAMED].filter(([name]) => name !== "'").map(([name, code]) => [code, name]))

/** A text in Go's double quotes (`%q`): what cannot be printed is escaped. */
export function quote(text: string): string {
  let quoted = ''
  for (const character of text) quoted += escapeCharacter(character, '"')
  return `"${quoted}"`
}

/** A character in Go's single quotes (`%q` of an int). */
export function quoteCharacter(code: number): string {
  const character = isCodePoint(code) ? String.fromCodePoint(code) : '\uFFFD'
  return `'${escapeCharacter(character, "'")}'`
}

export function isCodePoint(code: number): boolean {
  return code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
}

function escapeCharacter(character: string, around: '"' | "'"): string {
  const code = character.codePointAt(0) ?? 0
  if (character === "'" || character === '"') return character === around ? `\\${character}` : character
  const name = NAMES.get(code)
  if (name !== undefined) return `\\${name}`
  if (character === ' ' || !UNPRINTABLE.test(character)) return character
  const hex = code.toString(16)
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
}

/** Whether Go would print the character as it is (`unicode.IsPrint`). */
export function isPrintable(character: string): boolean {
  return character === ' ' || !UNPRINTABLE.test(character)
}
