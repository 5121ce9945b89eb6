import type { Labels } from '../../core/labels.ts'
import { parseDuration } from '../../lib/duration.ts'
import { parseExpr } from '../syntax/parser.ts'

/** One point of a series line: a number, a gap, a staleness marker, or a native histogram (which is only recognised). */
type Point = number | 'gap' | 'stale' | 'native'

export interface SeriesLine {
  readonly labels: Labels
  /** The line says when the counters began (`metric@st`), as milliseconds from each sample. */
  readonly isStarts: boolean
  readonly points: readonly Point[]
}

const METRIC =
  /^(?:[a-zA-Z_:][a-zA-Z0-9_:]*)?(?:\s*\{(?!\{)(?:[^"'`{}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\})?/
const NUMBER = String.raw`[+-]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)`
const SEQUENCE = new RegExp(`^(${NUMBER})(?:([+-])(${NUMBER.replace('[+-]?', '')}))?(?:x(\\d+))?$`, 'i')
const DURATION = String.raw`(?:\d+(?:ms|[smhdwy]))+|0`
const STARTS = new RegExp(`^([+-]?)(${DURATION})(?:([+-])(${DURATION}))?(?:x(\\d+))?$`)
const REPEATED = /^(_|stale)(?:x(\d+))?$/

/**
 * Reads `metric{label="value"} 1 2+3x2 _ stale`, the notation of promtool and promqltest.
 *
 * @throws Error that says what cannot be read
 */
export function parseSeriesLine(line: string): SeriesLine {
  const metric = METRIC.exec(line)?.[0] ?? ''
  if (metric.trim() === '') throw new Error(`no series in ${JSON.stringify(line)}`)
  const rest = line.slice(metric.length)
  const isStarts = rest.startsWith('@st')
  const text = isStarts ? rest.slice(3) : rest
  const words = text.match(/(?:\{\{.*?\}\}|\S)+/g) ?? []
  return {
    labels: parseMetric(metric.trim()),
    isStarts,
    points: words.flatMap((word) => (isStarts ? expandStarts(word) : expandPoints(word))),
  }
}

/** The labels of `metric{...}`: an empty `{}` is no selector, so it is read here. */
function parseMetric(text: string): Labels {
  const name = /^[^{\s]*/.exec(text)?.[0] ?? ''
  if (/^[^{]*(?:\{\s*\})?$/.test(text)) return name === '' ? {} : { __name__: name }
  const selector = parseExpr(`info(x, ${text})`)
  const inner = selector.kind === 'call' ? selector.args[1] : undefined
  if (inner?.kind !== 'selector') throw new Error(`no series: ${text}`)
  return Object.fromEntries(inner.matchers.map((matcher) => [matcher.name, matcher.value]))
}

function expandPoints(word: string): readonly Point[] {
  if (word.startsWith('{{')) {
    const times = /x(\d+)$/.exec(word)?.[1]
    return repeat('native', Number(times ?? 0) + 1)
  }
  const repeated = REPEATED.exec(word)
  if (repeated !== null) {
    const [, what, times] = repeated
    // `_x3` is three gaps, `stalex3` three markers: there is no first value to repeat.
    return repeat(what === '_' ? 'gap' : 'stale', times === undefined ? 1 : Number(times))
  }
  const match = SEQUENCE.exec(word)
  if (match === null) throw new Error(`bad point ${JSON.stringify(word)}`)
  const [, first = '', sign, step, times] = match
  const increment = step === undefined ? 0 : numberOf(step) * (sign === '-' ? -1 : 1)
  if (step !== undefined && times === undefined) throw new Error(`bad point ${JSON.stringify(word)}: no count`)
  const values = [numberOf(first)]
  for (let index = 0; index < Number(times ?? 0); index += 1) values.push((values.at(-1) ?? 0) + increment)
  return values
}

function expandStarts(word: string): readonly Point[] {
  const gaps = REPEATED.exec(word)
  if (gaps !== null) return repeat('gap', gaps[2] === undefined ? 1 : Number(gaps[2]))
  const match = STARTS.exec(word)
  if (match === null) throw new Error(`bad start timestamp ${JSON.stringify(word)}`)
  const [, sign, first = '', stepSign, step, times] = match
  const begin = durationOf(first) * (sign === '-' ? -1 : 1)
  const increment = step === undefined ? 0 : durationOf(step) * (stepSign === '-' ? -1 : 1)
  return Array.from({ length: Number(times ?? 0) + 1 }, (_, index) => begin + index * increment)
}

function repeat(point: Point, times: number): readonly Point[] {
  return Array.from({ length: times }, () => point)
}

/** A number as Go reads it, `+Inf` and `NaN` included. */
function numberOf(text: string): number {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new Error(`bad number ${JSON.stringify(text)}`)
  return value
}

/** Milliseconds of a duration, or of a plain number of seconds. */
function durationOf(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const plain = text.replace(/^[+-]/, '')
  const ms = parseDuration(plain)
  if (ms !== undefined) return sign * ms
  if (/^\d+(?:\.\d+)?$/.test(plain)) return sign * Number(plain) * 1000
  throw new Error(`bad duration ${JSON.stringify(text)}`)
}
