import { quote } from './quote.ts'

export type TokenKind =
  | 'error'
  | 'bool'
  | 'char' // a printable ASCII character without a meaning of its own, as the comma
  | 'character-constant'
  | 'complex'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'left-delimiter'
  | 'left-paren'
  | 'number'
  | 'pipe'
  | 'raw-string'
  | 'right-delimiter'
  | 'right-paren'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | 'keyword'
  | 'dot'

export interface Token {
  readonly kind: TokenKind
  /** As it stands in the text; for an error, its words. */
  readonly text: string
  /** Where it starts: an index into the text. */
  readonly at: number
}

const KEYWORDS = new Set('break block continue define else end if nil range template with'.split(' '))
const SPACES = ' \t\r\n'

/** How Go shows a token in an error. */
export function describeToken(token: Token): string {
  if (token.kind === 'eof') return 'EOF'
  if (token.kind === 'error') return token.text
  if (token.kind === 'keyword' || token.kind === 'dot') return `<${token.text}>`
  return token.text.length > 10 ? `${quote(token.text.slice(0, 10))}...` : quote(token.text)
}

interface Scan {
  readonly input: string
  readonly tokens: Token[]
  at: number
  parens: number
}

/**
 * The tokens of a template in one pass. Ends with an `eof`, or with an `error` where the text cannot be read on: what
 * stands before it may hold an error that matters more.
 */
export function tokenize(input: string): readonly Token[] {
  const scan: Scan = { input, tokens: [], at: 0, parens: 0 }
  while (scanText(scan)) {
    if (!scanDelimited(scan)) return scan.tokens
  }
  push(scan, 'eof', input.length)
  return scan.tokens
}

function push(scan: Scan, kind: TokenKind, from: number): void {
  scan.tokens.push({ kind, text: scan.input.slice(from, scan.at), at: from })
}

function fail(scan: Scan, from: number, words: string): false {
  scan.tokens.push({ kind: 'error', text: words, at: from })
  return false
}

/** Text up to the next `{{`; false at the end. Leaves `at` at the delimiter. */
function scanText(scan: Scan): boolean {
  const { input, at } = scan
  const next = input.indexOf('{{', at)
  let end = next === -1 ? input.length : next
  const start = end
  if (next !== -1 && hasLeftTrim(input, next + 2)) while (end > at && isSpace(input[end - 1])) end -= 1
  scan.at = end
  if (end > at) push(scan, 'text', at)
  scan.at = start
  return next !== -1
}

/** A comment, or an action with its delimiters. False after an error. */
function scanDelimited(scan: Scan): boolean {
  const from = scan.at
  const isTrimmed = hasLeftTrim(scan.input, from + 2)
  const afterMarker = from + 2 + (isTrimmed ? 2 : 0)
  if (scan.input.startsWith('/*', afterMarker)) return scanComment(scan, afterMarker)
  scan.at = from + 2
  push(scan, 'left-delimiter', from)
  scan.at = afterMarker
  scan.parens = 0
  while (!atRightDelimiter(scan.input, scan.at)) {
    if (!scanInside(scan)) return false
  }
  if (scan.parens > 0) return fail(scan, scan.at, 'unclosed left paren')
  closeAction(scan)
  return true
}

function scanComment(scan: Scan, from: number): boolean {
  const close = scan.input.indexOf('*/', from + 2)
  if (close === -1) return fail(scan, from, 'unclosed comment')
  scan.at = close + 2
  if (!atRightDelimiter(scan.input, scan.at)) return fail(scan, from, 'comment ends before closing delimiter')
  skipRightDelimiter(scan)
  return true
}

function closeAction(scan: Scan): void {
  const isTrimmed = isRightTrim(scan.input, scan.at)
  const from = scan.at + (isTrimmed ? 2 : 0)
  scan.at = from + 2
  push(scan, 'right-delimiter', from)
  if (isTrimmed) skipSpaces(scan)
}

function skipRightDelimiter(scan: Scan): void {
  const isTrimmed = isRightTrim(scan.input, scan.at)
  scan.at += isTrimmed ? 4 : 2
  if (isTrimmed) skipSpaces(scan)
}

function skipSpaces(scan: Scan): void {
  while (isSpace(scan.input[scan.at])) scan.at += 1
}

/** A trim marker belongs to the delimiter only with a space inside: `{{-3}}` is a number. */
function hasLeftTrim(input: string, at: number): boolean {
  return input[at] === '-' && isSpace(input[at + 1])
}

function isRightTrim(input: string, at: number): boolean {
  return isSpace(input[at]) && input.startsWith('-}}', at + 1)
}

function atRightDelimiter(input: string, at: number): boolean {
  return input.startsWith('}}', at) || isRightTrim(input, at)
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && SPACES.includes(character)
}

const WORD = /[\p{L}\p{Nd}_]+/uy
const NUMBER = /[+-]?(?:0[xX][0-9a-fA-F_]*|0[bB][01_]*|0[oO][0-7_]*|[0-9_]*)(?:\.[0-9a-fA-F_]*)?/y

/** One token inside an action. False after an error. */
function scanInside(scan: Scan): boolean {
  const from = scan.at
  const character = scan.input[from]
  if (character === undefined) return fail(scan, from, 'unclosed action')
  if (isSpace(character)) return scanSpaces(scan)
  if (character === '"' || character === "'") return scanQuoted(scan, character)
  if (character === '`') return scanRaw(scan)
  if (character === '$') return scanName(scan, 'variable')
  if (character === '.') return /\d/.test(scan.input[from + 1] ?? '') ? scanNumber(scan) : scanName(scan, 'field')
  if (/[+\-\d]/.test(character)) return scanNumber(scan)
  if (wordEnd(scan.input, from) > from) return scanWord(scan)
  return scanSign(scan, character)
}

function scanSpaces(scan: Scan): true {
  const from = scan.at
  while (isSpace(scan.input[scan.at]) && !isRightTrim(scan.input, scan.at)) scan.at += 1
  push(scan, 'space', from)
  return true
}

function scanSign(scan: Scan, character: string): boolean {
  const from = scan.at
  scan.at += 1
  switch (character) {
    case '=':
      push(scan, 'assign', from)
      return true
    case ':':
      if (scan.input[scan.at] !== '=') return fail(scan, from, 'expected :=')
      scan.at += 1
      push(scan, 'declare', from)
      return true
    case '|':
      push(scan, 'pipe', from)
      return true
    case '(':
      scan.parens += 1
      push(scan, 'left-paren', from)
      return true
    case ')':
      scan.parens -= 1
      if (scan.parens < 0) return fail(scan, from, 'unexpected right paren')
      push(scan, 'right-paren', from)
      return true
    default:
      break
  }
  if (!/[!-~]/.test(character)) {
    return fail(scan, from, `unrecognized character in action: ${unicodeName(scan.input, from)}`)
  }
  push(scan, 'char', from)
  return true
}

function wordEnd(input: string, from: number): number {
  WORD.lastIndex = from
  return WORD.test(input) ? WORD.lastIndex : from
}

function scanWord(scan: Scan): boolean {
  const from = scan.at
  scan.at = wordEnd(scan.input, from)
  if (!atTerminator(scan)) return fail(scan, from, `bad character ${unicodeName(scan.input, scan.at)}`)
  const word = scan.input.slice(from, scan.at)
  push(scan, wordKind(word), from)
  return true
}

function wordKind(word: string): TokenKind {
  if (KEYWORDS.has(word)) return 'keyword'
  return word === 'true' || word === 'false' ? 'bool' : 'identifier'
}

/** `.`, `.Field`, `$` or `$name`. */
function scanName(scan: Scan, kind: 'field' | 'variable'): boolean {
  const from = scan.at
  scan.at = wordEnd(scan.input, from + 1)
  if (!atTerminator(scan)) return fail(scan, from, `bad character ${unicodeName(scan.input, scan.at)}`)
  push(scan, kind === 'field' && scan.at === from + 1 ? 'dot' : kind, from)
  return true
}

/** Whether a name may end here: `$x+2` is refused, so that a calculation could be added one day. */
function atTerminator({ input, at }: Scan): boolean {
  const character = input[at]
  return character === undefined || isSpace(character) || '.,|:=)('.includes(character) || input.startsWith('}}', at)
}

/** A string or a character constant: what it says is unquoted by the parser. */
function scanQuoted(scan: Scan, around: '"' | "'"): boolean {
  const from = scan.at
  const { input } = scan
  for (let at = from + 1; at < input.length && input[at] !== '\n'; at += 1) {
    if (input[at] === '\\' && input[at + 1] !== '\n') at += 1
    else if (input[at] === around) {
      scan.at = at + 1
      push(scan, around === '"' ? 'string' : 'character-constant', from)
      return true
    }
  }
  return fail(scan, from, around === '"' ? 'unterminated quoted string' : 'unterminated character constant')
}

function scanRaw(scan: Scan): boolean {
  const from = scan.at
  const close = scan.input.indexOf('`', from + 1)
  if (close === -1) return fail(scan, from, 'unterminated raw quoted string')
  scan.at = close + 1
  push(scan, 'raw-string', from)
  return true
}

function scanNumber(scan: Scan): boolean {
  const from = scan.at
  scan.at = numberEnd(scan.input, from)
  let kind: TokenKind = 'number'
  if (/[+-]/.test(scan.input[scan.at] ?? '')) {
    kind = 'complex'
    scan.at = numberEnd(scan.input, scan.at)
  }
  const after = wordEnd(scan.input, scan.at)
  const isWrong = after > scan.at || (kind === 'complex' && scan.input[scan.at - 1] !== 'i')
  scan.at = after
  if (isWrong) return fail(scan, from, `bad number syntax: ${quote(scan.input.slice(from, after))}`)
  push(scan, kind, from)
  return true
}

function numberEnd(input: string, from: number): number {
  NUMBER.lastIndex = from
  NUMBER.test(input)
  let end = Math.max(NUMBER.lastIndex, from)
  const isHex = /^[+-]?0[xX]/.test(input.slice(from, from + 3))
  const exponent = isHex ? /[pP][+-]?[0-9_]*/y : /[eE][+-]?[0-9_]*/y
  exponent.lastIndex = end
  if (exponent.test(input)) end = exponent.lastIndex
  return input[end] === 'i' ? end + 1 : end
}

/** `U+0021 '!'` */
function unicodeName(input: string, at: number): string {
  const code = input.codePointAt(at)
  if (code === undefined) return 'EOF'
  const hex = code.toString(16).toUpperCase().padStart(4, '0')
  return `U+${hex} '${String.fromCodePoint(code)}'`
}
