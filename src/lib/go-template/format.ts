import { LimitError } from './errors.ts'
import { type FloatFormat, formatFloat } from './float.ts'
import { isCodePoint, quote, quoteCharacter } from './quote.ts'
import { intOf, keysOf, kindOf, listOf, shapeOf, typeName, valueAt } from './value.ts'

/** How one `%` of a format asks for its value. */
export interface Verb {
  readonly letter: string
  /** `+`, `-`, `#`, space and `0`, as they stand. */
  readonly flags: string
  readonly width: number | undefined
  readonly precision: number | undefined
}

/** `%v`: how values print by themselves. */
const PLAIN: Verb = { letter: 'v', flags: '', width: undefined, precision: undefined }

const DEPTH_MAX = 50
/** Characters that one call may print: what a template builds may double with each turn of a loop. */
export const TEXT_MAX = 4 * 1024 * 1024

/** What is left to write, and how deep we are. */
interface Walk {
  left: number
  depth: number
}

/** One value by one verb, padded (Go's package fmt). A value that the verb does not fit says so in the text. */
export function formatValue(value: unknown, verb: Verb = PLAIN): string {
  return format(value, verb, { left: TEXT_MAX, depth: 0 })
}

/** Values as `print` shows them: a space between two of which neither is a string. `println`: between all. */
export function printValues(values: readonly unknown[], isLine: boolean): string {
  const walk: Walk = { left: TEXT_MAX, depth: 0 }
  let text = ''
  values.forEach((value, index) => {
    const isSpaced = isLine || (typeof value !== 'string' && typeof values[index - 1] !== 'string')
    text += `${index > 0 && isSpaced ? ' ' : ''}${format(value, PLAIN, walk)}`
  })
  return isLine ? `${text}\n` : text
}

function format(value: unknown, verb: Verb, walk: Walk): string {
  if (walk.depth > DEPTH_MAX) throw new LimitError(`a value is nested deeper than ${DEPTH_MAX}`)
  walk.depth += 1
  const text = formatByKind(value, verb, walk)
  walk.depth -= 1
  // Nested text is counted at each level around it: harmless, since depth is bounded.
  walk.left -= text.length + 1
  if (walk.left < 0) throw new LimitError(`a text is longer than ${TEXT_MAX} characters`)
  return text
}

function formatByKind(value: unknown, verb: Verb, walk: Walk): string {
  if (verb.letter === 'T') return pad(typeName(value), verb)
  const text = 'vsqxX'.includes(verb.letter) ? shapeOf(value)?.text : undefined
  if (text !== undefined) return formatString(text(), verb)
  const each = (item: unknown) => format(item, verb, walk)
  switch (kindOf(value)) {
    case 'nil':
      return verb.letter === 'v' ? pad('<nil>', verb) : `%!${verb.letter}(<nil>)`
    case 'bool':
      return 'vt'.includes(verb.letter) ? pad(String(value), verb) : wrongVerb(value, verb)
    case 'string':
      return formatString(String(value), verb)
    case 'int':
      return formatInt(value, verb)
    case 'float':
      return formatNumber(Number(value), verb)
    case 'list':
      return `[${listOf(value).map(each).join(' ')}]`
    case 'map': {
      const entries = keysOf(value).map((key) => `${each(key)}:${each(valueAt(value, key))}`)
      return `map[${entries.join(' ')}]`
    }
    case 'struct': {
      const name = (key: string) => (verb.flags.includes('+') ? `${key}:` : '')
      const fields = keysOf(value).map((key) => `${name(key)}${each(valueAt(value, key))}`)
      return `{${fields.join(' ')}}`
    }
    case 'func':
      return pad('<func>', verb)
  }
}

/** `%!d(string=hi)`: Go's way to say that the verb does not fit. */
function wrongVerb(value: unknown, { letter }: Verb): string {
  return `%!${letter}(${typeName(value)}=${formatValue(value)})`
}

function formatString(text: string, verb: Verb): string {
  const cut = verb.precision === undefined ? text : Array.from(text).slice(0, verb.precision).join('')
  switch (verb.letter) {
    case 'v':
      return pad(verb.flags.includes('#') ? quote(text) : cut, verb)
    case 's':
      return pad(cut, verb)
    case 'q':
      return pad(verb.flags.includes('#') && !cut.includes('`') ? `\`${cut}\`` : quote(cut), verb)
    case 'x':
      return pad(hexOf(cut, verb), verb)
    case 'X':
      return pad(hexOf(cut, verb).toUpperCase(), verb)
    default:
      return wrongVerb(text, verb)
  }
}

function hexOf(text: string, { flags }: Verb): string {
  const hex = Buffer.from(text).toString('hex')
  const spaced = flags.includes(' ') ? hex.replaceAll(/(..)(?=.)/g, '$1 ') : hex
  return flags.includes('#') ? `0x${spaced}` : spaced
}

const RADIX = new Map([
  ['d', 10],
  ['v', 10],
  ['b', 2],
  ['o', 8],
  ['O', 8],
  ['x', 16],
  ['X', 16],
])
const PREFIX = new Map([
  ['b', '0b'],
  ['o', '0'],
  ['x', '0x'],
  ['X', '0X'],
])

function formatInt(value: unknown, verb: Verb): string {
  const int = intOf(value)
  const { letter, flags, precision } = verb
  if (letter === 'c') return pad(isCodePoint(Number(int)) ? String.fromCodePoint(Number(int)) : '\uFFFD', verb)
  if (letter === 'q') return pad(quoteCharacter(Number(int)), verb)
  if (letter === 'U') return pad(`U+${int.toString(16).toUpperCase().padStart(4, '0')}`, verb)
  const radix = RADIX.get(letter)
  if (radix === undefined) return wrongVerb(value, verb)
  const plain = (int < 0n ? -int : int).toString(radix).padStart(precision ?? 0, '0')
  const digits = letter === 'X' ? plain.toUpperCase() : plain
  const shown = prefixOf(verb) + digits
  // A precision says how many digits there are: the flag 0 then means nothing.
  const padded = precision === undefined ? verb : { ...verb, flags: flags.replaceAll('0', '') }
  return padNumber(signOf(int < 0n, verb), shown, padded)
}

function prefixOf({ letter, flags }: Verb): string {
  if (letter === 'O') return '0o'
  return flags.includes('#') ? (PREFIX.get(letter) ?? '') : ''
}

const FLOAT_FORMATS = new Map<string, FloatFormat>([
  ['v', { verb: 'g' }],
  ['g', { verb: 'g' }],
  ['G', { verb: 'g' }],
  ['e', { verb: 'e', precision: 6 }],
  ['E', { verb: 'e', precision: 6 }],
  ['f', { verb: 'f', precision: 6 }],
  ['F', { verb: 'f', precision: 6 }],
])

function formatNumber(value: number, verb: Verb): string {
  const asked = FLOAT_FORMATS.get(verb.letter)
  if (asked === undefined) return wrongVerb(value, verb)
  const precision = verb.precision ?? asked.precision
  const isNegative = value < 0 || Object.is(value, -0)
  const text = formatFloat(Math.abs(value), { verb: asked.verb, precision })
  const digits = 'EG'.includes(verb.letter) ? text.toUpperCase() : text
  if (Number.isFinite(value)) return padNumber(signOf(isNegative, verb), digits, verb)
  // Never filled with zeros. Infinity always shows its sign, NaN only where one is asked for.
  const sign = signOf(isNegative, verb) || (Number.isNaN(value) ? '' : '+')
  return pad(sign + digits.replace('+', ''), { ...verb, flags: verb.flags.replaceAll('0', '') })
}

/** With `%v` a `+` asks for the names of fields, not for signs. */
function signOf(isNegative: boolean, { flags, letter }: Verb): string {
  if (isNegative) return '-'
  if (flags.includes('+') && letter !== 'v') return '+'
  return flags.includes(' ') ? ' ' : ''
}

function padNumber(sign: string, digits: string, verb: Verb): string {
  const { flags, width } = verb
  if (!flags.includes('0') || flags.includes('-') || width === undefined) return pad(sign + digits, verb)
  return sign + digits.padStart(width - sign.length, '0')
}

/** Widths count characters, not UTF-16 units. */
function pad(text: string, { width, flags }: Verb): string {
  if (width === undefined) return text
  const missing = width - Array.from(text).length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  return (flags.includes('0') ? '0' : ' ').repeat(missing) + text
}
