import { resume } from '../core/alert-machine.ts'
import type { AlertStateRecord } from '../core/records.ts'
import { type ActiveAlert, alertOfRecord, targetOf } from './alert-book.ts'
import { createDependencies } from './dependencies.ts'
import { createHomes } from './homes.ts'
import type { Arrival } from './part-ledger.ts'
import type { PlannedRule } from './plan.ts'
import type { RuleGroup } from './rule-file.ts'
import { depart, planFor, type Runtime, scopeName } from './runtime.ts'

/*
 * What happens to alerts other than by evaluation: they come back from storage, their rules or targets change, rounds
 * arrive, the clock leaps.
 */

const RULE_LEFT = 'the rule left the configuration'
const TARGET_LEFT = 'the target left the configuration'
/** The clock of the wall against the one that never jumps. */
const LEAP_MS = 2_000

/** Takes up stored alerts. Those whose rule or target is not configured any more leave. */
export function restoreAlerts(
  runtime: Runtime,
  records: readonly AlertStateRecord[],
  targets: ReadonlySet<string>,
): void {
  const { world, log } = runtime.options
  const stored = records.filter(({ source }) => source.startsWith('rule/'))
  const alerts = stored.flatMap((record) => alertOfRecord(record) ?? [])
  if (alerts.length < stored.length) {
    log.error('stored alerts cannot be read and are left alone', { count: stored.length - alerts.length })
  }
  const now = world.now()
  settleIn(
    runtime,
    alerts.map((alert) => resumed(alert, now)),
  )
  // A label `target` of somebody else's is no target of ours: only a target that an alert rests on can have left.
  forget(runtime, (target, { parts }) => !targets.has(target) && parts.some((part) => part.target === target))
  for (const { isLocal, book, progress } of runtime.plan.rules) {
    for (const target of book.targets()) progress.scopes.add(isLocal ? target : '')
  }
}

/** Notes a round for the next pass. */
export function noteArrival(runtime: Runtime, arrival: Arrival): void {
  checkClock(runtime)
  const metrics = runtime.ledger.note(arrival)
  runtime.leftTargets.delete(arrival.target)
  const waiting = runtime.arrivals.get(arrival.target)
  if (waiting === undefined) {
    runtime.arrivals.set(arrival.target, { at: arrival.at, metrics: new Set(metrics) })
    return
  }
  waiting.at = Math.max(waiting.at, arrival.at)
  for (const metric of metrics) waiting.metrics.add(metric)
}

export function forgetTarget(runtime: Runtime, target: string): void {
  runtime.ledger.forget(target)
  runtime.arrivals.delete(target)
  runtime.leftTargets.add(target)
  forget(runtime, (name) => name === target)
}

/** Puts other rules in place. Alerts go on under the rule of the same name; series of rules that are gone end. */
export function replaceRules(runtime: Runtime, groups: readonly RuleGroup[]): void {
  const { options, plan: old } = runtime
  const plan = planFor(options, runtime.toolkit, groups)
  runtime.plan = plan
  runtime.dependencies = createDependencies(plan, runtime.ledger)
  const bySource = new Map(plan.rules.map((rule) => [rule.source, rule]))
  for (const rule of old.rules) handOver(runtime, rule, bySource.get(rule.source))
  settleIn(
    runtime,
    old.rules.flatMap((rule) => rule.book.all()),
  )
}

/** After the wall's clock has leapt nobody has watched the time in between: clocks that run leave it out. */
export function checkClock(runtime: Runtime): void {
  const { world, log } = runtime.options
  const { wall, monotonic } = runtime.clock
  runtime.clock = { wall: world.now(), monotonic: world.monotonic() }
  const leapMs = runtime.clock.wall - wall - (runtime.clock.monotonic - monotonic)
  if (leapMs <= LEAP_MS) return
  log.warn('the clock leapt forward; the time in between counts for no alert', { leap_ms: leapMs })
  for (const { book } of runtime.plan.rules) {
    for (const alert of book.all()) book.set(resumed(alert, runtime.clock.wall))
  }
}

function resumed(alert: ActiveAlert, at: number): ActiveAlert {
  return { ...alert, state: resume(alert.state, at) }
}

function handOver({ options }: Runtime, rule: PlannedRule, next: PlannedRule | undefined): void {
  for (const scope of rule.progress.scopes) {
    if (next?.isLocal === rule.isLocal) next.progress.scopes.add(scope)
    else options.write(options.world.now(), scopeName(rule, scope), [])
  }
  if (next !== undefined) next.progress.lastAt = rule.progress.lastAt
}

function settleIn(runtime: Runtime, alerts: Iterable<ActiveAlert>): void {
  const homeOf = createHomes(runtime.plan.rules)
  for (const alert of alerts) {
    const home = homeOf(alert)
    if (home === undefined) depart(runtime, alert, { expr: '', reason: RULE_LEFT })
    else home.book.set(alert)
  }
}

/** Closes the alerts of targets that are gone, and lets no other alert wait for their parts. */
function forget(runtime: Runtime, isGone: (target: string, alert: ActiveAlert) => boolean): void {
  for (const { book, rule } of runtime.plan.rules) {
    for (const alert of book.all()) {
      const parts = alert.parts.filter(({ target }) => !isGone(target, alert))
      if (isGone(targetOf(alert), alert)) {
        book.delete(alert.fingerprint)
        runtime.leftTargets.add(targetOf(alert))
        depart(runtime, alert, { expr: rule.expr, reason: TARGET_LEFT })
      } else if (parts.length < alert.parts.length) book.set({ ...alert, parts })
    }
  }
}
