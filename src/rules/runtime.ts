import type { Labels } from '../core/labels.ts'
import type { RuleOutcome } from '../core/records.ts'
import type { Sample } from '../core/sample.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { parseExpr, type QueryEngine, type VectorElement } from '../promql/index.ts'
import type { ActiveAlert } from './alert-book.ts'
import { type AlertTeller, createAlertTeller } from './alert-teller.ts'
import { type Batch, type Departure, isEmptyOutcome } from './batch.ts'
import type { ContextOf } from './context.ts'
import { createDependencies, type Dependencies } from './dependencies.ts'
import { createPartLedger, type PartLedger } from './part-ledger.ts'
import { type PlannedRule, planRules, type RulePlan } from './plan.ts'
import type { RuleGroup } from './rule-file.ts'
import { type Allowance, createAllowance } from './schedule.ts'
import { createTemplateToolkit, type TemplateToolkit } from './template.ts'

export interface RuleEngineOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'yield' | 'uuid'>
  readonly log: Logger
  readonly engine: Pick<QueryEngine, 'prepare' | 'instant'>
  readonly groups: readonly RuleGroup[]
  /** The one transaction of the alert path: durable when it resolves, and nothing of it when it rejects. */
  readonly submit: (outcome: RuleOutcome) => Promise<void>
  /** Stores series, visible to queries at once. What the scope wrote before and that is missing now ends. */
  readonly write: (at: number, scope: string, samples: readonly Sample[]) => void
  readonly contextOf: ContextOf
  readonly externalLabels: Labels
  /** Where people reach the process; '' where they cannot. */
  readonly externalUrl: string
  readonly defaultIntervalMs: number
  /** How long an alert cannot be seen before people are told. Default 2 minutes. */
  readonly unknownAfterMs?: number
}

/** What has arrived of a target and was not evaluated yet. */
interface WaitingArrival {
  at: number
  readonly metrics: Set<string>
}

/** The one state of a rule engine. Only what runs in its work loop changes it, but for `arrivals` and the ledger. */
export interface Runtime {
  readonly options: RuleEngineOptions
  readonly toolkit: TemplateToolkit
  readonly ledger: PartLedger
  readonly teller: AlertTeller
  /** What rules that are not local may use on arrival. */
  readonly allowance: Allowance
  readonly unknownAfterMs: number
  /** Until then an alert from storage that rests on no part is not over just because nothing was seen of it yet. */
  readonly settlesAt: number
  plan: RulePlan
  dependencies: Dependencies
  arrivals: Map<string, WaitingArrival>
  departures: readonly Departure[]
  /** Targets that are not configured any more: what is still to be seen of their series is no alert. */
  readonly leftTargets: Set<string>
  clock: { readonly wall: number; readonly monotonic: number }
  sliceStart: number
}

const UNKNOWN_AFTER_MS = 120_000
/** Alerts that rest on no part may be over once this much time has passed since the start. */
const SETTLE_MS = 60_000
/** Of a core, for rules on arrival that are not local. */
const ARRIVAL_SHARE = 0.05
const SLICE_MS = 8

export function createRuntime(options: RuleEngineOptions): Runtime {
  const { world, externalLabels, externalUrl } = options
  const ledger = createPartLedger()
  const query = async (expr: string, at: number) => askForTemplate(options.engine, expr, at)
  const toolkit = createTemplateToolkit({ externalLabels, externalUrl, query })
  const plan = planFor(options, toolkit, options.groups)
  return {
    options,
    toolkit,
    ledger,
    teller: createAlertTeller(externalUrl, options.contextOf),
    allowance: createAllowance(() => world.monotonic(), ARRIVAL_SHARE),
    unknownAfterMs: options.unknownAfterMs ?? UNKNOWN_AFTER_MS,
    settlesAt: world.now() + SETTLE_MS,
    plan,
    dependencies: createDependencies(plan, ledger),
    arrivals: new Map(),
    departures: [],
    leftTargets: new Set(),
    clock: { wall: world.now(), monotonic: world.monotonic() },
    sliceStart: world.monotonic(),
  }
}

export function planFor(
  { engine, defaultIntervalMs }: RuleEngineOptions,
  toolkit: TemplateToolkit,
  groups: readonly RuleGroup[],
): RulePlan {
  return planRules(groups, { engine, toolkit, defaultIntervalMs })
}

/** Commits a batch together with the departures that wait, and makes it true. */
export async function commit(runtime: Runtime, batch: Batch): Promise<void> {
  const leaving = runtime.departures
  const outcome = batch.outcome(leaving)
  if (!isEmptyOutcome(outcome)) await runtime.options.submit(outcome)
  batch.adopt()
  runtime.departures = runtime.departures.filter((departure) => !leaving.includes(departure))
}

/** Lets an alert go whose rule or target is gone: with the next commit. */
export function depart(
  runtime: Runtime,
  alert: ActiveAlert,
  why: { readonly expr: string; readonly reason: string },
): void {
  const how = { at: runtime.options.world.now(), end: 'closed' as const, reason: why.reason }
  const change = alert.state.phase === 'firing' ? runtime.teller.end(why.expr, alert, how) : undefined
  runtime.departures = [...runtime.departures, { alert, change }]
}

/** Lets others run when the slice is over. @returns whether it was */
export async function breathe(runtime: Runtime): Promise<boolean> {
  const { world } = runtime.options
  if (world.monotonic() - runtime.sliceStart < SLICE_MS) return false
  await world.yield()
  runtime.sliceStart = world.monotonic()
  return true
}

/** Stores what a rule wrote, each scope on its own. */
export function writeSeries(
  { options }: Runtime,
  rule: PlannedRule,
  at: number,
  written: ReadonlyMap<string, readonly Sample[]>,
): void {
  const { scopes } = rule.progress
  for (const [scope, samples] of written) {
    if (samples.length === 0) scopes.delete(scope)
    else scopes.add(scope)
    try {
      options.write(at - rule.group.group.queryOffsetMs, scopeName(rule, scope), samples)
    } catch (error) {
      options.log.error('the series of a rule cannot be stored', { rule: rule.source, error })
    }
  }
}

export function scopeName(rule: PlannedRule, scope: string): string {
  return scope === '' ? rule.source : `${rule.source}@${scope}`
}

async function askForTemplate(
  engine: Pick<QueryEngine, 'instant'>,
  expr: string,
  at: number,
): Promise<readonly VectorElement[]> {
  const { value } = await engine.instant(parseExpr(expr), at)
  if (value.type === 'vector') return value.elements
  if (value.type === 'scalar') return [{ labels: {}, value: value.value }]
  throw new Error(`query gives a ${value.type}, but a template can only use a vector or a scalar`)
}
