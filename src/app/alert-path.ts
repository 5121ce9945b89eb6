import type { AlertChange } from '../core/alert.ts'
import type { AlertCommit, PipelineOutcome, RuleOutcome } from '../core/records.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'

/** What the pipeline would do: nothing happens until it is committed, and then accepted. */
export interface Plan {
  readonly outcome: PipelineOutcome
  accept(): void
}

export interface Pipeline {
  plan(changes: readonly AlertChange[], now: number): Plan
  tick(now: number): Plan
  /** When a group wants to be looked at, milliseconds UTC. */
  nextDue(): number | undefined
}

export interface AlertPathOptions {
  readonly world: Pick<World, 'now' | 'after'>
  readonly log: Logger
  readonly pipeline: Pipeline
  readonly commit: (commit: AlertCommit) => Promise<void>
  /** Something is owed: a notification was committed. */
  readonly owed: () => void
}

export interface AlertPath {
  /** Resolves when the outcome, and what the pipeline made of it, is durable; rejects when nothing of it is. */
  submit(outcome: RuleOutcome): Promise<void>
  /** Begins to look at groups when they are due. */
  start(): void
  /** Commits what is waiting, then takes no more. */
  stop(): Promise<void>
}

interface Waiting {
  readonly outcome: RuleOutcome
  readonly done: () => void
  readonly failed: (reason: unknown) => void
}

const RETRY_MS = 1_000
const TIMER_MS_MAX = 60_000
/** How many submissions share one transaction. */
const BATCH_MAX = 64

/**
 * The one place where alerts change: rules submit what changed, the pipeline says what follows, and both are one
 * transaction. One after the other, never two at once; those that wait together are committed together.
 */
export function createAlertPath(options: AlertPathOptions): AlertPath {
  const { world, log, pipeline } = options
  const waiting: Waiting[] = []
  let isTicking = false
  let isStopped = false
  let working: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  async function commit(outcomes: readonly RuleOutcome[], plan: Plan): Promise<void> {
    const { outcome } = plan
    const rules = merge(outcomes)
    if (!isEmpty(rules, outcome)) await options.commit({ ...rules, ...outcome })
    plan.accept()
    if (outcome.notifications.length > 0) options.owed()
  }

  async function workOnce(): Promise<void> {
    const batch = waiting.splice(0, BATCH_MAX)
    try {
      if (batch.length > 0) {
        const outcomes = batch.map(({ outcome }) => outcome)
        const changes = outcomes.flatMap((outcome) => outcome.changes)
        await commit(outcomes, pipeline.plan(changes, world.now()))
      }
      for (const { done } of batch) done()
    } catch (error) {
      for (const { failed } of batch) failed(error)
    }
    if (isTicking) await tick()
  }

  async function tick(): Promise<void> {
    isTicking = false
    try {
      await commit([], pipeline.tick(world.now()))
    } catch (error) {
      log.error('groups cannot be committed; trying again', { error })
      wait(RETRY_MS)
    }
  }

  async function work(): Promise<void> {
    while (waiting.length > 0 || isTicking) await workOnce()
    working = undefined
    if (cancelTimer === undefined) scheduleTick()
  }

  function begin(): void {
    working ??= work()
  }

  function scheduleTick(): void {
    const due = pipeline.nextDue()
    if (due === undefined || isStopped) return
    wait(Math.min(Math.max(0, due - world.now()), TIMER_MS_MAX))
  }

  function wait(ms: number): void {
    cancelTimer?.()
    cancelTimer = world.after(ms, () => {
      cancelTimer = undefined
      if (isStopped) return
      isTicking = true
      begin()
    })
  }

  return {
    async submit(outcome) {
      return new Promise((done, failed) => {
        waiting.push({ outcome, done, failed })
        cancelTimer?.()
        cancelTimer = undefined
        begin()
      })
    },
    start: scheduleTick,
    async stop() {
      isStopped = true
      cancelTimer?.()
      await working
    },
  }
}

function merge(outcomes: readonly RuleOutcome[]): Omit<RuleOutcome, 'changes'> {
  return {
    alertStates: {
      put: outcomes.flatMap(({ alertStates }) => alertStates.put),
      remove: outcomes.flatMap(({ alertStates }) => alertStates.remove),
    },
    eventRules: {
      put: outcomes.flatMap(({ eventRules }) => eventRules.put),
      remove: outcomes.flatMap(({ eventRules }) => eventRules.remove),
    },
  }
}

function isEmpty({ alertStates, eventRules }: Omit<RuleOutcome, 'changes'>, pipeline: PipelineOutcome): boolean {
  const written = [alertStates.put, alertStates.remove, eventRules.put, eventRules.remove]
  const followed = [pipeline.groups.put, pipeline.groups.remove, pipeline.episodes, pipeline.notifications]
  return [...written, ...followed].every((list) => list.length === 0)
}
