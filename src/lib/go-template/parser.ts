import {
  type Cursor,
  expect,
  fail,
  isKeyword,
  orFail,
  peek,
  peekNonSpace,
  take,
  takeNonSpace,
  unexpected,
} from './cursor.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Branch, List, Node, Pipeline, Tree } from './nodes.ts'
import { parsePipeline } from './pipeline.ts'
import { unquote } from './quote.ts'

/** Blocks within each other. */
const NESTING_MAX = 100

export interface ParseOptions {
  readonly name: string
  readonly hasFunction: (name: string) => boolean
  /** Variables that exist from the start, with their `$`. */
  readonly variables: readonly string[]
}

/** A text's own template and those it defines, inner before outer. */
export interface Parsed {
  readonly main: Tree
  readonly defined: readonly Tree[]
}

interface Blocks {
  readonly cursor: Cursor
  readonly defined: Tree[]
}

/** What ends a list of nodes. */
interface Ending {
  readonly kind: 'end' | 'else' | 'eof'
  readonly token: Token
}

/** @throws TemplateError at the first fault, as Go says it */
export function parse(text: string, options: ParseOptions): Parsed {
  const cursor: Cursor = {
    name: options.name,
    text,
    tokens: tokenize(text),
    hasFunction: options.hasFunction,
    next: 0,
    furthest: 0,
    nesting: 0,
    scope: { variables: ['$', ...options.variables], ranges: 0 },
  }
  const blocks: Blocks = { cursor, defined: [] }
  const { nodes, ending } = parseList(blocks, true)
  if (ending.kind !== 'eof') fail(cursor, `unexpected {{${ending.kind}}}`)
  return { main: { name: options.name, parseName: options.name, text, nodes }, defined: blocks.defined }
}

function parseList(blocks: Blocks, isTop: boolean): { readonly nodes: List; readonly ending: Ending } {
  const { cursor } = blocks
  const nodes: Node[] = []
  for (;;) {
    const token = take(cursor)
    if (token.kind === 'eof') return { nodes, ending: { kind: 'eof', token } }
    if (token.kind !== 'text' && token.kind !== 'left-delimiter') unexpected(cursor, token, 'input')
    const item = token.kind === 'text' ? textOf(token) : parseAction(blocks, isTop)
    if (isEnding(item)) return { nodes, ending: item }
    if (item !== undefined) nodes.push(item)
  }
}

function textOf({ at, text }: Token): Node {
  return { kind: 'text', at, text }
}

function isEnding(item: Node | Ending | undefined): item is Ending {
  return item !== undefined && (item.kind === 'end' || item.kind === 'else')
}

/** A node; what ends a list; or nothing, where something was defined. The delimiter is behind us. */
function parseAction(blocks: Blocks, isTop: boolean): Node | Ending | undefined {
  const { cursor } = blocks
  const token = peekNonSpace(cursor)
  if (token.kind !== 'keyword' || token.text === 'nil') return parseShown(cursor, token)
  if ((token.text === 'break' || token.text === 'continue') && cursor.hasFunction(token.text)) {
    return parseShown(cursor, token)
  }
  take(cursor)
  switch (token.text) {
    case 'if':
    case 'with':
    case 'range':
      return parseBranch(blocks, token.text)
    case 'template':
      return parseTemplateCall(cursor)
    case 'block':
      return parseBlock(blocks)
    case 'break':
    case 'continue':
      return parseJump(cursor, token.text, token)
    case 'end':
      expect(cursor, 'right-delimiter', 'end')
      return { kind: 'end', token }
    case 'else':
      return parseElse(cursor, token)
    default:
      break
  }
  if (!isTop) unexpected(cursor, token, 'command')
  parseDefinition(blocks)
  return undefined
}

function parseShown(cursor: Cursor, token: Token): Node {
  return { kind: 'action', at: token.at, pipeline: parsePipeline(cursor, 'command', 'right-delimiter') }
}

function parseJump(cursor: Cursor, kind: 'break' | 'continue', token: Token): Node {
  const after = peekNonSpace(cursor)
  if (after.kind !== 'right-delimiter') unexpected(cursor, after, `{{${kind}}}`)
  take(cursor)
  if (cursor.scope.ranges === 0) fail(cursor, `{{${kind}}} outside {{range}}`)
  return { kind, at: token.at }
}

/** The word after `else` may begin a further condition: it is left for the branch to read. */
function parseElse(cursor: Cursor, token: Token): Ending {
  const after = peekNonSpace(cursor)
  if (!isKeyword(after, 'if') && !isKeyword(after, 'with')) expect(cursor, 'right-delimiter', 'else')
  return { kind: 'else', token }
}

function parseBranch(blocks: Blocks, kind: Branch['kind']): Branch {
  const { cursor } = blocks
  const known = cursor.scope.variables.length
  const pipeline = parsePipeline(cursor, kind, 'right-delimiter')
  if (kind === 'range') cursor.scope.ranges += 1
  const { nodes, ending } = nested(blocks, () => parseList(blocks, false))
  if (kind === 'range') cursor.scope.ranges -= 1
  if (ending.kind === 'eof') fail(cursor, 'unexpected EOF')
  const otherwise = ending.kind === 'else' ? parseOtherwise(blocks, kind) : undefined
  cursor.scope.variables.length = known
  return { kind, at: pipeline.at, pipeline, body: nodes, otherwise }
}

/** What follows `else`, up to the `end` of the whole. `else if` is an `if` of its own that shares its `end`. */
function parseOtherwise(blocks: Blocks, kind: Branch['kind']): List {
  const { cursor } = blocks
  const word = peek(cursor)
  if (word.kind === 'keyword' && kind !== 'range' && isKeyword(word, kind)) {
    take(cursor)
    return [nested(blocks, () => parseBranch(blocks, kind))]
  }
  if (word.kind === 'keyword') unexpected(cursor, word, 'else')
  const { nodes, ending } = nested(blocks, () => parseList(blocks, false))
  if (ending.kind === 'eof') fail(cursor, 'unexpected EOF')
  if (ending.kind === 'else') fail(cursor, 'expected end; found {{else}}')
  return nodes
}

function nested<T>(blocks: Blocks, read: () => T): T {
  const { cursor } = blocks
  cursor.nesting += 1
  if (cursor.nesting > NESTING_MAX) fail(cursor, `more than ${NESTING_MAX} blocks within each other`)
  const result = read()
  cursor.nesting -= 1
  return result
}

function parseTemplateCall(cursor: Cursor): Node {
  const { name, at } = parseName(cursor, 'template clause')
  if (peekNonSpace(cursor).kind !== 'right-delimiter') {
    return { kind: 'template', at, name, pipeline: parsePipeline(cursor, 'template clause', 'right-delimiter') }
  }
  take(cursor)
  return { kind: 'template', at, name, pipeline: undefined }
}

function parseName(cursor: Cursor, context: string): { readonly name: string; readonly at: number } {
  const token = takeNonSpace(cursor)
  if (token.kind !== 'string' && token.kind !== 'raw-string') unexpected(cursor, token, context)
  return { name: orFail(cursor, () => unquote(token.text)), at: token.at }
}

function parseDefinition(blocks: Blocks): void {
  const { name } = parseName(blocks.cursor, 'define clause')
  expect(blocks.cursor, 'right-delimiter', 'define clause')
  addDefinition(blocks, name, 'define clause')
}

/** Defines a template and calls it at once. */
function parseBlock(blocks: Blocks): Node {
  const { name, at } = parseName(blocks.cursor, 'block clause')
  const pipeline: Pipeline = parsePipeline(blocks.cursor, 'block clause', 'right-delimiter')
  addDefinition(blocks, name, 'block clause')
  return { kind: 'template', at, name, pipeline }
}

function addDefinition(blocks: Blocks, name: string, context: string): void {
  const { cursor, defined } = blocks
  const outer = cursor.scope
  cursor.scope = { variables: ['$'], ranges: 0 }
  const { nodes, ending } = nested(blocks, () => parseList(blocks, false))
  if (ending.kind === 'eof') fail(cursor, 'unexpected EOF')
  if (ending.kind === 'else') fail(cursor, `unexpected {{else}} in ${context}`)
  cursor.scope = outer
  defined.push({ name, parseName: cursor.name, text: cursor.text, nodes })
}
