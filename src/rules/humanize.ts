import { parseDuration } from '../lib/duration.ts'
import { CallError } from '../lib/go-template/index.ts'

/*
 * Numbers as Prometheus' templates print them (prometheus/common helpers/templates, prometheus template/template.go).
 */

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
const LARGE_BINARY = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y']

/** Go's `%.4g`: four significant digits, none of them a trailing zero. */
function fourDigits(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', power = '0'] = value.toExponential(3).split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 4) return trimZeros(value.toFixed(3 - exponent))
  return `${trimZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
}

export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return fourDigits(value)
  return Math.abs(value) >= 1 ? shrink(value, 1000, LARGE) : grow(value)
}

export function humanize1024(value: number): string {
  if (!Number.isFinite(value) || Math.abs(value) <= 1) return fourDigits(value)
  return shrink(value, 1024, LARGE_BINARY)
}

export function humanizePercentage(ratio: number): string {
  return `${fourDigits(ratio * 100)}%`
}

export function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return fourDigits(seconds)
  if (seconds === 0) return '0s'
  if (Math.abs(seconds) < 1) return `${grow(seconds)}s`
  const sign = seconds < 0 ? '-' : ''
  const size = Math.abs(seconds)
  const whole = Math.floor(size)
  const parts = { d: Math.floor(whole / 86_400), h: Math.floor(whole / 3600) % 24, m: Math.floor(whole / 60) % 60 }
  const tail = `${whole % 60}s`
  if (parts.d !== 0) return `${sign}${parts.d}d ${parts.h}h ${parts.m}m ${tail}`
  if (parts.h !== 0) return `${sign}${parts.h}h ${parts.m}m ${tail}`
  if (parts.m !== 0) return `${sign}${parts.m}m ${tail}`
  return `${sign}${fourDigits(size)}s`
}

/** As Go prints a time in UTC: `2024-05-01 12:00:00.5 +0000 UTC`. */
export function humanizeTimestamp(seconds: number): string {
  if (!Number.isFinite(seconds)) return fourDigits(seconds)
  return goTime(millisecondsOf(seconds))
}

export function goTime(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- a given instant is printed, no clock is read
  const [date = '', time = ''] = new Date(ms).toISOString().slice(0, -1).split('T')
  return `${date} ${trimZeros(time)} +0000 UTC`
}

/** Times are kept to the millisecond, as Prometheus does. */
export function millisecondsOf(seconds: number): number {
  const ms = Math.floor(seconds * 1000)
  // What neither Go's nanoseconds nor our dates can hold.
  if (Math.abs(seconds) < 9.22e9 && Number.isFinite(ms)) return ms
  throw new CallError(`${seconds} cannot be represented as a nanoseconds timestamp since it overflows int64`)
}

export function durationSeconds(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new CallError(`not a valid duration string: ${JSON.stringify(text)}`)
  return ms / 1000
}

function shrink(value: number, base: number, prefixes: readonly string[]): string {
  let rest = value
  let unit = ''
  for (const prefix of prefixes) {
    if (Math.abs(rest) < base) break
    unit = prefix
    rest /= base
  }
  return `${fourDigits(rest)}${unit}`
}

function grow(value: number): string {
  let rest = value
  let unit = ''
  for (const prefix of SMALL) {
    if (Math.abs(rest) >= 1) break
    unit = prefix
    rest *= 1000
  }
  return `${fourDigits(rest)}${unit}`
}
