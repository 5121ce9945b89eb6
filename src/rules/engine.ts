import { resume } from '../core/alert-machine.ts'
import type { Labels } from '../core/labels.ts'
import type { AlertStateRecord, RuleOutcome } from '../core/records.ts'
import type { Sample } from '../core/sample.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { parseExpr, type QueryEngine } from '../promql/index.ts'
import { type ActiveAlert, alertOfRecord, targetOf } from './alert-book.ts'
import { createAlertTeller } from './alert-teller.ts'
import { type Batch, createBatch, type Departure, isEmptyOutcome } from './batch.ts'
import type { ContextOf } from './context.ts'
import { createDependencies } from './dependencies.ts'
import { evaluateRule, type EvaluatorOptions } from './evaluate-rule.ts'
import { createHomes } from './homes.ts'
import { type Arrival, createPartLedger } from './part-ledger.ts'
import { type PlannedGroup, type PlannedRule, planRules, type RulePlan } from './plan.ts'
import type { RuleGroup } from './rule-file.ts'
import { createAllowance } from './schedule.ts'
import { statusOf, type RuleGroupStatus } from './status.ts'
import { createTemplateToolkit } from './template.ts'
import { type Wanted, wantedByArrival, wantedWhole } from './wanted.ts'
import { createWorkLoop } from './work-loop.ts'

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

export interface RuleEngine {
  /**
   * Takes up what was stored, before `start`. Alerts wait for the parts they rest on; those whose rule, or whose target,
   * is no longer configured, close.
   */
  restore(records: readonly AlertStateRecord[], targets: Iterable<string>): void
  start(): void
  /** A round is stored and can be read: evaluates what reads it. Returns at once. */
  arrived(arrival: Arrival): void
  /** Other rules from now on: what stays keeps its alerts, the alerts of what goes close. Resolves when it is so. */
  reload(groups: readonly RuleGroup[]): Promise<void>
  /** Closes the alerts of a target that left the configuration. Resolves when it is so. */
  removeTarget(target: string): Promise<void>
  /** Evaluates every rule now. Resolves when what came of it is committed. */
  evaluateAll(): Promise<void>
  /** Resolves when nothing is waiting to be evaluated now. */
  idle(): Promise<void>
  stop(): Promise<void>
  status(): readonly RuleGroupStatus[]
}

const UNKNOWN_AFTER_MS = 120_000
/** Alerts that rest on no part may be over once this much time has passed since the start. */
const SETTLE_MS = 60_000
/** Rules that are not local run on arrival at most once in this time, and within this share of a core. */
const ARRIVAL_PAUSE_MS = 1_000
const ARRIVAL_SHARE = 0.05
const SLICE_MS = 8
const RETRY_MS = 1_000
/** Moves that are committed before a pass goes on. */
const BATCH_MOVES = 500
/** The clock of the wall against the one that never jumps. */
const JUMP_MS = 2_000

const RULE_LEFT = 'the rule left the configuration'
const TARGET_LEFT = 'the target left the configuration'

/**
 * Evaluates rules on their interval, and on arrival those that read what arrived. Whatever changes is committed first and
 * true afterwards: where a commit fails everything stays as it was, and the next evaluation tries again.
 */
export function createRuleEngine(options: RuleEngineOptions): RuleEngine {
  const { world, log } = options
  const ledger = createPartLedger()
  const teller = createAlertTeller(options.externalUrl, options.contextOf)
  const allowance = createAllowance(() => world.monotonic(), ARRIVAL_SHARE)
  const toolkit = createTemplateToolkit({
    externalLabels: options.externalLabels,
    externalUrl: options.externalUrl,
    query: (expr, at) => askForTemplate(options.engine, expr, at),
  })
  const unknownAfterMs = options.unknownAfterMs ?? UNKNOWN_AFTER_MS
  const settlesAt = world.now() + SETTLE_MS
  let departures: readonly Departure[] = []
  let arrivals = new Map<string, { at: number; readonly metrics: Set<string> }>()
  let clock = { wall: world.now(), monotonic: world.monotonic() }
  let sliceStart = world.monotonic()
  let plan = planOf(options.groups)
  let evaluator = evaluatorOf(plan)

  const loop = createWorkLoop({
    world,
    log,
    groups: () => plan.groups,
    hasUrgent: () => arrivals.size > 0,
    runUrgent: passArrivals,
    runGroup: evaluateGroup,
    runRules: async (rules) => passWanted(wantedWhole(plan, rules), world.now()),
    retry: async () => commit(createBatch()),
  })

  function planOf(groups: readonly RuleGroup[]): RulePlan {
    return planRules(groups, { engine: options.engine, toolkit, defaultIntervalMs: options.defaultIntervalMs })
  }

  function evaluatorOf(current: RulePlan): EvaluatorOptions {
    const dependencies = createDependencies(current, ledger)
    return { ledger, dependencies, teller, unknownAfterMs, settlesAt, uuid: () => world.uuid() }
  }

  async function passArrivals(): Promise<void> {
    const now = [...arrivals]
    arrivals = new Map()
    const at = Math.max(...now.map(([, arrival]) => arrival.at))
    const changed = now.map(([target, { metrics }]) => ({ target, metrics }))
    const wanted = wantedByArrival(plan, changed, (rule) => {
      const waitMs = Math.max(rule.progress.ranAt + ARRIVAL_PAUSE_MS - world.monotonic(), allowance.opensInMs)
      if (waitMs > 0) loop.later(rule, waitMs)
      return waitMs <= 0
    })
    await passWanted(wanted, at)
  }

  /** Evaluates in order, in slices, and commits at the end, or earlier where much has changed. */
  async function passWanted(wanted: Wanted, at: number): Promise<void> {
    await inBatches(wanted.keys(), async (batch) => {
      for (const [rule, targets] of wanted) {
        const all = targets === 'all' ? [undefined] : targets
        for (const target of all) await evaluate(rule, at, { batch, target, isOnArrival: true })
        if (batch.size >= BATCH_MOVES) await commit(batch)
        await breathe()
      }
    })
  }

  async function evaluateGroup(group: PlannedGroup, at: number): Promise<void> {
    checkClock()
    const began = world.monotonic()
    await inBatches(group.rules, async (batch) => {
      for (const rule of group.rules) {
        await evaluate(rule, at, { batch, target: undefined, isOnArrival: false })
        if (batch.size >= BATCH_MOVES) await commit(batch)
        const isNewSlice = await breathe()
        if (!isNewSlice || arrivals.size === 0) continue
        await commit(batch)
        await passArrivals()
      }
    })
    group.lastAt = at
    group.lastDurationMs = world.monotonic() - began
  }

  /** Commits what the work has put in its batch. Where that fails, the rules run again soon, as nothing has changed. */
  async function inBatches(rules: Iterable<PlannedRule>, work: (batch: Batch) => Promise<void>): Promise<void> {
    const batch = createBatch()
    sliceStart = world.monotonic()
    try {
      await work(batch)
      await commit(batch)
    } catch (error) {
      for (const rule of rules) loop.later(rule, RETRY_MS)
      throw error
    }
  }

  async function breathe(): Promise<boolean> {
    if (world.monotonic() - sliceStart < SLICE_MS) return false
    await world.yield()
    sliceStart = world.monotonic()
    return true
  }

  async function evaluate(
    rule: PlannedRule,
    wantedAt: number,
    how: { readonly batch: Batch; readonly target: string | undefined; readonly isOnArrival: boolean },
  ): Promise<void> {
    const { progress } = rule
    const at = Math.max(wantedAt, progress.lastAt)
    const began = world.monotonic()
    const { moves, written, error } = await evaluateRule(evaluator, rule, at, how.target)
    const tookMs = world.monotonic() - began
    if (how.isOnArrival && !rule.isLocal) allowance.spend(tookMs)
    how.batch.add(moves)
    writeSeries(rule, at, written)
    if (error !== undefined && error !== progress.lastError) {
      log.warn('a rule could not be evaluated', { rule: rule.source, error })
    }
    progress.lastAt = at
    progress.ranAt = world.monotonic()
    progress.lastError = error
    progress.lastDurationMs = tookMs
    if (how.target === undefined) loop.done(rule)
    for (const { after } of moves) if (after !== undefined) wakeForUnknown(rule, after, at)
  }

  function writeSeries(rule: PlannedRule, at: number, written: ReadonlyMap<string, readonly Sample[]>): void {
    const { scopes } = rule.progress
    for (const [scope, samples] of written) {
      if (samples.length === 0) scopes.delete(scope)
      else scopes.add(scope)
      try {
        options.write(at - rule.group.group.queryOffsetMs, scopeName(rule, scope), samples)
      } catch (error) {
        log.error('the series of a rule cannot be stored', { rule: rule.source, error })
      }
    }
  }

  /** People are told when an alert cannot be seen for long, however rarely its group is evaluated. */
  function wakeForUnknown(rule: PlannedRule, { state }: ActiveAlert, at: number): void {
    if (state.unknown === undefined || state.unknown.isTold || state.phase === 'pending') return
    loop.later(rule, Math.max(0, state.unknown.since + unknownAfterMs - at))
  }

  async function commit(batch: Batch): Promise<void> {
    const leaving = departures
    const outcome = batch.outcome(leaving)
    if (!isEmptyOutcome(outcome)) await options.submit(outcome)
    batch.adopt()
    departures = departures.filter((departure) => !leaving.includes(departure))
  }

  function depart(alert: ActiveAlert, expr: string, reason: string): void {
    const isTold = alert.state.phase === 'firing'
    const how = { at: world.now(), end: 'closed' as const, reason }
    departures = [...departures, { alert, change: isTold ? teller.end(expr, alert, how) : undefined }]
  }

  /** Closes the alerts of targets that are gone, and lets no other alert wait for their parts. */
  function forgetTargets(isGone: (target: string, alert: ActiveAlert) => boolean): void {
    for (const rule of plan.rules) {
      for (const alert of [...rule.book.all()]) {
        const parts = alert.parts.filter(({ target }) => !isGone(target, alert))
        if (isGone(targetOf(alert), alert)) {
          rule.book.delete(alert.fingerprint)
          depart(alert, rule.rule.expr, TARGET_LEFT)
        } else if (parts.length < alert.parts.length) rule.book.set({ ...alert, parts })
      }
    }
  }

  function adopt(alerts: Iterable<ActiveAlert>): void {
    const homeFor = createHomes(plan.rules)
    for (const alert of alerts) {
      const home = homeFor(alert)
      if (home === undefined) depart(alert, '', RULE_LEFT)
      else home.book.set(alert)
    }
  }

  function replacePlan(groups: readonly RuleGroup[]): void {
    const old = plan
    plan = planOf(groups)
    evaluator = evaluatorOf(plan)
    const bySource = new Map(plan.rules.map((rule) => [rule.source, rule]))
    for (const rule of old.rules) {
      const next = bySource.get(rule.source)
      for (const scope of rule.progress.scopes) {
        if (next?.isLocal === rule.isLocal) next.progress.scopes.add(scope)
        else options.write(world.now(), scopeName(rule, scope), [])
      }
      if (next !== undefined) next.progress.lastAt = rule.progress.lastAt
    }
    adopt(old.rules.flatMap((rule) => [...rule.book.all()]))
  }

  /** After the wall's clock has leapt nobody has watched the time in between: running clocks leave it out. */
  function checkClock(): void {
    const next = { wall: world.now(), monotonic: world.monotonic() }
    const leapMs = next.wall - clock.wall - (next.monotonic - clock.monotonic)
    clock = next
    if (leapMs <= JUMP_MS) return
    log.warn('the clock leapt forward; the time in between counts for no alert', { leap_ms: leapMs })
    for (const { book } of plan.rules) {
      for (const alert of [...book.all()]) book.set({ ...alert, state: resume(alert.state, next.wall) })
    }
  }

  return {
    restore(records, targets) {
      const configured = new Set(targets)
      const stored = records.filter(({ source }) => source.startsWith('rule/'))
      const alerts = stored.flatMap((record) => alertOfRecord(record) ?? [])
      if (alerts.length < stored.length) {
        log.error('stored alerts cannot be read and are left alone', { count: stored.length - alerts.length })
      }
      adopt(alerts.map((alert) => ({ ...alert, state: resume(alert.state, world.now()) })))
      forgetTargets((target, alert) => !configured.has(target) && alert.parts.some((part) => part.target === target))
      markWritten(plan.rules)
    },
    start: () => loop.start(),
    arrived(arrival) {
      checkClock()
      const metrics = ledger.note(arrival)
      const known = arrivals.get(arrival.target)
      if (known === undefined) arrivals.set(arrival.target, { at: arrival.at, metrics: new Set(metrics) })
      else {
        known.at = Math.max(known.at, arrival.at)
        for (const metric of metrics) known.metrics.add(metric)
      }
      loop.wake()
    },
    async reload(groups) {
      await loop.run(async () => {
        replacePlan(groups)
        loop.forget()
        await commit(createBatch())
      })
    },
    async removeTarget(target) {
      await loop.run(async () => {
        ledger.forget(target)
        arrivals.delete(target)
        forgetTargets((name) => name === target)
        await commit(createBatch())
      })
    },
    async evaluateAll() {
      await loop.run(async () => {
        for (const group of plan.groups) await evaluateGroup(group, world.now())
      })
    },
    idle: () => loop.idle(),
    stop: () => loop.stop(),
    status: () => statusOf(plan.groups),
  }
}

function scopeName(rule: PlannedRule, scope: string): string {
  return scope === '' ? rule.source : `${rule.source}@${scope}`
}

/** What the alerts of before wrote ends with them. */
function markWritten(rules: readonly PlannedRule[]): void {
  for (const { isLocal, book, progress } of rules) {
    for (const target of book.targets()) progress.scopes.add(isLocal ? target : '')
  }
}

async function askForTemplate(
  engine: Pick<QueryEngine, 'instant'>,
  expr: string,
  at: number,
): Promise<readonly { readonly labels: Labels; readonly value: number }[]> {
  const { value } = await engine.instant(parseExpr(expr), at)
  if (value.type === 'vector') return value.elements
  if (value.type === 'scalar') return [{ labels: {}, value: value.value }]
  throw new Error(`query gives a ${value.type}, but a template can only use a vector or a scalar`)
}
