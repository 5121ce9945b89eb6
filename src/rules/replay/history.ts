import { labelsKey, type Labels, METRIC_NAME } from '../../core/labels.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { RuleGroup } from '../rule-file.ts'
import type { MemorySeries } from './memory-series.ts'
import { LOOKBACK_MS, type Need } from './needs.ts'

/** Samples of one series, ascending by time; milliseconds UTC. */
export interface HistorySeries {
  readonly labels: Labels
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** What was recorded, wherever it is kept: the two ways to ask are a range selector and a subquery. */
export interface History {
  /** The samples with `fromMs < time <= toMs`. */
  raw(selector: string, fromMs: number, toMs: number): Promise<readonly HistorySeries[]>
  /** What an instant query gives at every multiple of `stepMs` in the same stretch. */
  steps(
    selector: string,
    stretch: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
  ): Promise<readonly HistorySeries[]>
}

/** Brings recorded samples into reach of the rules, stretch by stretch. */
export interface HistoryReader {
  /** Reads on, up to and with this time. */
  readUntil(toMs: number): Promise<void>
}

/** Where a series stood when it was last read. */
interface Tail {
  readonly labels: Labels
  lastMs: number
  isEnded: boolean
}

interface Selection {
  readonly selector: string
  readonly isInstant: boolean
  readonly tails: Map<string, Tail>
}

export interface ReaderOptions {
  readonly history: History
  readonly series: MemorySeries
  readonly groups: readonly RuleGroup[]
  readonly needs: readonly Need[]
  readonly fromMs: number
  /** Evaluations take place at multiples of it. */
  readonly stepMs: number
}

const SAMPLES_MAX = 20_000_000
/** As much as one answer may be about. */
const READ_MS = 6 * 3_600_000
const ALERT_SERIES = new Set(['ALERTS', 'ALERTS_FOR_STATE'])

/**
 * What the rules record themselves is not read: they write it again. Staleness markers are not among samples that were
 * asked for, so where an instant query sees nothing although there was a sample lately, the series ended.
 */
export function createHistoryReader(options: ReaderOptions): HistoryReader {
  const { history, series, stepMs } = options
  const isReplayed = replayedBy(options.groups)
  const selections = selectionsOf(options.needs)
  let readMs = options.fromMs

  async function readSelection({ selector, isInstant, tails }: Selection, toMs: number): Promise<void> {
    const found = (await history.raw(selector, readMs, toMs)).filter(({ labels }) => !isReplayed(labels))
    if (!isInstant) {
      for (const one of found) append(series, one)
      return
    }
    const steps = await history.steps(selector, { fromMs: readMs, toMs, stepMs })
    const seen = new Map(steps.map((one) => [labelsKey(one.labels), new Set(one.times)]))
    const samples = new Map(found.map((one) => [labelsKey(one.labels), one]))
    for (const [key, { labels }] of samples) {
      if (!tails.has(key)) tails.set(key, { labels, lastMs: Number.NEGATIVE_INFINITY, isEnded: false })
    }
    for (const [key, tail] of tails) {
      const times = samples.get(key)?.times ?? []
      markEnds(series, tail, { times, seen: seen.get(key) ?? new Set(), fromMs: readMs, toMs, stepMs })
    }
    for (const one of found) append(series, one)
  }

  return {
    async readUntil(toMs) {
      while (readMs < toMs) {
        const endMs = Math.min(toMs, readMs + READ_MS)
        for (const selection of selections) {
          await readSelection(selection, endMs)
          refuseTooMuch(series)
        }
        readMs = endMs
      }
    },
  }
}

/** @throws ConfigError */
function refuseTooMuch({ size }: MemorySeries): void {
  if (size <= SAMPLES_MAX) return
  const message = `the rules reach more than ${SAMPLES_MAX} samples at once: replay fewer of them, or narrow what they select`
  throw new ConfigError([{ message }])
}

interface Stretch {
  readonly times: readonly number[]
  readonly seen: ReadonlySet<number>
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

/** Ends the series at the first step that does not see it, although its last sample is not too old for that. */
function markEnds(series: MemorySeries, tail: Tail, { times, seen, fromMs, toMs, stepMs }: Stretch): void {
  let next = 0
  for (let at = (Math.floor(fromMs / stepMs) + 1) * stepMs; at <= toMs; at += stepMs) {
    for (let time = times[next]; time !== undefined && time <= at; time = times[next]) {
      tail.lastMs = time
      tail.isEnded = false
      next += 1
    }
    if (tail.isEnded || seen.has(at) || at - tail.lastMs >= LOOKBACK_MS || at === tail.lastMs) continue
    series.add(tail.labels, at, 'stale')
    tail.isEnded = true
  }
  const last = times.at(-1)
  if (last === undefined || last <= tail.lastMs) return
  tail.lastMs = last
  tail.isEnded = false
}

function append(series: MemorySeries, { labels, times, values }: HistorySeries): void {
  for (const [index, time] of times.entries()) series.add(labels, time, values[index] ?? Number.NaN)
}

/** Each selector once; at an instant if anyone reads it so. */
function selectionsOf(needs: readonly Need[]): readonly Selection[] {
  const bySelector = Map.groupBy(needs, ({ selector }) => selector)
  return [...bySelector].map(([selector, all]) => ({
    selector,
    isInstant: all.some(({ isInstant }) => isInstant),
    tails: new Map(),
  }))
}

/** Whether the rules themselves write a series. */
function replayedBy(groups: readonly RuleGroup[]): (labels: Labels) => boolean {
  const rules = groups.flatMap((group) => group.rules)
  const recorded = new Set(rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : [])))
  const alerts = new Set(rules.flatMap((rule) => (rule.kind === 'alert' ? [rule.name] : [])))
  return (labels) => {
    const name = labels[METRIC_NAME] ?? ''
    return recorded.has(name) || (ALERT_SERIES.has(name) && alerts.has(labels['alertname'] ?? ''))
  }
}
