import { experimentalPart } from './analyze.ts'
import { createBudget, drive, type EngineClock, type EngineLimits } from './budget.ts'
import { PromqlError } from './errors.ts'
import { evaluate } from './evaluate/evaluate.ts'
import { createGrid, createNotes, type EngineOptions, type Grid, type Run } from './evaluate/run.ts'
import { createPlan, type Plan } from './plan.ts'
import { instantValue, rangeValue } from './results.ts'
import type { SeriesSource } from './source.ts'
import type { Expr, ParsedExpr } from './syntax/ast.ts'
import type { QueryResult, Value } from './value.ts'

export interface QueryEngineOptions {
  readonly source: SeriesSource
  readonly limits: EngineLimits
  readonly clock: EngineClock
  /** The step of `[1h:]`: Prometheus' global evaluation interval. */
  readonly defaultSubqueryStepMs: number
  /** How far an instant selector looks back; 5 minutes unless told. */
  readonly lookbackMs?: number
  /** Metric names go at the very end instead of at each function (Prometheus' default is false). */
  readonly delayedNameRemoval?: boolean
  /** Whether experimental functions and modifiers are accepted; they are unless told. */
  readonly experimental?: boolean
}

interface InstantOptions {
  readonly signal?: AbortSignal
  /** Reads only series with this label: a local rule for the target that arrived. */
  readonly narrow?: { readonly target: string }
}

interface RangeOptions {
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
  readonly signal?: AbortSignal
}

/** An expression with what it has found out about its series, kept until series appear or go. */
export interface PreparedQuery {
  readonly expr: Expr
  /**
   * The value at one time. A promise only if samples must be fetched or the work does not fit one slice.
   *
   * @throws PromqlError, or rejects with it
   */
  instant(atMs: number, options?: InstantOptions): QueryResult | Promise<QueryResult>
  range(options: RangeOptions): Promise<QueryResult<Extract<Value, { type: 'matrix' }>>>
}

export interface QueryEngine {
  prepare(expr: Expr | ParsedExpr): PreparedQuery
  /** `prepare` and evaluate once. */
  instant(expr: Expr | ParsedExpr, atMs: number, options?: InstantOptions): QueryResult | Promise<QueryResult>
  range(expr: Expr | ParsedExpr, options: RangeOptions): Promise<QueryResult<Extract<Value, { type: 'matrix' }>>>
}

const FIVE_MINUTES_MS = 300_000

/** Evaluates PromQL (Prometheus 3.14, floats and classic histograms) over a source of series. */
export function createQueryEngine(options: QueryEngineOptions): QueryEngine {
  const { source, clock, limits, defaultSubqueryStepMs } = options
  const inner: EngineOptions = {
    source,
    defaultSubqueryStepMs,
    lookbackMs: options.lookbackMs ?? FIVE_MINUTES_MS,
    delayedNameRemoval: options.delayedNameRemoval ?? false,
  }

  function prepare(expr: Expr | ParsedExpr): PreparedQuery {
    if (options.experimental === false) refuseExperimental(expr)
    const plan = createPlan(expr, source)
    return {
      expr,
      instant: (atMs, { signal, narrow } = {}) => {
        const run = startRun(plan, { query: createGrid(atMs, atMs, 0), isRange: false, signal, narrow: narrow?.target })
        return drive(instantValue({ run, grid: run.query }, expr), clock, run.budget)
      },
      range: async ({ startMs, endMs, stepMs, signal }) => {
        const query = checkedGrid({ startMs, endMs, stepMs }, limits)
        const run = startRun(plan, { query, isRange: true, signal, narrow: undefined })
        return drive(rangeValue({ run, grid: query }, expr), clock, run.budget)
      },
    }
  }

  function startRun(plan: Plan, how: RunOptions): Run {
    plan.refresh()
    const { text, invariants } = plan
    return {
      options: inner,
      budget: createBudget(clock, limits, how.signal),
      notes: createNotes(text),
      signal: how.signal,
      query: how.query,
      isRange: how.isRange,
      select: (selector) => plan.select(selector, how.narrow),
      selections: () => plan.selections(how.narrow),
      isInvariant: (part) => invariants.has(part),
      place: (part, key) => plan.place(part, key),
      evaluate,
    }
  }

  return {
    prepare,
    instant: (expr, atMs, instantOptions) => prepare(expr).instant(atMs, instantOptions),
    range: async (expr, rangeOptions) => prepare(expr).range(rangeOptions),
  }
}

interface RunOptions {
  readonly query: Grid
  readonly isRange: boolean
  readonly signal: AbortSignal | undefined
  readonly narrow: string | undefined
}

function refuseExperimental(expr: Expr): void {
  const part = experimentalPart(expr)
  if (part === undefined) return
  throw new PromqlError(`${part.what} is experimental in Prometheus, and experimental parts are switched off here`, {
    position: part.start,
    reason: 'parse',
  })
}

function checkedGrid({ startMs, endMs, stepMs }: RangeOptions, limits: EngineLimits): Grid {
  if (!(stepMs > 0)) throw new PromqlError('the step of a range query must be longer than 0')
  if (endMs < startMs) throw new PromqlError('a range query cannot end before it starts')
  const grid = createGrid(startMs, endMs, stepMs)
  if (grid.count <= limits.steps) return grid
  throw new PromqlError(`the range has ${grid.count} steps, more than ${limits.steps}: make the step longer`)
}
