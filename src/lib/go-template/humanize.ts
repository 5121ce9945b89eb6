import { CallError } from './errors.ts'
import { formatFloat } from './float.ts'
import { parseFloatText } from './number.ts'
import { goTime } from './time.ts'
import { kindOf, shapeOf, typeName } from './value.ts'

/** A number, a text that is one, or a duration in seconds. Throws `CallError` for anything else. */
export function toFloat(value: unknown): number {
  const duration = shapeOf(value)?.durationNs
  if (duration !== undefined) return Number(duration) / 1e9
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  const parsed = kindOf(value) === 'string' ? parseFloatText(String(value)) : undefined
  if (parsed !== undefined) return parsed
  const shown = kindOf(value) === 'string' ? JSON.stringify(value) : typeName(value)
  throw new CallError(`can't convert ${shown} to float`)
}

/** Four digits that mean something: `%.4g`. */
function short(value: number): string {
  return formatFloat(value, { verb: 'g', precision: 4 })
}

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
const LARGE_1024 = LARGE.map((prefix) => `${prefix}i`)
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y']

interface Scaled {
  readonly value: number
  readonly prefix: string
}

function scaleDown(value: number, base: number, prefixes: readonly string[]): Scaled {
  let scaled: Scaled = { value, prefix: '' }
  for (const prefix of prefixes) {
    if (Math.abs(scaled.value) < base) break
    scaled = { value: scaled.value / base, prefix }
  }
  return scaled
}

function scaleUp(value: number): Scaled {
  let scaled: Scaled = { value, prefix: '' }
  for (const prefix of SMALL) {
    if (Math.abs(scaled.value) >= 1) break
    scaled = { value: scaled.value * 1000, prefix }
  }
  return scaled
}

/** `1.235k`, `12.5m`. */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return short(value)
  const scaled = Math.abs(value) >= 1 ? scaleDown(value, 1000, LARGE) : scaleUp(value)
  return short(scaled.value) + scaled.prefix
}

/** `1.5Mi`. */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return short(value)
  const scaled = scaleDown(value, 1024, LARGE_1024)
  return short(scaled.value) + scaled.prefix
}

/** Seconds as `1d 2h 3m 4s`, `1.5s` or `12ms`. */
export function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return short(seconds)
  if (seconds === 0) return `${short(seconds)}s`
  if (Math.abs(seconds) < 1) {
    const scaled = scaleUp(seconds)
    return `${short(scaled.value)}${scaled.prefix}s`
  }
  const sign = seconds < 0 ? '-' : ''
  const all = Math.abs(seconds)
  const whole = Math.floor(all)
  const parts = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60]
  const first = parts.findIndex((part) => part > 0)
  if (first === 3) return `${sign}${short(all)}s`
  const units = ['d', 'h', 'm', 's']
  return (
    sign +
    parts
      .map((part, index) => `${BigInt(part)}${units[index] ?? ''}`)
      .slice(first)
      .join(' ')
  )
}

/** A ratio as `12.5%`. */
export function humanizePercentage(ratio: number): string {
  return `${short(ratio * 100)}%`
}

/** Seconds since 1970 as a moment. */
export function secondsToTime(seconds: number): object {
  if (!Number.isFinite(seconds)) throw new CallError('value is NaN or Inf')
  if (Math.abs(seconds) > 9_223_372_036) {
    throw new CallError(`${seconds} cannot be represented as a nanoseconds timestamp since it overflows int64`)
  }
  return goTime(Math.trunc(seconds * 1000))
}
