import { labelsKey, METRIC_NAME, type Labels } from '../../../src/core/labels.ts'
import { matchesAll } from '../../../src/core/matcher.ts'
import {
  childrenOf,
  createQueryEngine,
  parseExpr,
  type Expr,
  type ParsedExpr,
  type QueryEngine,
  type QueryResult,
} from '../../../src/promql/index.ts'
import { compareResult } from './compare.ts'
import { parseScript, type Case, type Command, type Expectation } from './script.ts'
import { createScriptStore, type ScriptStore } from './store.ts'

interface Failure {
  readonly line: number
  readonly query: string
  readonly expected: string
  readonly got: string
}

export interface ScriptReport {
  readonly passed: number
  readonly skipped: number
  readonly failures: readonly Failure[]
}

/** As upstream's own runs: delayed name removal and everything experimental on. */
const OPTIONS = { delayedNameRemoval: true, experimental: true, defaultSubqueryStepMs: 60_000 }
const LIMITS = { samples: 100_000_000, steps: 1_000_000, timeMs: 60_000 }

interface State {
  readonly store: ScriptStore
  readonly engine: QueryEngine
  /** Series that are written as native histograms, or made into some. */
  readonly native: readonly Labels[]
}

/** Runs a script and says of each case whether it passed. */
export async function runScript(text: string): Promise<ScriptReport> {
  let state = fresh()
  const failures: Failure[] = []
  let passed = 0
  let skipped = 0
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') state = fresh()
    else if (command.kind === 'load') state = load(state, command)
    else if (command.kind === 'unreadable') {
      failures.push({ line: command.line, query: '', expected: 'a line that can be read', got: command.reason })
    } else if (isNativeCase(state, command)) skipped += 1
    else {
      const failure = await runCase(state.engine, command)
      if (failure === undefined) passed += 1
      else failures.push({ line: command.line, query: command.query, ...failure })
    }
  }
  return { passed, skipped, failures }
}

function fresh(): State {
  const store = createScriptStore()
  const clock = { monotonic: () => performance.now(), yield: nextTurn }
  return { store, engine: createQueryEngine({ source: store, limits: LIMITS, clock, ...OPTIONS }), native: [] }
}

async function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function load(state: State, command: Extract<Command, { kind: 'load' }>): State {
  const lines = command.series.filter((line) => !line.points.includes('native'))
  state.store.add(lines, command.step)
  const native = command.series.filter((line) => line.points.includes('native')).map((line) => line.labels)
  const custom = command.withCustomBuckets ? lines.map((line) => customBuckets(line.labels)) : []
  return { ...state, native: [...state.native, ...native, ...custom] }
}

/** The name and labels of the native histogram that is made of a classic one. */
function customBuckets(labels: Labels): Labels {
  const { le: _, ...rest } = labels
  return { ...rest, [METRIC_NAME]: (labels[METRIC_NAME] ?? '').replace(/_(?:bucket|sum|count)$/, '') }
}

/** A case is left out only if it expects a native histogram or reads one. */
function isNativeCase({ native }: State, { query, isNative }: Case): boolean {
  if (isNative) return true
  if (native.length === 0) return false
  const parsed = tryParse(query)
  if (parsed === undefined) return native.some((labels) => query.includes(labels[METRIC_NAME] ?? '\0'))
  return selectors(parsed).some((matchers) => native.some((labels) => matchesAll(matchers, labels)))
}

function tryParse(query: string): ParsedExpr | undefined {
  try {
    return parseExpr(query)
  } catch {
    return undefined
  }
}

function selectors(expr: Expr): readonly (readonly Parameters<typeof matchesAll>[0][number][])[] {
  if (expr.kind === 'selector') return [expr.matchers]
  return childrenOf(expr).flatMap(selectors)
}

type Difference = Pick<Failure, 'expected' | 'got'>

async function runCase(engine: QueryEngine, test: Case): Promise<Difference | undefined> {
  const fail = test.expectations.find((expectation) => expectation.kind === 'fail')
  let result: QueryResult
  try {
    result = await evaluate(engine, test)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (fail === undefined) return { expected: 'an answer', got: `error: ${message}` }
    return holds(fail, message) ? undefined : { expected: `fail ${wanted(fail)}`, got: `error: ${message}` }
  }
  if (fail !== undefined) return { expected: `fail ${wanted(fail)}`, got: 'an answer' }
  return checkNotes(test, result) ?? compareResult(test, result.value) ?? (await checkAsRange(engine, test, result))
}

async function evaluate(engine: QueryEngine, { query, times }: Case): Promise<QueryResult> {
  const expr = parseExpr(query)
  if (times.kind === 'instant') return engine.instant(expr, times.at)
  return engine.range(expr, { startMs: times.from, endMs: times.to, stepMs: times.step })
}

function checkNotes({ expectations }: Case, { warnings, infos }: QueryResult): Difference | undefined {
  for (const expectation of expectations) {
    const notes = expectation.kind.endsWith('warn') ? warnings : infos
    const got = notes.length === 0 ? 'none' : notes.join('; ')
    if (expectation.kind.startsWith('no_')) {
      if (notes.length > 0) return { expected: expectation.kind, got }
    } else if (!notes.some((note) => holds(expectation, note))) {
      return { expected: `${expectation.kind} ${wanted(expectation)}`, got }
    }
  }
  return undefined
}

function holds({ message, pattern }: Expectation, text: string): boolean {
  if (message !== undefined) return text === message
  return pattern === undefined || pattern.test(text)
}

function wanted({ message, pattern }: Expectation): string {
  return message ?? pattern?.source ?? '(anything)'
}

/** What holds at an instant must also be what a range query says of it. */
async function checkAsRange(engine: QueryEngine, test: Case, result: QueryResult): Promise<Difference | undefined> {
  if (test.times.kind !== 'instant' || result.value.type !== 'vector' || isBoundToTime(test.query)) return undefined
  const { at } = test.times
  const step = 60_000
  let range: QueryResult
  try {
    range = await engine.range(parseExpr(test.query), { startMs: at - step, endMs: at + step, stepMs: step })
  } catch {
    // At its neighbours the query may well be an error.
    return undefined
  }
  if (range.value.type !== 'matrix') return { expected: 'a matrix', got: range.value.type }
  const byKey = new Map(range.value.series.map((series) => [labelsKey(series.labels), series]))
  for (const { labels, value } of result.value.elements) {
    const series = byKey.get(labelsKey(labels))
    const got = series?.values[series.times.indexOf(at)]
    if (got !== undefined && (Object.is(got, value) || Math.abs(got - value) <= 1e-9 * Math.abs(value))) continue
    return { expected: `${labelsKey(labels)} ${value} also as part of a range`, got: String(got) }
  }
  return undefined
}

/** Queries that mean something else in a range: their own start, end, step, and annotations apart. */
function isBoundToTime(query: string): boolean {
  return /\b(?:start|end|step|range)\s*\(/i.test(query)
}
