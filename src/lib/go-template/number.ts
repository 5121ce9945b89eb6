import { CallError } from './errors.ts'
import { quote, unquote } from './quote.ts'

const DECIMAL = /^[+-]?(?:0|[1-9](?:_?\d)*)$/
const PREFIXED = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+)$/
const OLD_OCTAL = /^([+-]?)0((?:_?[0-7])+)$/
const FLOAT = /^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d+)?$/
const HEX_FLOAT = /^([+-]?)0[xX]_?([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?\d+)$/
const INT_MIN = -(2n ** 63n)
const INT_MAX = 2n ** 63n - 1n

/** A Go number constant: an int as bigint, a float (with a point or an exponent) as number. */
export function parseNumber(text: string): bigint | number {
  const int = parseInteger(text)
  if (int !== undefined) {
    if (int < INT_MIN || int > INT_MAX) throw new CallError(`integer overflow: ${quote(text)}`)
    return int
  }
  const float = parseFloatConstant(text)
  // Digits alone that are no int, as 08, would be taken for a float nobody wrote.
  if (float !== undefined && !/[.eEpP]/.test(text)) throw new CallError(`integer overflow: ${quote(text)}`)
  if (float === undefined || !Number.isFinite(float)) throw new CallError(`illegal number syntax: ${quote(text)}`)
  return float
}

function parseInteger(text: string): bigint | undefined {
  if (DECIMAL.test(text)) return BigInt(text.replaceAll('_', '').replace('+', ''))
  const prefixed = PREFIXED.exec(text)
  if (prefixed !== null) return signed(prefixed[1], prefixed[2])
  const octal = OLD_OCTAL.exec(text)
  return octal === null ? undefined : signed(octal[1], `0o${octal[2] ?? ''}`)
}

function signed(sign: string | undefined, digits: string | undefined): bigint {
  const value = BigInt((digits ?? '').replaceAll('_', ''))
  return sign === '-' ? -value : value
}

function parseFloatConstant(text: string): number | undefined {
  if (FLOAT.test(text)) return Number(text.replaceAll('_', ''))
  const match = HEX_FLOAT.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = ''] = match.map((part) => part.replaceAll('_', ''))
  if (whole + fraction === '') return undefined
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length)
  return sign === '-' ? -value : value
}

/** A character constant is the int of its code point. */
export function parseCharacter(text: string): bigint {
  const said = unquote(text)
  const code = said.codePointAt(0)
  if (code === undefined || said.length !== String.fromCodePoint(code).length) {
    throw new CallError(`malformed character constant: ${text}`)
  }
  return BigInt(code)
}

/** A text as float64 (`strconv.ParseFloat`), or undefined. */
export function parseFloatText(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return Number.NaN
  return parseFloatConstant(text) ?? undefined
}
