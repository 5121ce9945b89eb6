import { type ASTNode, Environment, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'

import { messageOf } from '../../lib/errors.ts'

/*
 * CEL over events. An expression sees one variable, `event`.
 *
 * Chain integers reach us as decimal text, because JSON has no integers of their size. CEL would compare such text letter
 * by letter ("9" > "10"), so every text that is the plain decimal form of an integer is offered as an integer, of any
 * size. It still answers to what may be asked of a text: it equals the same digits in quotes, it can be joined to a text,
 * and `contains`, `startsWith`, `endsWith`, `size` and `re` look at its digits. So it does not matter to a rule whether a
 * contract's argument is an integer or a text that happens to look like one.
 */

/** A checked expression. */
export interface CelProgram {
  readonly text: string
  /** Every attribute of the event that it reads, as paths below `event`: `[['args', 'tx_id']]`. */
  readonly attributes: readonly (readonly string[])[]
  /** False also where the event lacks an attribute that decides. @throws Error when it cannot be answered */
  test(event: CelEvent): boolean
}

/** An event as an expression sees it: integers are bigint. */
export type CelEvent = Readonly<Record<string, unknown>>

const LENGTH_MAX = 4_000
const AST_NODES_MAX = 400
/** Levels of the grammar, of which a pair of parentheses takes one. */
const DEPTH_MAX = 50
/** `exists` within `exists` is a product of lengths; three deep is refused. */
const LOOPS_MAX = 2
const PATTERNS_REMEMBERED_MAX = 100

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
const ABSENT = new Set(['no_such_key', 'index_out_of_bounds'])
const DECIMAL = /^(?:0|-?[1-9]\d*)$/

/**
 * Reads an expression and finds what is wrong with it before any event does.
 *
 * @throws Error with one plain sentence
 */
export function compileCel(text: string): CelProgram {
  if (text.length > LENGTH_MAX) throw new Error(`the expression has more than ${LENGTH_MAX} characters`)
  const program = parse(text)
  const walk: Walk = { attributes: [] }
  visit(program.ast, walk, 0)
  const checked = program.check()
  if (!checked.valid) throw new Error(sentenceOf(checked.error))
  if (checked.type !== 'bool' && checked.type !== 'dyn') {
    throw new Error(`the expression gives ${checked.type ?? 'nothing'}, but it must be true or false`)
  }
  return { text, attributes: walk.attributes, test: (event) => run(program, event) }
}

/** A value as an expression sees it: see the top of this file. */
export function celValueOf(value: unknown): unknown {
  if (typeof value === 'string') return DECIMAL.test(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(celValueOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, celValueOf(inner)]))
}

function run(program: ParseResult, event: CelEvent): boolean {
  let answer: unknown
  try {
    answer = program({ event })
  } catch (error) {
    if (error instanceof EvaluationError && ABSENT.has(error.code)) return false
    throw new Error(sentenceOf(error), { cause: error })
  }
  if (typeof answer === 'boolean') return answer
  throw new Error(`the expression gave ${typeof answer}, but it must be true or false`)
}

function parse(text: string): ParseResult {
  try {
    return createEnvironment().parse(text)
  } catch (error) {
    throw new Error(sentenceOf(error), { cause: error })
  }
}

/** The library's messages draw the place over several lines; here it is part of the sentence. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error)
  const { summary, range } = placed(error)
  if (error instanceof ParseError && error.code === 'limit_exceeded') return 'the expression is too large'
  const words = summary.charAt(0).toLowerCase() + summary.slice(1)
  return range === undefined ? words : `${words} (at character ${range + 1})`
}

function placed(error: Error): { readonly summary: string; readonly range: number | undefined } {
  const summary = 'summary' in error && typeof error.summary === 'string' ? error.summary : error.message
  const range = 'range' in error ? error.range : undefined
  const start = typeof range === 'object' && range !== null && 'start' in range ? range.start : undefined
  return { summary, range: typeof start === 'number' ? start : undefined }
}

type Arithmetic = '+' | '-' | '*' | '/'

function calculate(operator: Arithmetic, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
  }
}

function createEnvironment(): Environment {
  const environment = new Environment({ limits: { maxAstNodes: AST_NODES_MAX, maxDepth: DEPTH_MAX } })
  environment.registerVariable('event', 'map')
  environment.registerOperator('int == string', (integer: bigint, text: string) => String(integer) === text)
  environment.registerOperator('string + int', (text: string, integer: bigint) => `${text}${integer}`)
  environment.registerOperator('int + string', (integer: bigint, text: string) => `${integer}${text}`)
  for (const operator of ['+', '-', '*', '/'] as const) {
    const mixed = (a: bigint | number, b: bigint | number) => calculate(operator, Number(a), Number(b))
    environment.registerOperator(`int ${operator} double`, mixed)
    environment.registerOperator(`double ${operator} int`, mixed)
  }
  environment.registerFunction('int.contains(string): bool', (n: bigint, part: string) => String(n).includes(part))
  environment.registerFunction('int.startsWith(string): bool', (n: bigint, part: string) => String(n).startsWith(part))
  environment.registerFunction('int.endsWith(string): bool', (n: bigint, part: string) => String(n).endsWith(part))
  environment.registerFunction('size(int): int', (n: bigint) => BigInt(String(n).length))
  const re = createRe()
  environment.registerFunction('re(string, string): bool', re)
  environment.registerFunction('re(int, string): bool', (n: bigint, pattern: string) => re(String(n), pattern))
  return environment
}

/** `re(text, pattern)`: whether an RE2 expression is found anywhere in a text, in linear time. */
function createRe(): (text: string, pattern: string) => boolean {
  const patterns = new Map<string, RE2JS>()
  return (text, source) => {
    const known = patterns.get(source)
    const pattern = known ?? RE2JS.compile(source)
    if (known === undefined && patterns.size < PATTERNS_REMEMBERED_MAX) patterns.set(source, pattern)
    return pattern.matcher(text).find()
  }
}

interface Walk {
  readonly attributes: (readonly string[])[]
}

/** Collects what is read of the event, and refuses what must not run. */
function visit(node: ASTNode, walk: Walk, loops: number): void {
  const path = pathOf(node)
  if (path !== undefined) {
    if (path.length > 0) walk.attributes.push(path)
    return
  }
  refuse(node, loops)
  const isLoop = node.op === 'rcall' && LOOPS.has(node.args[0])
  for (const child of childrenOf(node)) visit(child, walk, isLoop ? loops + 1 : loops)
}

function refuse(node: ASTNode, loops: number): void {
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === 'matches') {
    throw new Error(
      'matches() is not offered, because it can take for ever: write re(text, pattern), which is RE2 and runs in linear time',
    )
  }
  if (node.op === 'call' && node.args[0] === 're') refusePattern(node.args[1][1])
  if (node.op === 'rcall' && LOOPS.has(node.args[0]) && loops >= LOOPS_MAX) {
    throw new Error(`more than ${LOOPS_MAX} loops (exists, all, map, filter) within each other are too slow`)
  }
  if (node.op === 'in') refuseQuotedIntegers(node.args)
}

function refusePattern(node: ASTNode | undefined): void {
  if (node?.op !== 'value' || typeof node.args !== 'string') return
  try {
    RE2JS.compile(node.args)
  } catch (error) {
    throw new Error(`${JSON.stringify(node.args)} is no RE2 expression: ${messageOf(error)}`, { cause: error })
  }
}

/** `x in ["5"]` would be false for ever: an attribute that is `5` is an integer here, and lists compare strictly. */
function refuseQuotedIntegers([needle, list]: readonly [ASTNode, ASTNode]): void {
  const items = list.op === 'list' ? [needle, ...list.args] : [needle]
  for (const item of items) {
    if (item.op === 'value' && typeof item.args === 'string' && DECIMAL.test(item.args)) {
      throw new Error(`write ${item.args} without quotes: in a list, integers are only found as integers`)
    }
  }
}

/** `event.args["tx_id"].x` as `['args', 'tx_id', 'x']`; undefined where the node is no such path. */
function pathOf(node: ASTNode): readonly string[] | undefined {
  if (node.op === 'id') return node.args === 'event' ? [] : undefined
  if (node.op === '.') {
    const above = pathOf(node.args[0])
    return above === undefined ? undefined : [...above, node.args[1]]
  }
  if (node.op === '[]' && node.args[1].op === 'value' && typeof node.args[1].args === 'string') {
    const above = pathOf(node.args[0])
    return above === undefined ? undefined : [...above, node.args[1].args]
  }
  return undefined
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'list':
      return node.args
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    case '[]':
    case '[?]':
    case '?:':
    case '||':
    case '&&':
    case 'in':
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return node.args
  }
}
