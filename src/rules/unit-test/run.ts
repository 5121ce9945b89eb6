import { createMatcher, matchesAll } from '../../core/matcher.ts'
import { formatDuration } from '../../lib/duration.ts'
import { messageOf } from '../../lib/errors.ts'
import {
  createQueryEngine,
  type EngineClock,
  parseExpr,
  type QueryEngine,
  type SeriesLine,
  selectorsOf,
} from '../../promql/index.ts'
import { createMemorySeries, type MemorySeries } from '../replay/memory-series.ts'
import { askVector, createRehearsal, type Rehearsal } from '../replay/rehearsal.ts'
import type { RuleGroup } from '../rule-file.ts'
import { compareAlerts, compareSamples } from './compare.ts'
import { type ExprCase, lastEvalMs, type TestGroup, type UnitTestDocument } from './document.ts'

/** What did not come out as the file says. */
export interface UnitTestFailure {
  readonly test: string
  /** The alert, the expression or the rule, and when: `InstanceDown at 5m`. */
  readonly what: string
  readonly expected: string
  readonly got: string
}

export interface UnitTestReport {
  /** Cases, of alerts and of expressions. */
  readonly passed: number
  /** Cases that expect or read native histograms, which are not supported: nothing is said of them. */
  readonly skipped: number
  readonly failures: readonly UnitTestFailure[]
}

export interface UnitTestOptions {
  readonly clock: EngineClock
  /** Only tests whose name this RE2 expression finds something in. */
  readonly run?: string | undefined
}

const LIMITS = { samples: 50_000_000, steps: 1_000_000, timeMs: 120_000 }

/** Runs the tests of a file on its rules, and says of each case whether it passed. */
export async function runUnitTest(
  document: UnitTestDocument,
  groups: readonly RuleGroup[],
  { clock, run }: UnitTestOptions,
): Promise<UnitTestReport> {
  const chosen = run === undefined ? undefined : createMatcher('name', '=~', `.*(?:${run}).*`)
  const reports: UnitTestReport[] = []
  for (const test of document.tests) {
    if (chosen?.matches(test.name) === false) continue
    reports.push(await createTestRun(document, groups, test, clock)())
  }
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
    failures: reports.flatMap(({ failures }) => failures),
  }
}

/** What one test works with. */
interface Stage {
  readonly document: UnitTestDocument
  readonly test: TestGroup
  readonly series: MemorySeries
  readonly engine: QueryEngine
  readonly rehearsal: Rehearsal
  readonly clock: EngineClock
  readonly failures: UnitTestFailure[]
  passed: number
  skipped: number
}

function createTestRun(
  document: UnitTestDocument,
  groups: readonly RuleGroup[],
  test: TestGroup,
  clock: EngineClock,
): () => Promise<UnitTestReport> {
  const { intervalMs, groupOrder } = document
  const series = createMemorySeries()
  const engine = createQueryEngine({ source: series, limits: LIMITS, clock, defaultSubqueryStepMs: intervalMs })
  const rehearsal = createRehearsal({
    groups: groups.toSorted((a, b) => orderOf(groupOrder, a) - orderOf(groupOrder, b)),
    engine,
    series,
    externalLabels: test.externalLabels,
    externalUrl: test.externalUrl,
    defaultIntervalMs: test.intervalMs,
  })
  const stage: Stage = { document, test, series, engine, rehearsal, clock, failures: [], passed: 0, skipped: 0 }
  return async () => {
    if (await playRules(stage)) for (const one of test.exprs) await checkExpr(stage, one)
    const { passed, skipped, failures } = stage
    return { passed, skipped, failures }
  }
}

/** Groups that are not named go first, as promtool orders them. */
function orderOf(groupOrder: readonly string[], { name }: RuleGroup): number {
  return Math.max(0, groupOrder.indexOf(name))
}

/** Evaluates the rules step by step, and looks at alerts when their time has come. A rule that fails ends the test. */
async function playRules(stage: Stage): Promise<boolean> {
  const { document, test, rehearsal, series, clock } = stage
  const lastMs = lastEvalMs(test)
  const feeds = test.series.map((line) => createFeed(line, test, series))
  let sliceStart = clock.monotonic()
  for (let elapsedMs = 0; elapsedMs <= lastMs; elapsedMs += document.intervalMs) {
    // What comes later is not there yet: a rule must not see it, and promtool shows it to nobody.
    for (const feed of feeds) feed(elapsedMs)
    const failures = []
    for (const group of rehearsal.groups) {
      failures.push(...(await rehearsal.evaluate(group, test.startMs + elapsedMs)).failures)
    }
    for (const { rule, message } of failures) {
      fail(stage, `the rule ${rule} at ${formatDuration(elapsedMs)}`, { expected: 'no error', got: message })
    }
    if (failures.length > 0) return false
    checkAlerts(stage, elapsedMs)
    if (clock.monotonic() - sliceStart < SLICE_MS) continue
    await clock.yield()
    sliceStart = clock.monotonic()
  }
  return true
}

const SLICE_MS = 8

/** Brings the samples of a line into reach, up to a time. */
function createFeed({ labels, points }: SeriesLine, test: TestGroup, series: MemorySeries): (untilMs: number) => void {
  let next = 0
  return (untilMs) => {
    for (; next < points.length && next * test.intervalMs <= untilMs; next += 1) {
      const point = points[next]
      if (point === undefined || point === 'gap' || point === 'native') continue
      series.add(labels, test.startMs + next * test.intervalMs, point)
    }
  }
}

function checkAlerts(stage: Stage, elapsedMs: number): void {
  const { document, test, rehearsal } = stage
  for (const { alertname, evalMs, expected } of test.alerts) {
    if (evalMs < elapsedMs || evalMs >= elapsedMs + document.intervalMs) continue
    const difference = compareAlerts(expected, rehearsal.firing(alertname))
    if (difference === undefined) stage.passed += 1
    else fail(stage, `the alert ${alertname} at ${formatDuration(evalMs)}`, difference)
  }
}

async function checkExpr(stage: Stage, one: ExprCase): Promise<void> {
  const { document, test, engine } = stage
  const what = `${one.expr} at ${formatDuration(one.evalMs)}`
  try {
    if (one.isNative || readsNative(one.expr, test)) {
      stage.skipped += 1
      return
    }
    const got = await askVector(engine, one.expr, test.startMs + one.evalMs)
    const difference = compareSamples(one.expected, got, document.isFuzzy)
    if (difference === undefined) stage.passed += 1
    else fail(stage, what, difference)
  } catch (error) {
    fail(stage, what, { expected: 'an answer', got: messageOf(error) })
  }
}

function readsNative(expr: string, { series }: TestGroup): boolean {
  const native = series.filter(({ points }) => points.includes('native'))
  return selectorsOf(parseExpr(expr)).some(({ matchers }) => native.some(({ labels }) => matchesAll(matchers, labels)))
}

function fail({ failures, test }: Stage, what: string, difference: Pick<UnitTestFailure, 'expected' | 'got'>): void {
  failures.push({ test: test.name, what, ...difference })
}
