import { CallError, LimitError } from './errors.ts'
import { TEXT_MAX } from './format.ts'
import { formatTime } from './time.ts'
import { intOf, keysOf, kindOf, listOf, shapeOf, typeName, valueAt } from './value.ts'

const DEPTH_MAX = 50
const UNSAFE = /[<>&\u2028\u2029]/g

/** A value as JSON, as Go writes it: keys in order, ints of any size digit by digit, times as RFC 3339, `<` as `\u003c`. */
export function toJson(value: unknown): string {
  return encode(value, { left: TEXT_MAX, depth: 0 })
}

interface Walk {
  left: number
  depth: number
}

function encode(value: unknown, walk: Walk): string {
  if (walk.depth > DEPTH_MAX) throw new LimitError(`a value is nested deeper than ${DEPTH_MAX}`)
  walk.depth += 1
  const text = encodeByKind(value, walk)
  walk.depth -= 1
  walk.left -= text.length
  if (walk.left < 0) throw new LimitError(`a text is longer than ${TEXT_MAX} characters`)
  return text
}

function encodeByKind(value: unknown, walk: Walk): string {
  const time = shapeOf(value)?.time
  if (time !== undefined) return encodeText(formatTime(time.ms, time.zone, '2006-01-02T15:04:05.999999999Z07:00'))
  switch (kindOf(value)) {
    case 'nil':
      return 'null'
    case 'bool':
      return String(value)
    case 'int':
      return intOf(value).toString()
    case 'float':
      return encodeNumber(Number(value))
    case 'string':
      return encodeText(String(value))
    case 'list':
      return `[${listOf(value)
        .map((item) => encode(item, walk))
        .join(',')}]`
    case 'map':
    case 'struct':
      return `{${keysOf(value)
        .map((key) => `${encodeText(key)}:${encode(valueAt(value, key), walk)}`)
        .join(',')}}`
    case 'func':
      throw new CallError(`json: unsupported type: ${typeName(value)}`)
  }
}

function encodeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new CallError(`json: unsupported value: ${value}`)
  return JSON.stringify(value)
}

function encodeText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
