import { type Cursor, fail, orFail, peek, peekNonSpace, skipSpace, take, takeNonSpace, unexpected } from './cursor.ts'
import type { Token, TokenKind } from './lexer.ts'
import { type Command, nodeText, type Operand, type Pipeline } from './nodes.ts'
import { parseCharacter, parseNumber } from './number.ts'
import { quote, unquote } from './quote.ts'

/** Parentheses within each other. */
const NESTING_MAX = 100

/** Variables that are known at one place: each use looks through them. */
const VARIABLES_MAX = 1_000

const OPERAND_STARTS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'character-constant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'raw-string',
  'string',
  'variable',
  'left-paren',
])

/** `$x := a | b c`, up to and with the token that ends it. */
export function parsePipeline(cursor: Cursor, context: string, end: TokenKind): Pipeline {
  const { at } = peekNonSpace(cursor)
  const { declares, isAssignment } = parseDeclaration(cursor, context)
  const commands: Command[] = []
  for (;;) {
    const token = peekNonSpace(cursor)
    if (token.kind === end) break
    if (!startsOperand(cursor, token)) unexpected(cursor, take(cursor), context)
    commands.push(parseCommand(cursor))
  }
  if (commands.length === 0) fail(cursor, `missing value for ${context}`)
  const idle = commands.findIndex(({ head }, index) => index > 0 && isConstant(head))
  if (idle !== -1) fail(cursor, `non executable command in pipeline stage ${idle + 1}`)
  take(cursor)
  return { kind: 'pipeline', at, declares, isAssignment, commands }
}

function isConstant(operand: Operand): boolean {
  return (
    operand.kind === 'bool' ||
    operand.kind === 'dot' ||
    operand.kind === 'nil' ||
    operand.kind === 'number' ||
    operand.kind === 'string'
  )
}

interface Declaration {
  readonly declares: readonly string[]
  readonly isAssignment: boolean
}

/** `$x :=`, `$x =`, and in a range `$i, $x :=`. Anything else is left unread. */
function parseDeclaration(cursor: Cursor, context: string): Declaration {
  const start = cursor.next
  const declares: string[] = []
  while (peekNonSpace(cursor).kind === 'variable') {
    declares.push(take(cursor).text)
    const token = peekNonSpace(cursor)
    if (token.kind === 'assign' || token.kind === 'declare') {
      take(cursor)
      return declare(cursor, declares, token.kind === 'assign')
    }
    if (token.kind !== 'char' || token.text !== ',') break
    take(cursor)
    if (context !== 'range' || declares.length > 1) fail(cursor, `too many declarations in ${context}`)
    if (peekNonSpace(cursor).kind !== 'variable') fail(cursor, 'range can only initialize variables')
  }
  if (declares.length > 1) unexpected(cursor, take(cursor), context)
  cursor.next = start
  return { declares: [], isAssignment: false }
}

function declare(cursor: Cursor, declares: readonly string[], isAssignment: boolean): Declaration {
  if (isAssignment) for (const name of declares) useVariable(cursor, name)
  else cursor.scope.variables.push(...declares)
  if (cursor.scope.variables.length > VARIABLES_MAX) fail(cursor, `more than ${VARIABLES_MAX} variables at once`)
  return { declares, isAssignment }
}

function useVariable(cursor: Cursor, name: string): void {
  if (!cursor.scope.variables.includes(name)) fail(cursor, `undefined variable ${quote(name)}`)
}

/** Operands with spaces between them, up to a `|`, which is taken, or an end, which is not. */
function parseCommand(cursor: Cursor): Command {
  const { at } = peekNonSpace(cursor)
  const operands: Operand[] = []
  for (;;) {
    skipSpace(cursor)
    const operand = parseOperand(cursor)
    if (operand !== undefined) operands.push(operand)
    const token = peek(cursor)
    if (token.kind === 'right-delimiter' || token.kind === 'right-paren') break
    take(cursor)
    if (token.kind === 'pipe') break
    if (token.kind !== 'space') unexpected(cursor, token, 'operand')
  }
  const [head, ...args] = operands
  if (head === undefined) fail(cursor, 'empty command')
  return { kind: 'command', at, head, args }
}

/** A term and the fields that hang on it without a space. */
function parseOperand(cursor: Cursor): Operand | undefined {
  const term = parseTerm(cursor)
  if (term === undefined || peek(cursor).kind !== 'field') return term
  const { at } = peek(cursor)
  const names: string[] = []
  while (peek(cursor).kind === 'field') names.push(take(cursor).text.slice(1))
  switch (term.kind) {
    case 'field':
      return { ...term, at, names: [...term.names, ...names] }
    case 'variable':
      return { ...term, at, names: [...term.names, ...names] }
    case 'bool':
    case 'string':
    case 'number':
    case 'nil':
    case 'dot':
      return fail(cursor, `unexpected . after term ${quote(nodeText(term))}`)
    case 'function':
    case 'chain':
    case 'pipeline':
      return { kind: 'chain', at, of: term, names }
  }
}

function parseTerm(cursor: Cursor): Operand | undefined {
  const token = peekNonSpace(cursor)
  if (token.kind === 'error') unexpected(cursor, token, 'operand')
  if (!startsOperand(cursor, token)) return undefined
  return readTerm(cursor, takeNonSpace(cursor))
}

/** `break` and `continue` are names where functions are called so. */
function startsOperand(cursor: Cursor, token: Token): boolean {
  if (OPERAND_STARTS.has(token.kind)) return true
  if (token.kind !== 'keyword') return false
  return (
    token.text === 'nil' || ((token.text === 'break' || token.text === 'continue') && cursor.hasFunction(token.text))
  )
}

function readTerm(cursor: Cursor, { kind, text, at }: Token): Operand {
  if (kind === 'bool') return { kind: 'bool', at, value: text === 'true' }
  if (kind === 'dot') return { kind: 'dot', at }
  if (kind === 'field') return { kind: 'field', at, names: [text.slice(1)] }
  if (kind === 'number') return { kind: 'number', at, text, value: orFail(cursor, () => parseNumber(text)) }
  if (kind === 'character-constant') {
    return { kind: 'number', at, text, value: orFail(cursor, () => parseCharacter(text)) }
  }
  if (kind === 'complex') fail(cursor, `complex constants are not supported: ${quote(text)}`)
  if (kind === 'string' || kind === 'raw-string') {
    return { kind: 'string', at, text, value: orFail(cursor, () => unquote(text)) }
  }
  if (kind === 'left-paren') return parseParentheses(cursor)
  if (kind === 'variable') {
    useVariable(cursor, text)
    return { kind: 'variable', at, name: text, names: [] }
  }
  if (text === 'nil') return { kind: 'nil', at }
  if (!cursor.hasFunction(text)) fail(cursor, `function ${quote(text)} not defined`)
  return { kind: 'function', at, name: text }
}

function parseParentheses(cursor: Cursor): Pipeline {
  cursor.nesting += 1
  if (cursor.nesting > NESTING_MAX) fail(cursor, `more than ${NESTING_MAX} parentheses within each other`)
  const pipeline = parsePipeline(cursor, 'parenthesized pipeline', 'right-paren')
  cursor.nesting -= 1
  return pipeline
}
