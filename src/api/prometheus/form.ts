import type { FastifyRequest } from 'fastify'

import { parseDuration } from '../../lib/duration.ts'
import { parseExpr, placeOf, PromqlError, type SeriesFilter } from '../../operations/index.ts'
import { BadRequest } from '../errors.ts'

/** What came with a request, in its URL and in its form, as Prometheus reads both: the form goes first. */
export interface Form {
  /** The first value; '' where there is none, because to Prometheus that is the same. */
  get(name: string): string
  all(name: string): readonly string[]
}

const TEXT_MAX = 100_000
/** The furthest a `Date` reaches. What lies beyond means "open" (Prometheus' own bounds do, and promtool sends them). */
const TIME_MS_MAX = 8.64e15
const OPEN_START = '-292273086-05-16T16:47:06Z'
const OPEN_END = '292277025-08-18T07:12:54.999999999Z'
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** @throws BadRequest when a value is longer than anything one would ask */
export function formOf(request: FastifyRequest): Form {
  const sources = [asPairs(request.body), asPairs(request.query)]
  const values = (name: string) => sources.flatMap((pairs) => pairs.get(name) ?? [])
  for (const pairs of sources) {
    for (const [name, texts] of pairs) {
      if (texts.some((text) => text.length > TEXT_MAX)) {
        throw new BadRequest(`invalid parameter "${name}": it has more than ${TEXT_MAX} characters`)
      }
    }
  }
  return { get: (name) => values(name)[0] ?? '', all: values }
}

function asPairs(value: unknown): ReadonlyMap<string, readonly string[]> {
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(
    Object.entries(value).map(([name, item]: [string, unknown]) => [
      name,
      (Array.isArray(item) ? item : [item]).filter((text): text is string => typeof text === 'string'),
    ]),
  )
}

/** Prometheus' words for a parameter that cannot be used. */
export function invalid(name: string, why: string): BadRequest {
  return new BadRequest(`invalid parameter "${name}": ${why}`)
}

/** A time in milliseconds UTC; the fallback where it is not given. */
export function timeOf(form: Form, name: string, fallback?: number): number {
  const text = form.get(name)
  if (text === '' && fallback !== undefined) return fallback
  const ms = parseTimestamp(text)
  if (ms !== undefined && Number.isFinite(ms)) return ms
  throw noTime(name, text, fallback !== undefined)
}

/** The same for the end of a window, which may be open: then it is infinite. */
function boundOf(form: Form, name: string, open: number): number {
  const text = form.get(name)
  const ms = text === '' ? open : parseTimestamp(text)
  if (ms === undefined) throw noTime(name, text, true)
  return ms
}

function noTime(name: string, text: string, isOptional: boolean): BadRequest {
  const why = `cannot parse ${JSON.stringify(text)} to a valid timestamp: write seconds since 1970, or 2026-11-20T12:00:00Z`
  return invalid(name, isOptional ? `invalid time value for '${name}': ${why}` : why)
}

function parseTimestamp(text: string): number | undefined {
  if (text === OPEN_START) return -Infinity
  if (text === OPEN_END) return Infinity
  const seconds = parseNumber(text)
  if (seconds !== undefined) return bounded(Math.round(seconds * 1000))
  if (!RFC3339.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

function bounded(ms: number): number {
  if (Math.abs(ms) <= TIME_MS_MAX) return ms
  return ms < 0 ? -Infinity : Infinity
}

/** A decimal number as Go reads it; infinities and NaN are no answer here. */
function parseNumber(text: string): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** A duration in milliseconds, written as `30s` or as seconds; undefined where it is not given. */
export function durationOf(form: Form, name: string): number | undefined {
  const text = form.get(name)
  if (text === '') return undefined
  const seconds = parseNumber(text)
  const ms = seconds === undefined ? parseDuration(text) : seconds * 1000
  if (ms !== undefined) return ms
  throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration: write 30s, 5m, or seconds`)
}

/** How many at most; 0 is no limit. */
export function limitOf(form: Form): number {
  const text = form.get('limit')
  if (text === '') return 0
  const limit = wholeNumber(text)
  if (limit === undefined) throw invalid('limit', `cannot parse ${JSON.stringify(text)} to a whole number`)
  if (limit < 0) throw invalid('limit', 'limit must be non-negative')
  return limit
}

export function wholeNumber(text: string): number | undefined {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** `match[]`, `start` and `end`. */
export function seriesFilterOf(form: Form): SeriesFilter {
  const fromMs = boundOf(form, 'start', -Infinity)
  const toMs = boundOf(form, 'end', Infinity)
  return { selectors: form.all('match[]').map((text) => matchersOf('match[]', text)), fromMs, toMs }
}

/** The matchers of a selector like `up{job="node"}`. */
export function matchersOf(name: string, text: string): SeriesFilter['selectors'][number] {
  const expr = parsing(name, text, () => parseExpr(text))
  if (expr.kind !== 'selector' || expr.offset !== undefined || expr.at !== undefined || expr.mode !== undefined) {
    throw invalid(name, `${JSON.stringify(text)} is no series selector: write a metric name, {label="value"}, or both`)
  }
  return expr.matchers
}

/** Runs what reads an expression; says where it is wrong as Prometheus does: `1:5: parse error: ...`. */
export function parsing<T>(name: string, text: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw asBadRequest(name, text, error)
  }
}

/** A fault in the text of an expression is its writer's; everything else stays what it is. */
export function asBadRequest(name: string, text: string, error: unknown): unknown {
  if (!(error instanceof PromqlError) || error.reason !== 'parse') return error
  const { position, message } = error
  return invalid(name, position === undefined ? message : `${placeOf(text, position)}: parse error: ${message}`)
}
