import type { AlertStateRecord } from '../core/records.ts'
import { createBatch } from './batch.ts'
import { forgetTarget, noteArrival, replaceRules, restoreAlerts } from './changes.ts'
import type { Arrival } from './part-ledger.ts'
import { passArrivals, passGroup, passPutOff } from './passes.ts'
import type { RuleGroup } from './rule-file.ts'
import { commit, createRuntime, type RuleEngineOptions } from './runtime.ts'
import { type RuleGroupStatus, statusOf } from './status.ts'
import { createWorkLoop } from './work-loop.ts'

export interface RuleEngine {
  /**
   * Takes up what was stored, before `start`. Alerts wait for the parts they rest on; those whose rule, or whose target,
   * is no longer configured, close.
   */
  restore(records: readonly AlertStateRecord[], targets: Iterable<string>): void
  start(): void
  /** A round is stored and can be read: evaluates what reads it. Returns at once. */
  arrived(arrival: Arrival): void
  /**
   * Other rules from now on: what stays keeps its alerts, the alerts of what goes close. Resolves when they are in place;
   * rejects, and changes nothing, when they cannot be evaluated at all.
   */
  reload(groups: readonly RuleGroup[]): Promise<void>
  /** Closes the alerts of a target that left the configuration. */
  removeTarget(target: string): Promise<void>
  /** Evaluates every rule now, also before the start. Resolves when what came of it is committed. */
  evaluateAll(): Promise<void>
  /** Resolves when nothing is waiting to be evaluated now. */
  idle(): Promise<void>
  stop(): Promise<void>
  status(): readonly RuleGroupStatus[]
}

/**
 * Evaluates rules on their interval, and on arrival those that read what arrived. Whatever changes is committed first and
 * true afterwards: where a commit fails everything stays as it was, and the next evaluation tries again.
 */
export function createRuleEngine(options: RuleEngineOptions): RuleEngine {
  const { world, log } = options
  const runtime = createRuntime(options)
  const loop = createWorkLoop({
    world,
    log,
    groups: () => runtime.plan.groups,
    hasUrgent: () => runtime.arrivals.size > 0,
    runUrgent: async () => passArrivals(runtime, loop),
    runGroup: async (group, at) => passGroup(runtime, loop, group, at),
    runRules: async (rules) => passPutOff(runtime, loop, rules),
    commitRest: async () => commit(runtime, createBatch()),
  })

  return {
    restore: (records, targets) => restoreAlerts(runtime, records, new Set(targets)),
    start: () => loop.start(),
    arrived(arrival) {
      noteArrival(runtime, arrival)
      loop.wake()
    },
    reload: async (groups) =>
      loop.run(async () => {
        replaceRules(runtime, groups)
        loop.forget()
        loop.rest()
      }),
    removeTarget: async (target) =>
      loop.run(async () => {
        forgetTarget(runtime, target)
        loop.rest()
      }),
    evaluateAll: async () =>
      loop.run(async () => {
        for (const group of runtime.plan.groups) await passGroup(runtime, loop, group, world.now())
      }),
    idle: async () => loop.idle(),
    stop: async () => loop.stop(),
    status: () => statusOf(runtime.plan.groups),
  }
}
