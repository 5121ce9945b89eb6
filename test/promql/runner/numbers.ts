import { parseDuration } from '../../../src/lib/duration.ts'

/** A number as Go reads it, `+Inf` and `NaN` included. */
export function numberOf(text: string): number {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new Error(`bad number ${JSON.stringify(text)}`)
  return value
}

/** Milliseconds of a duration, or of a plain number of seconds. */
export function durationOf(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const plain = text.replace(/^[+-]/, '')
  const ms = parseDuration(plain)
  if (ms !== undefined) return sign * ms
  if (/^\d+(?:\.\d+)?$/.test(plain)) return sign * Number(plain) * 1000
  throw new Error(`bad duration ${JSON.stringify(text)}`)
}
