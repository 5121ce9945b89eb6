import type { Labels } from '../../core/labels.ts'
import { ConfigError, messageOf } from '../../lib/errors.ts'
import { createQueryEngine, type EngineClock } from '../../promql/index.ts'
import type { ActiveAlert } from '../alert-book.ts'
import type { PlannedGroup } from '../plan.ts'
import type { RuleGroup } from '../rule-file.ts'
import { createHistoryReader, type History } from './history.ts'
import { createMemorySeries } from './memory-series.ts'
import { type Need, needsOf } from './needs.ts'
import { type AlertMove, createRehearsal, type Rehearsal, type RuleFailure } from './rehearsal.ts'

/** One stretch of one alert. Times are milliseconds UTC. */
export interface Spell {
  readonly file: string
  readonly group: string
  readonly alert: string
  readonly labels: Labels
  readonly annotations: Labels
  /** When its condition became true. */
  readonly activeAt: number
  /** When people would have been told; undefined: never, it did not last as long as its `for`. */
  readonly firedAt: number | undefined
  /** Undefined: it was still true at the end. */
  readonly endedAt: number | undefined
  /** Of its last evaluation. */
  readonly value: number
}

export interface Replayed {
  /** In the order they began. */
  readonly timeline: readonly Spell[]
  /** Spells beyond the most that are kept. */
  readonly more: number
  /** The first failure of each rule that failed. */
  readonly failures: readonly (RuleFailure & { readonly count: number })[]
  readonly evaluations: number
}

export interface ReplayOptions {
  readonly groups: readonly RuleGroup[]
  readonly history: History
  readonly fromMs: number
  readonly toMs: number
  readonly defaultIntervalMs: number
  readonly externalLabels: Labels
  readonly externalUrl: string
  readonly clock: EngineClock
  /** Told now and then how much is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void
}

const LIMITS = { samples: 50_000_000, steps: 1_000_000, timeMs: 120_000 }
const CHUNK_MS = 3_600_000
const WARM_UP_MAX_MS = 86_400_000
const EVALUATIONS_MAX = 5_000_000
const SPELLS_MAX = 10_000
const SLICE_MS = 8

/**
 * What rules would have said over what was recorded: each group at its interval, on the clock's multiples of it. Alerts
 * that were true before the beginning are found by starting earlier, by the longest `for`.
 *
 * What could not be read at the time is not told apart from what was not there: staleness alone decides, as in Prometheus.
 *
 * @throws ConfigError where it would take too much, or a rule cannot be replayed
 */
export async function replayRules(options: ReplayOptions): Promise<Replayed> {
  const { groups, history, clock, fromMs, toMs, defaultIntervalMs } = options
  const series = createMemorySeries()
  const engine = createQueryEngine({ source: series, limits: LIMITS, clock, defaultSubqueryStepMs: defaultIntervalMs })
  const rehearsal = createRehearsal({ ...options, engine, series })
  const needs = readNeeds(groups, defaultIntervalMs)
  const startMs = fromMs - warmUpMs(groups)
  refuseTooLong(rehearsal, toMs - startMs)
  const [backMs, aheadMs] = [furthest(needs.map((need) => need.backMs)), furthest(needs.map((need) => need.aheadMs))]
  const stepMs = Math.min(...rehearsal.groups.map(({ intervalMs }) => intervalMs), defaultIntervalMs)
  const reader = createHistoryReader({ history, series, groups, needs, fromMs: startMs - backMs, stepMs })
  const log = createLog(fromMs)
  const ticks = createTicks(rehearsal.groups, startMs)
  const breathe = createBreath(clock)
  for (let chunkMs = startMs; chunkMs < toMs; chunkMs += CHUNK_MS) {
    const endMs = Math.min(toMs, chunkMs + CHUNK_MS)
    await reader.readUntil(endMs + aheadMs)
    for (let tick = ticks.next(endMs); tick !== undefined; tick = ticks.next(endMs)) {
      const { moves, failures } = await rehearsal.evaluate(tick.group, tick.atMs)
      log.note(tick.group, tick.atMs, moves, failures)
      await breathe()
    }
    series.trim(endMs - backMs)
    options.onProgress?.((endMs - startMs) / (toMs - startMs))
  }
  return log.result()
}

/** @throws ConfigError with every rule that cannot be replayed */
function readNeeds(groups: readonly RuleGroup[], stepMs: number): readonly Need[] {
  const faults: { file: string; line?: number; message: string }[] = []
  const needs = groups.flatMap(({ file, rules, queryOffsetMs }) =>
    rules.flatMap(({ parsed, line, name }) => {
      try {
        return needsOf(parsed, stepMs).map((need) => delayed(need, queryOffsetMs))
      } catch (error) {
        faults.push({ file, ...(line === undefined ? {} : { line }), message: `${name}: ${messageOf(error)}` })
        return []
      }
    }),
  )
  if (faults.length > 0) throw new ConfigError(faults)
  return needs
}

function delayed(need: Need, byMs: number): Need {
  return { ...need, backMs: need.backMs + byMs }
}

function warmUpMs(groups: readonly RuleGroup[]): number {
  const waits = groups.flatMap(({ rules }) =>
    rules.map((rule) => (rule.kind === 'alert' ? rule.forMs + rule.keepFiringForMs : 0)),
  )
  return Math.min(WARM_UP_MAX_MS, furthest(waits))
}

function furthest(lengths: readonly number[]): number {
  return lengths.reduce((most, length) => Math.max(most, length), 0)
}

function refuseTooLong({ groups }: Rehearsal, lengthMs: number): void {
  const evaluations = groups.reduce((sum, { rules, intervalMs }) => sum + (rules.length * lengthMs) / intervalMs, 0)
  if (evaluations <= EVALUATIONS_MAX) return
  const message = `this takes ${Math.round(evaluations)} evaluations, more than ${EVALUATIONS_MAX}: replay a shorter time, or fewer rules`
  throw new ConfigError([{ message }])
}

interface Tick {
  readonly group: PlannedGroup
  readonly atMs: number
}

/** The evaluations of all groups in the order of their times; at one time, in the order of the files. */
function createTicks(groups: readonly PlannedGroup[], startMs: number): { next(untilMs: number): Tick | undefined } {
  const waiting = groups.map((group) => ({ group, atMs: Math.ceil(startMs / group.intervalMs) * group.intervalMs }))
  return {
    next(untilMs) {
      const first = waiting.reduce<(typeof waiting)[number] | undefined>(
        (earliest, one) => (earliest === undefined || one.atMs < earliest.atMs ? one : earliest),
        undefined,
      )
      if (first === undefined || first.atMs > untilMs) return undefined
      const { group, atMs } = first
      first.atMs += group.intervalMs
      return { group, atMs }
    },
  }
}

/** Lets others run when the slice is over. */
function createBreath(clock: EngineClock): () => Promise<void> {
  let sliceStart = clock.monotonic()
  return async () => {
    if (clock.monotonic() - sliceStart < SLICE_MS) return
    await clock.yield()
    sliceStart = clock.monotonic()
  }
}

interface Log {
  note(group: PlannedGroup, atMs: number, moves: readonly AlertMove[], failures: readonly RuleFailure[]): void
  result(): Replayed
}

/** Writes down what happens to alerts, and keeps what reaches into the time that was asked for. */
function createLog(fromMs: number): Log {
  const open = new Map<string, Spell>()
  const closed: Spell[] = []
  const failed = new Map<string, RuleFailure & { count: number }>()
  let more = 0
  let evaluations = 0

  function close(key: string, endedAt: number): void {
    const spell = open.get(key)
    open.delete(key)
    if (spell === undefined || endedAt < fromMs) return
    if (closed.length < SPELLS_MAX) closed.push({ ...spell, endedAt })
    else more += 1
  }

  return {
    note(group, atMs, moves, failures) {
      evaluations += group.rules.length
      for (const { before, after } of moves) {
        if (after !== undefined) open.set(keyOf(group, after), spellOf(group, after))
        else if (before !== undefined) close(keyOf(group, before), atMs)
      }
      for (const failure of failures) {
        const key = `${group.key}\n${failure.rule}`
        const known = failed.get(key)
        if (known === undefined) failed.set(key, { ...failure, count: 1 })
        else known.count += 1
      }
    },
    result() {
      const timeline = [...closed, ...open.values()].toSorted((a, b) => a.activeAt - b.activeAt)
      return { timeline, more, failures: [...failed.values()], evaluations }
    },
  }
}

function keyOf({ key }: PlannedGroup, { source, fingerprint }: ActiveAlert): string {
  return `${key}\n${source}\n${fingerprint}`
}

function spellOf({ group }: PlannedGroup, { labels, annotations, value, state }: ActiveAlert): Spell {
  const { alertname = '', ...rest } = labels
  return {
    file: group.file,
    group: group.name,
    alert: alertname,
    labels: rest,
    annotations,
    activeAt: state.activeAt,
    firedAt: state.firedAt,
    endedAt: undefined,
    value,
  }
}
