import type { AlertStateRecord, EventRuleRecord } from '../../core/records.ts'
import type { Cancel } from '../../lib/world.ts'
import type { EventRule } from './compile.ts'
import {
  awaitsHeight,
  createFollowing,
  type EventRulesOptions,
  followOnce,
  keepTargets,
  nextDue,
  restoreFollowing,
  storePositions,
} from './follow.ts'

export interface EventRules {
  /** Takes up what was stored. Before `start`. With `targets`, alerts of any other target close. */
  restore(states: readonly AlertStateRecord[], rules: readonly EventRuleRecord[], targets?: Iterable<string>): void
  /** Resolves when the positions of new rules are durable: events stored from then on are not missed, whatever dies. */
  start(): Promise<void>
  /** The log has grown. */
  wake(): void
  /** The chain of a target has reached a height: what it no longer shows may now be settled. Call it after the commit. */
  height(target: string, height: number): void
  /**
   * Other rules from now on: what stays keeps its position and its alerts, what goes closes its alerts. Resolves when it
   * is so, or could not be committed and is tried again.
   */
  reload(rules: readonly EventRule[], lastSequence: number): Promise<void>
  /** Closes the alerts of a target that left the configuration. */
  removeTarget(target: string): void
  /** Resolves when everything that is known has been dealt with, or could not be. */
  idle(): Promise<void>
  stop(): Promise<void>
}

const RETRY_MS = 1_000
const TIMER_MS_MAX = 3_600_000

/**
 * Lets rules follow the numbered events from positions of their own. Alerts and positions move in one transaction, so
 * whatever dies when, no event is skipped and none is seen twice. What could not be committed is tried again.
 */
export function createEventRules(options: EventRulesOptions): EventRules {
  const { world, log } = options
  const following = createFollowing(options)
  let isWanted = false
  let running: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  function want(): void {
    isWanted = true
    if (following.isStarted) running ??= run()
  }

  async function run(): Promise<void> {
    // What is started here must not be done before its caller knows that it runs.
    await Promise.resolve()
    let waitMs = 0
    try {
      while (isWanted && following.isStarted) {
        isWanted = false
        await followOnce(following)
      }
      waitMs = Math.max(0, nextDue(following) - world.now())
    } catch (error) {
      log.error('event rules could not go on; trying again', { error })
      waitMs = RETRY_MS
    }
    running = undefined
    cancelTimer?.()
    cancelTimer = following.isStarted ? world.after(Math.min(waitMs, TIMER_MS_MAX), want) : undefined
  }

  return {
    restore(states, rules, targets) {
      restoreFollowing(following, states, rules)
      if (targets !== undefined) keepTargets(following, new Set(targets))
    },
    async start() {
      await storePositions(following)
      following.isStarted = true
      want()
    },
    wake: want,
    height(target, height) {
      following.heights.set(target, height)
      if (awaitsHeight(following, target)) want()
    },
    async reload(rules, lastSequence) {
      following.reloaded = { rules, lastSequence }
      want()
      await running
    },
    removeTarget(target) {
      following.removedTargets.add(target)
      following.heights.delete(target)
      want()
    },
    async idle() {
      await running
    },
    async stop() {
      following.isStarted = false
      cancelTimer?.()
      await running
    },
  }
}
