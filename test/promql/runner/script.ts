import { parseSeriesLine, type SeriesLine } from '../../../src/promql/index.ts'
import { durationOf, numberOf } from './numbers.ts'

/** What a case wants said beside its result. `none` is `no_warn` or `no_info`. */
export interface Expectation {
  readonly kind: 'fail' | 'warn' | 'info' | 'no_warn' | 'no_info'
  readonly message: string | undefined
  readonly pattern: RegExp | undefined
}

export interface Case {
  readonly kind: 'eval'
  readonly line: number
  readonly query: string
  readonly times:
    | { readonly kind: 'instant'; readonly at: number }
    | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly step: number }
  readonly expectations: readonly Expectation[]
  readonly isOrdered: boolean
  readonly string: string | undefined
  /** Times of the raw samples that an instant query of a range gives. */
  readonly rawRange: { readonly from: number; readonly to: number; readonly step: number } | undefined
  readonly scalar: number | undefined
  readonly series: readonly SeriesLine[]
  /** An expected series is written as a native histogram. */
  readonly isNative: boolean
}

interface Load {
  readonly kind: 'load'
  readonly line: number
  readonly step: number
  readonly series: readonly SeriesLine[]
  /** Native histograms with custom buckets are made of the classic ones (`load_with_nhcb`). */
  readonly withCustomBuckets: boolean
}

export type Command =
  | Case
  | { readonly kind: 'clear'; readonly line: number }
  | Load
  | { readonly kind: 'unreadable'; readonly line: number; readonly reason: string }

const LOAD = /^load(?<custom>_with_nhcb)?\s+(?<step>\S+)$/
const INSTANT = /^eval(?:_(?<flag>fail|warn|ordered|info))?\s+instant\s+(?:at\s+(?<at>\S+)\s+)?(?<query>\S.*)$/
const RANGE =
  /^eval(?:_(?<flag>fail|warn|info))?\s+range\s+from\s+(?<from>\S+)\s+to\s+(?<to>\S+)\s+step\s+(?<step>\S+)\s+(?<query>\S.*)$/
const EXPECT =
  /^expect\s+(?<kind>ordered|fail|warn|no_warn|info|no_info|string|range\s+vector)(?:\s+(?<match>msg|regex):\s*(?<text>.*)|\s+(?<rest>.*))?$/
const OLD_FAIL = /^expected_fail_(?<match>message|regexp)\s+(?<text>.*)$/
const RAW_RANGE = /^from\s+(?<from>\S+)\s+to\s+(?<to>\S+)\s+step\s+(?<step>\S+)$/

/** Reads a script in promqltest's grammar. What cannot be read becomes a command that says so, and reading goes on. */
export function parseScript(text: string): readonly Command[] {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()))
  const commands: Command[] = []
  for (let index = 0; index < lines.length;) {
    const first = lines[index] ?? ''
    if (first === '') {
      index += 1
      continue
    }
    let end = index + 1
    // A blank line or a comment ends a block.
    if (first !== 'clear') while (end < lines.length && lines[end] !== '') end += 1
    commands.push(...readBlock(first, lines.slice(index + 1, end), index + 1))
    index = end
  }
  return commands
}

function readBlock(first: string, rest: readonly string[], line: number): readonly Command[] {
  try {
    if (first === 'clear') return [{ kind: 'clear', line }]
    const load = LOAD.exec(first)?.groups
    if (load !== undefined) {
      const step = durationOf(load['step'] ?? '')
      return readLoad(rest, { line, step, withCustomBuckets: load['custom'] !== undefined })
    }
    const instant = INSTANT.exec(first)?.groups
    const range = RANGE.exec(first)?.groups
    if (range !== undefined) return [readCase(range, rest, line)]
    if (instant !== undefined) return [readCase(instant, rest, line)]
    return [{ kind: 'unreadable', line, reason: `unknown command ${JSON.stringify(first)}` }]
  } catch (error) {
    return [unreadable(line, error)]
  }
}

function unreadable(line: number, error: unknown): Command {
  return { kind: 'unreadable', line, reason: error instanceof Error ? error.message : String(error) }
}

/** A series that cannot be read is one failure; the others are loaded. */
function readLoad(rest: readonly string[], head: Omit<Load, 'kind' | 'series'>): readonly Command[] {
  const series: SeriesLine[] = []
  const bad: Command[] = []
  for (const [index, text] of rest.entries()) {
    try {
      series.push(parseSeriesLine(text))
    } catch (error) {
      bad.push(unreadable(head.line + 1 + index, error))
    }
  }
  return [...bad, { kind: 'load', ...head, series }]
}

type Groups = Readonly<Record<string, string | undefined>>

/** What the lines below an `eval` add to the case. */
interface Draft {
  expectations: Expectation[]
  isOrdered: boolean
  string: string | undefined
  rawRange: Case['rawRange']
  scalar: number | undefined
  series: SeriesLine[]
}

function readCase(groups: Groups, rest: readonly string[], line: number): Case {
  const flag = groups['flag']
  const draft: Draft = {
    expectations: flag === 'fail' || flag === 'warn' || flag === 'info' ? [expectation(flag)] : [],
    isOrdered: flag === 'ordered',
    string: undefined,
    rawRange: undefined,
    scalar: undefined,
    series: [],
  }
  for (const text of rest) readExpected(draft, text)
  const { from, to, step, at, query = '' } = groups
  const times: Case['times'] =
    from === undefined
      ? { kind: 'instant', at: durationOf(at ?? '0') }
      : { kind: 'range', from: durationOf(from), to: durationOf(to ?? ''), step: durationOf(step ?? '') }
  const isNative = draft.series.some((series) => series.points.includes('native'))
  return { kind: 'eval', line, query, times, ...draft, isNative }
}

function readExpected(draft: Draft, text: string): void {
  const expect = EXPECT.exec(text)?.groups
  if (expect !== undefined) {
    readExpectation(draft, expect)
    return
  }
  const old = OLD_FAIL.exec(text)?.groups
  if (old !== undefined) {
    const match = old['match'] === 'message' ? 'msg' : 'regex'
    draft.expectations = [expectation('fail', match, old['text'])]
    return
  }
  if (text.startsWith('expect')) throw new Error(`unknown expectation ${JSON.stringify(text)}`)
  if (/^[+-]?(?:[\d.]|inf$|nan$)/i.test(text) && !text.includes('{')) draft.scalar = numberOf(text)
  else draft.series.push(parseSeriesLine(text))
}

function readExpectation(draft: Draft, groups: Groups): void {
  const kind = (groups['kind'] ?? '').replace(/\s+/, ' ')
  const { match, text, rest } = groups
  switch (kind) {
    case 'ordered':
      draft.isOrdered = true
      break
    case 'string':
      draft.string = unquote(rest ?? '')
      break
    case 'range vector': {
      const times = RAW_RANGE.exec(rest ?? '')?.groups
      if (times === undefined) throw new Error(`expect range vector from ... to ... step ..., not ${rest ?? 'nothing'}`)
      const { from = '', to = '', step = '' } = times
      draft.rawRange = { from: durationOf(from), to: durationOf(to), step: durationOf(step) }
      break
    }
    case 'fail':
    case 'warn':
    case 'info':
    case 'no_warn':
    case 'no_info':
      if (rest !== undefined) throw new Error(`unknown expectation: ${rest}`)
      draft.expectations.push(expectation(kind, match, text))
      break
    default:
      throw new Error(`unknown expectation ${kind}`)
  }
}

function expectation(kind: Expectation['kind'], match?: string, text?: string): Expectation {
  return {
    kind,
    message: match === 'msg' ? text : undefined,
    pattern: match === 'regex' ? new RegExp(text ?? '') : undefined,
  }
}

function unquote(text: string): string {
  const quote = text.charAt(0)
  if (text.length < 2 || !'"`'.includes(quote) || !text.endsWith(quote)) throw new Error(`bad string ${text}`)
  if (quote === '`') return text.slice(1, -1)
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'string') throw new Error(`bad string ${text}`)
  return parsed
}
