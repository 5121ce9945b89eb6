import { CallError } from './errors.ts'
import { formatValue, printValues } from './format.ts'
import { sprintf } from './printf.ts'
import { isPrintable } from './quote.ts'
import {
  type GoFunctions,
  intOf,
  isFunction,
  isTrue,
  keysOf,
  kindOf,
  listOf,
  shapeOf,
  typeName,
  valueAt,
} from './value.ts'

/** The functions that every template has. `and` and `or` look at no argument more than they need: the evaluator sees to it. */
export const BUILTINS: GoFunctions = {
  and: { params: ['any'], variadic: 'any', call: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1) },
  or: { params: ['any'], variadic: 'any', call: (args) => args.find(isTrue) ?? args.at(-1) },
  not: { params: ['any'], call: ([arg]) => !isTrue(arg) },
  call: { params: ['any'], variadic: 'any', call: ([target, ...args]) => callValue(target, args) },
  index: { params: ['any'], variadic: 'any', call: ([item, ...indexes]) => indexes.reduce(indexInto, item) },
  slice: { params: ['any'], variadic: 'any', call: ([item, ...bounds]) => slice(item, bounds) },
  len: { params: ['any'], call: ([item]) => lengthOf(item) },
  print: { params: [], variadic: 'any', call: (args) => printValues(args, false) },
  println: { params: [], variadic: 'any', call: (args) => printValues(args, true) },
  printf: { params: ['string'], variadic: 'any', call: ([format, ...args]) => sprintf(String(format), args) },
  html: { params: [], variadic: 'any', call: (args) => escapeHtml(joined(args)) },
  js: { params: [], variadic: 'any', call: (args) => escapeJs(joined(args)) },
  urlquery: { params: [], variadic: 'any', call: (args) => escapeQuery(joined(args)) },
  eq: { params: ['any'], variadic: 'any', call: ([first, ...others]) => equalsAny(first, others) },
  ne: { params: ['any', 'any'], call: ([a, b]) => !equals(a, b) },
  lt: { params: ['any', 'any'], call: ([a, b]) => isLess(a, b) },
  le: { params: ['any', 'any'], call: ([a, b]) => isLess(a, b) || equals(a, b) },
  gt: { params: ['any', 'any'], call: ([a, b]) => !isLess(a, b) && !equals(a, b) },
  ge: { params: ['any', 'any'], call: ([a, b]) => !isLess(a, b) },
}

function callValue(target: unknown, args: readonly unknown[]): unknown {
  if (kindOf(target) === 'nil') throw new CallError('call of nil')
  if (!isFunction(target)) throw new CallError(`non-function of type ${typeName(target)}`)
  const { params, variadic, call } = target
  if (args.length < params.length || (variadic === undefined && args.length > params.length)) {
    const least = variadic === undefined ? '' : 'at least '
    throw new CallError(`wrong number of args: got ${args.length} want ${least}${params.length}`)
  }
  return call(args)
}

function indexInto(item: unknown, index: unknown): unknown {
  switch (kindOf(item)) {
    case 'nil':
      throw new CallError('index of untyped nil')
    case 'string': {
      const bytes = Buffer.from(String(item))
      return BigInt(bytes[position(index, bytes.length)] ?? 0)
    }
    case 'list': {
      const items = listOf(item)
      return items[position(index, items.length)]
    }
    case 'map':
      if (typeof index !== 'string') throw new CallError(`value has type ${typeName(index)}; should be string`)
      return valueAt(item, index) ?? shapeOf(item)?.zero
    case 'bool':
    case 'int':
    case 'float':
    case 'struct':
    case 'func':
      throw new CallError(`can't index item of type ${typeName(item)}`)
  }
}

/** An index that exists. */
function position(index: unknown, length: number): number {
  const at = bound(index, length)
  if (at >= length) throw new CallError(`index out of range: ${at}`)
  return at
}

/** An index up to and with the length. */
function bound(index: unknown, length: number): number {
  if (kindOf(index) === 'nil') throw new CallError('cannot index slice/array with nil')
  if (kindOf(index) !== 'int') throw new CallError(`cannot index slice/array with type ${typeName(index)}`)
  const at = intOf(index)
  if (at < 0n || at > BigInt(length)) throw new CallError(`index out of range: ${at}`)
  return Number(at)
}

function slice(item: unknown, bounds: readonly unknown[]): unknown {
  if (kindOf(item) === 'nil') throw new CallError('slice of untyped nil')
  if (bounds.length > 3) throw new CallError(`too many slice indexes: ${bounds.length}`)
  const isText = typeof item === 'string'
  if (isText && bounds.length === 3) throw new CallError('cannot 3-index slice a string')
  if (!isText && kindOf(item) !== 'list') throw new CallError(`can't slice item of type ${typeName(item)}`)
  const whole = isText ? Buffer.from(item) : listOf(item)
  const [start = 0, end = whole.length, capacity = whole.length] = bounds.map((index) => bound(index, whole.length))
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`)
  if (end > capacity) throw new CallError(`invalid slice index: ${end} > ${capacity}`)
  return isText ? Buffer.from(item).subarray(start, end).toString() : listOf(item).slice(start, end)
}

function lengthOf(item: unknown): bigint {
  switch (kindOf(item)) {
    case 'nil':
      throw new CallError('len of nil pointer')
    case 'string':
      return BigInt(Buffer.byteLength(String(item)))
    case 'list':
      return BigInt(listOf(item).length)
    case 'map':
      return BigInt(keysOf(item).length)
    case 'bool':
    case 'int':
    case 'float':
    case 'struct':
    case 'func':
      throw new CallError(`len of type ${typeName(item)}`)
  }
}

/** Basic values of one kind compare; others are an error, as in Go: 1 and 1.0 do not. */
function equals(a: unknown, b: unknown): boolean {
  const kind = comparedKind(a, b)
  if (kind === 'nil') return kindOf(a) === kindOf(b)
  if (kind === 'int') return intOf(a) === intOf(b)
  return a === b
}

function equalsAny(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new CallError('missing argument for comparison')
  return others.some((other) => equals(first, other))
}

function isLess(a: unknown, b: unknown): boolean {
  const kind = comparedKind(a, b)
  if (kind === 'int') return intOf(a) < intOf(b)
  if (kind === 'string') return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b))) < 0
  if (kind === 'float') return Number(a) < Number(b)
  throw new CallError('invalid type for comparison')
}

type BasicKind = 'bool' | 'int' | 'float' | 'string' | 'nil'

function comparedKind(a: unknown, b: unknown): BasicKind {
  const [left, right] = [basicKind(a), basicKind(b)]
  if (left === 'nil' || right === 'nil') return 'nil'
  if (left !== right) throw new CallError('incompatible types for comparison')
  return left
}

function basicKind(value: unknown): BasicKind {
  const kind = kindOf(value)
  switch (kind) {
    case 'bool':
    case 'int':
    case 'float':
    case 'string':
    case 'nil':
      return kind
    case 'list':
    case 'map':
    case 'struct':
    case 'func':
      throw new CallError(`non-comparable type ${formatValue(value)}: ${typeName(value)}`)
  }
}

/** What an escaping function escapes: its arguments as `print` would show them. */
function joined(args: readonly unknown[]): string {
  return printValues(
    args.map((arg) => (kindOf(arg) === 'nil' ? '<no value>' : arg)),
    false,
  )
}

const HTML = new Map([
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['\u0000', '\uFFFD'],
])

function escapeHtml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- Go replaces NUL, which browsers drop, by U+FFFD
  return text.replaceAll(/["'&<>\u0000]/g, (character) => HTML.get(character) ?? character)
}

const JS = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
  ['<', '\\u003C'],
  ['>', '\\u003E'],
  ['&', '\\u0026'],
  ['=', '\\u003D'],
])

function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"<>&=]|[^ -~]/gu, (character) => {
    const known = JS.get(character)
    if (known !== undefined) return known
    if (character > '~' && isPrintable(character)) return character
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  })
}

/** Go's `url.QueryEscape`: a space is `+`. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
