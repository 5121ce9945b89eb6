import type { ActiveAlert } from './alert-book.ts'
import { type Batch, createBatch } from './batch.ts'
import { checkClock } from './changes.ts'
import { evaluateRule } from './evaluate-rule.ts'
import type { PlannedGroup, PlannedRule } from './plan.ts'
import { breathe, commit, type Runtime, writeSeries } from './runtime.ts'
import { type Wanted, wantedByArrival, wantedWhole } from './wanted.ts'
import type { RuleTimers } from './work-loop.ts'

/** Rules that are not local run on arrival at most once in this time. */
const ARRIVAL_PAUSE_MS = 1_000
/** Moves that are committed before a pass goes on. */
const BATCH_MOVES = 500
const RETRY_MS = 1_000

/** Evaluates what reads what has arrived. */
export async function passArrivals(runtime: Runtime, timers: RuleTimers): Promise<void> {
  const { world } = runtime.options
  const waiting = [...runtime.arrivals]
  runtime.arrivals = new Map()
  const changed = waiting.map(([target, { metrics }]) => ({ target, metrics }))
  const wanted = wantedByArrival(runtime.plan, changed, (rule) => {
    const pauseMs = rule.progress.ranAt + ARRIVAL_PAUSE_MS - world.monotonic()
    const waitMs = Math.max(pauseMs, runtime.allowance.opensInMs)
    if (waitMs > 0) timers.later(rule, waitMs)
    return waitMs <= 0
  })
  await passWanted(runtime, timers, wanted, Math.max(...waiting.map(([, { at }]) => at)))
}

/** Evaluates these rules, which were put off, and what reads what they write. */
export async function passPutOff(runtime: Runtime, timers: RuleTimers, rules: readonly PlannedRule[]): Promise<void> {
  await passWanted(runtime, timers, wantedWhole(runtime.plan, rules), runtime.options.world.now())
}

/** Evaluates a group in its order, at one instant. What arrives meanwhile is evaluated between two slices. */
export async function passGroup(runtime: Runtime, timers: RuleTimers, group: PlannedGroup, at: number): Promise<void> {
  const { world } = runtime.options
  checkClock(runtime)
  const began = world.monotonic()
  await inBatches(runtime, timers, group.rules, async (batch) => {
    for (const rule of group.rules) {
      await evaluate(runtime, timers, rule, { batch, at, target: undefined, isOnArrival: false })
      if (batch.size >= BATCH_MOVES) await commit(runtime, batch)
      const isNewSlice = await breathe(runtime)
      if (!isNewSlice || runtime.arrivals.size === 0) continue
      await commit(runtime, batch)
      await passArrivals(runtime, timers)
    }
  })
  group.lastAt = at
  group.lastDurationMs = world.monotonic() - began
}

async function passWanted(runtime: Runtime, timers: RuleTimers, wanted: Wanted, at: number): Promise<void> {
  await inBatches(runtime, timers, wanted.keys(), async (batch) => {
    for (const [rule, targets] of wanted) {
      const each = targets === 'all' ? [undefined] : targets
      for (const target of each) await evaluate(runtime, timers, rule, { batch, at, target, isOnArrival: true })
      if (batch.size >= BATCH_MOVES) await commit(runtime, batch)
      await breathe(runtime)
    }
  })
}

/** Commits what the work has put in its batch. Where that fails the rules run again soon, as nothing has changed. */
async function inBatches(
  runtime: Runtime,
  timers: RuleTimers,
  rules: Iterable<PlannedRule>,
  work: (batch: Batch) => Promise<void>,
): Promise<void> {
  const batch = createBatch()
  runtime.sliceStart = runtime.options.world.monotonic()
  try {
    await work(batch)
    await commit(runtime, batch)
  } catch (error) {
    for (const rule of rules) timers.later(rule, RETRY_MS)
    throw error
  }
}

interface Occasion {
  readonly batch: Batch
  readonly at: number
  /** Undefined: all targets. */
  readonly target: string | undefined
  readonly isOnArrival: boolean
}

async function evaluate(runtime: Runtime, timers: RuleTimers, rule: PlannedRule, occasion: Occasion): Promise<void> {
  const { world } = runtime.options
  const { progress } = rule
  const at = Math.max(occasion.at, progress.lastAt)
  const began = world.monotonic()
  const { moves, written, error } = await evaluateRule(runtime, rule, at, occasion.target)
  const tookMs = world.monotonic() - began
  if (occasion.isOnArrival && !rule.isLocal) runtime.allowance.spend(tookMs)
  occasion.batch.add(moves)
  writeSeries(runtime, rule, at, written)
  progress.lastAt = at
  progress.ranAt = world.monotonic()
  noteError(runtime, rule, occasion.target ?? '', error)
  progress.lastDurationMs = tookMs
  if (occasion.target === undefined) timers.done(rule)
  for (const { after } of moves) if (after !== undefined) wakeForUnknown(runtime, timers, rule, after)
}

/** An evaluation of all targets replaces what was known of each. */
function noteError({ options }: Runtime, rule: PlannedRule, target: string, error: string | undefined): void {
  const { errors } = rule.progress
  const isNew = error !== undefined && error !== errors.get(target)
  if (isNew) options.log.warn('a rule could not be evaluated', { rule: rule.source, error })
  if (target === '') errors.clear()
  if (error === undefined) errors.delete(target)
  else errors.set(target, error)
}

/** People are told when an alert cannot be seen for long, however rarely its group is evaluated. */
function wakeForUnknown(
  { unknownAfterMs }: Runtime,
  timers: RuleTimers,
  rule: PlannedRule,
  { state }: ActiveAlert,
): void {
  if (state.unknown === undefined || state.unknown.isTold || state.phase === 'pending') return
  timers.later(rule, Math.max(0, state.unknown.since + unknownAfterMs - rule.progress.lastAt))
}
