import type { AlertChange } from '../core/alert.ts'
import type { AlertCommit, PipelineOutcome, RuleOutcome } from '../core/records.ts'
import { createBatchQueue } from '../lib/batch-queue.ts'
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
  /** Runs something that changes the pipeline itself (a new configuration) while nothing else is under way. */
  exclusively(action: () => void): Promise<void>
  /** Begins to look at groups when they are due. */
  start(): void
  /** Commits what is waiting, then takes no more. */
  stop(): Promise<void>
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
  const queue = createBatchQueue<RuleOutcome | (() => void) | 'tick'>(BATCH_MAX, async (batch) => {
    const outcomes = batch.filter((item) => typeof item === 'object')
    if (outcomes.length > 0) {
      const changes = outcomes.flatMap((outcome) => outcome.changes)
      await commit(options, outcomes, pipeline.plan(changes, world.now()))
    }
    for (const item of batch) if (typeof item === 'function') item()
    await commit(options, [], pipeline.tick(world.now()))
  })
  let cancelTimer: Cancel | undefined
  let isRunning = false

  function wait(ms: number): void {
    cancelTimer?.()
    cancelTimer = world.after(ms, () => void tick())
  }

  async function tick(): Promise<void> {
    try {
      await queue.push('tick')
      schedule()
    } catch (error) {
      log.error('groups cannot be committed; trying again', { error })
      wait(RETRY_MS)
    }
  }

  function schedule(): void {
    const due = pipeline.nextDue()
    if (due === undefined || !isRunning) return
    wait(Math.min(Math.max(0, due - world.now()), TIMER_MS_MAX))
  }

  return {
    async submit(outcome) {
      await queue.push(outcome)
      schedule()
    },
    async exclusively(action) {
      await queue.push(action)
      schedule()
    },
    start() {
      isRunning = true
      schedule()
    },
    async stop() {
      isRunning = false
      cancelTimer?.()
      await queue.idle()
    },
  }
}

async function commit(options: AlertPathOptions, outcomes: readonly RuleOutcome[], plan: Plan): Promise<void> {
  const { outcome } = plan
  const rules = merge(outcomes)
  if (!isEmpty(rules, outcome)) await options.commit({ ...rules, ...outcome })
  plan.accept()
  if (outcome.notifications.length > 0) options.owed()
}

/** Outcomes that wait together come from different engines, so no row is in two of them. */
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
