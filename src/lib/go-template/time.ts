import { CallError } from './errors.ts'
import { type GoFunction, type GoFunctions, goStruct, shapeOf } from './value.ts'

const NS_PER_MS = 1_000_000n
const NS = { h: 3_600_000_000_000n, m: 60_000_000_000n, s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n } as const

/** A moment as Go's time.Time: printed with its zone, with the methods that templates use. Its zone is an IANA name. */
export function goTime(ms: number, zone = 'UTC'): object {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) throw new CallError(`${ms} is no time`)
  return goStruct(
    {},
    {
      typeName: 'time.Time',
      time: { ms, zone },
      text: () => formatTime(ms, zone, DEFAULT_LAYOUT),
      methods: timeMethods(ms, zone),
    },
  )
}

/** A time.Duration: an int of nanoseconds that prints as `1h30m0s`. */
export function goDuration(ns: bigint): object {
  return goStruct(
    {},
    { typeName: 'time.Duration', durationNs: ns, text: () => formatGoDuration(ns), methods: durationMethods(ns) },
  )
}

/** Milliseconds of a time that the evaluator has checked to be one. */
export function timeOf(value: unknown): { readonly ms: number; readonly zone: string } {
  const time = shapeOf(value)?.time
  if (time === undefined) throw new CallError('this is no time')
  return time
}

const DEFAULT_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST'

function timeMethods(ms: number, zone: string): GoFunctions {
  const local = () => fieldsOf(ms, zone)
  return {
    Format: { params: ['string'], call: ([layout]) => formatTime(ms, zone, String(layout)) },
    String: { params: [], call: () => formatTime(ms, zone, DEFAULT_LAYOUT) },
    UTC: { params: [], call: () => goTime(ms) },
    Local: { params: [], call: () => goTime(ms, zone) },
    Add: { params: ['int'], call: ([by]) => goTime(ms + Number(nanoseconds(by) / NS_PER_MS), zone) },
    Sub: { params: ['time'], call: ([other]) => goDuration(millisecondsToNs(ms - timeOf(other).ms)) },
    Before: { params: ['time'], call: ([other]) => ms < timeOf(other).ms },
    After: { params: ['time'], call: ([other]) => ms > timeOf(other).ms },
    Equal: { params: ['time'], call: ([other]) => ms === timeOf(other).ms },
    IsZero: { params: [], call: () => ms === ZERO_TIME_MS },
    Unix: int(() => Math.floor(ms / 1000)),
    UnixMilli: int(() => ms),
    Year: int(() => local().year),
    Month: int(() => local().month),
    Day: int(() => local().day),
    Hour: int(() => local().hour),
    Minute: int(() => local().minute),
    Second: int(() => local().second),
    Weekday: { params: [], call: () => DAYS[local().weekday] },
  }
}

function int(read: () => number): GoFunction {
  return { params: [], call: () => BigInt(read()) }
}

/** Go's zero time, the year 1: what an alert that has not ended has as its end. */
const ZERO_TIME_MS = -62_135_596_800_000

function durationMethods(ns: bigint): GoFunctions {
  const per = (unit: bigint) => ({ params: [], call: () => Number(ns) / Number(unit) })
  return {
    Hours: per(NS.h),
    Minutes: per(NS.m),
    Seconds: per(NS.s),
    Milliseconds: { params: [], call: () => ns / NS.ms },
    String: { params: [], call: () => formatGoDuration(ns) },
    Round: { params: ['int'], call: ([to]) => goDuration(roundTo(ns, nanoseconds(to))) },
    Truncate: { params: ['int'], call: ([to]) => goDuration(truncateTo(ns, nanoseconds(to))) },
  }
}

function nanoseconds(value: unknown): bigint {
  return typeof value === 'bigint' ? value : (shapeOf(value)?.durationNs ?? 0n)
}

export function millisecondsToNs(ms: number): bigint {
  return BigInt(Math.round(ms)) * NS_PER_MS
}

function truncateTo(ns: bigint, unit: bigint): bigint {
  return unit <= 0n ? ns : ns - (ns % unit)
}

function roundTo(ns: bigint, unit: bigint): bigint {
  if (unit <= 0n) return ns
  const rest = ns % unit
  const half = (rest < 0n ? -rest : rest) * 2n >= unit
  return truncateTo(ns, unit) + (half ? (ns < 0n ? -unit : unit) : 0n)
}

/** `1h2m3.5s`, `1.5ms`, `0s` (Go's `Duration.String`). */
function formatGoDuration(ns: bigint): string {
  if (ns === 0n) return '0s'
  const sign = ns < 0n ? '-' : ''
  const all = ns < 0n ? -ns : ns
  if (all < NS.us) return `${sign}${all}ns`
  if (all < NS.ms) return `${sign}${decimal(all, NS.us)}µs`
  if (all < NS.s) return `${sign}${decimal(all, NS.ms)}ms`
  const hours = all / NS.h
  const minutes = (all % NS.h) / NS.m
  const seconds = `${decimal(all % NS.m, NS.s)}s`
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '')
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = 'January February March April May June July August September October November December'.split(' ')

interface Fields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly weekday: number
  readonly yearDay: number
  readonly offsetMinutes: number
}

function fieldsOf(ms: number, zone: string): Fields {
  const offsetMinutes = offsetAt(ms, zone)
  const local = new Date(ms + offsetMinutes * 60_000)
  const yearStart = Date.UTC(local.getUTCFullYear(), 0, 1)
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    millisecond: local.getUTCMilliseconds(),
    weekday: local.getUTCDay(),
    yearDay: Math.floor((local.getTime() - yearStart) / 86_400_000) + 1,
    offsetMinutes,
  }
}

/** Throws `CallError` for a zone that does not exist. */
export function checkZone(zone: string): string {
  namePart(0, zone, 'longOffset', 'en-US')
  return zone
}

function offsetAt(ms: number, zone: string): number {
  if (zone === 'UTC') return 0
  const match = /([+-])(\d\d):(\d\d)/.exec(namePart(ms, zone, 'longOffset', 'en-US'))
  if (match === null) return 0
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
}

/** `CET`, `PST`; where nobody gave the zone letters, its offset, as in Go. */
function abbreviation(ms: number, zone: string): string {
  if (zone === 'UTC') return 'UTC'
  for (const locale of ['en-US', 'en-GB', 'en-AU', 'en-CA', 'en-IN', 'en-ZA']) {
    const name = namePart(ms, zone, 'short', locale)
    if (!/[+-]/.test(name)) return name
  }
  return offsetText(offsetAt(ms, zone), '').replace(/00$/, '')
}

function namePart(ms: number, timeZone: string, timeZoneName: 'longOffset' | 'short', locale: string): string {
  try {
    const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName }).formatToParts(new Date(ms))
    return parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  } catch (error) {
    throw new CallError(`unknown time zone ${timeZone}`, { cause: error })
  }
}

function offsetText(minutes: number, separator: string): string {
  const all = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(all / 60))}${separator}${two(all % 60)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|__2|002|0[1-6]|15|Z07:00|Z0700|-07:00|-0700|-07|PM|pm|_2|[.,]0+(?!\d)|[.,]9+(?!\d)|[1-5]/g

/** A moment by one of Go's layouts, written as what 2 January 2006, 15:04:05 would look like. */
export function formatTime(ms: number, zone: string, layout: string): string {
  const fields = fieldsOf(ms, zone)
  return layout.replaceAll(LAYOUT, (piece) => layoutPiece(piece, fields, () => abbreviation(ms, zone)))
}

function layoutPiece(piece: string, fields: Fields, zoneName: () => string): string {
  const { hour, offsetMinutes } = fields
  if (piece.startsWith('.') || piece.startsWith(',')) return fractionText(piece, fields.millisecond)
  const month = MONTHS[fields.month - 1] ?? ''
  const day = DAYS[fields.weekday] ?? ''
  const hour12 = hour % 12 === 0 ? 12 : hour % 12
  const shown: Readonly<Record<string, string>> = {
    January: month,
    Jan: month.slice(0, 3),
    Monday: day,
    Mon: day.slice(0, 3),
    '2006': String(fields.year).padStart(4, '0'),
    '002': String(fields.yearDay).padStart(3, '0'),
    __2: String(fields.yearDay).padStart(3, ' '),
    '01': two(fields.month),
    '1': String(fields.month),
    '02': two(fields.day),
    _2: String(fields.day).padStart(2, ' '),
    '2': String(fields.day),
    '15': two(hour),
    '03': two(hour12),
    '3': String(hour12),
    '04': two(fields.minute),
    '4': String(fields.minute),
    '05': two(fields.second),
    '5': String(fields.second),
    '06': two(fields.year % 100),
    PM: hour < 12 ? 'AM' : 'PM',
    pm: hour < 12 ? 'am' : 'pm',
    '-0700': offsetText(offsetMinutes, ''),
    '-07:00': offsetText(offsetMinutes, ':'),
    '-07': offsetText(offsetMinutes, '').slice(0, 3),
    'Z07:00': offsetMinutes === 0 ? 'Z' : offsetText(offsetMinutes, ':'),
    Z0700: offsetMinutes === 0 ? 'Z' : offsetText(offsetMinutes, ''),
  }
  return piece === 'MST' ? zoneName() : (shown[piece] ?? piece)
}

/** `.000` always has its digits, `.999` drops zeros at the end, and itself with the last. */
function fractionText(piece: string, millisecond: number): string {
  const digits = String(millisecond)
    .padStart(3, '0')
    .padEnd(piece.length - 1, '0')
    .slice(0, piece.length - 1)
  if (piece.endsWith('0')) return piece.charAt(0) + digits
  const short = digits.replace(/0+$/, '')
  return short === '' ? '' : piece.charAt(0) + short
}
