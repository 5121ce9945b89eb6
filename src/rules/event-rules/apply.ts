import { type Alert, type AlertEnd } from '../../core/alert.ts'
import type { EventLogEntry, StoredEvent } from '../../core/event.ts'
import { canonicalLabels, fingerprint, type Labels } from '../../core/labels.ts'
import { messageOf } from '../../lib/errors.ts'
import { CLOSED_REASON, type ContextOf, withContext } from '../context.ts'
import { celValueOf, type CelEvent } from './cel.ts'
import type { EventCondition, EventRule } from './compile.ts'
import type { Draft, RuleDraft } from './draft.ts'
import { type EventAlert, kept, settled, standing, withoutSighting, withSighting } from './event-alert.ts'
import { attributeText, type EventView, viewOfEvent } from './event-view.ts'

/** What one pass knows beside its draft. */
export interface Pass {
  readonly draft: Draft
  /** Milliseconds UTC. */
  readonly now: number
  uuid(): string
  readonly contextOf: ContextOf
  alertsOnHistory(target: string): boolean
}

/** An entry of the log, with what every rule needs of it, made once. */
export interface Step {
  readonly entry: EventLogEntry
  readonly view: EventView
  readonly cel: CelEvent
}

/** The alert about a rule that cannot be evaluated. */
export const FAILING_ALERT = 'ChainwardenEventRuleFailing'

/** A fact that was told of and is mined again must find what was told: a reorg is over long before this. */
const REMEMBERED_MS = 3_600_000
const FAILING_CLOSES_MS = 900_000

export function stepOf(entry: EventLogEntry): Step {
  const view = viewOfEvent(entry.event)
  return { entry, view, cel: { ...view, args: celValueOf(view['args']), ...celBlock(entry.event) } }
}

/** `block.number` is an integer too; hashes and ids stay texts, whatever they look like. */
function celBlock({ block }: StoredEvent): Readonly<Record<string, unknown>> {
  return block === undefined ? {} : { block: { ...block, number: celValueOf(block.number) } }
}

/** Lets one rule deal with one entry of the log. */
export function applyEntry(pass: Pass, rule: EventRule, alerts: RuleDraft, step: Step): void {
  const { event, kind } = step.entry
  if (rule.targets !== undefined && !rule.targets.has(event.target)) return
  if (kind === 'retracted') {
    if (event.type === rule.raise.on) retract(rule, alerts, step)
    return
  }
  if (event.isHistory && !pass.alertsOnHistory(event.target)) return
  if (rule.resolve !== undefined && holds(pass, rule, alerts, rule.resolve, step)) resolve(pass, rule, alerts, step)
  if (holds(pass, rule, alerts, rule.raise, step)) raise(pass, rule, alerts, step)
}

/** Ends what is settled to be untrue, now that the chains of these targets have reached these heights. */
export function settle(pass: Pass, rule: EventRule, alerts: RuleDraft, heights: ReadonlyMap<string, number>): void {
  for (const [key, alert] of alerts.entries()) {
    const facts = settled(alert.facts, heights.get(alert.target))
    if (facts.length === alert.facts.length) continue
    if (alert.phase === 'firing' && !alert.hasMore && facts.length < rule.needs) {
      tellEnd(pass, rule, alert, 'resolved', 'reverted by a reorg')
      alerts.remove(key)
    } else if (facts.length === 0 && alert.phase !== 'firing') alerts.remove(key)
    else alerts.set(key, { ...alert, facts: [...facts] })
  }
}

/** Closes what has fired for its time, and forgets what has been over for long. */
export function expire(pass: Pass, rule: EventRule, alerts: RuleDraft): void {
  for (const [key, alert] of alerts.entries()) {
    if (alert.dueAt === undefined || alert.dueAt > pass.now) continue
    if (alert.phase === 'firing') {
      tellEnd(pass, rule, alert, 'closed')
      alerts.set(key, over(alert, pass.now))
    } else alerts.remove(key)
  }
}

/** Closes what fires, for a reason that lies outside: the rule or the target has left. */
export function close(pass: Pass, rule: EventRule, alert: EventAlert, reason: string): void {
  if (alert.phase === 'firing') tellEnd(pass, rule, alert, 'closed', reason)
}

function raise(pass: Pass, rule: EventRule, alerts: RuleDraft, step: Step): void {
  const { event } = step.entry
  const identity = identityOf(rule, step)
  const key = fingerprint(identity)
  const known = alerts.get(key)
  const { facts, isNew } = withSighting(known?.facts ?? [], event)
  if (known !== undefined && !isNew && known.phase !== 'counting') {
    alerts.set(key, { ...known, facts: [...facts] })
    return
  }
  if (known?.phase === 'firing') {
    const { facts: some, isCut } = kept(facts, rule.needs, undefined)
    refresh(pass, { rule, alerts, key, step }, { ...known, facts: [...some], hasMore: known.hasMore || isCut })
    return
  }
  // What was told of does not count towards the next alert.
  const counted = known?.phase === 'over' ? facts.filter((fact) => fact.id === event.id) : facts
  const { facts: within } = kept(counted, rule.needs, rule.window)
  const base = known ?? blank(event.target)
  if (standing(within) < rule.needs) alerts.set(key, { ...withoutDue(base), facts: [...within], phase: 'counting' })
  else fire(pass, { rule, alerts, key, step }, { ...base, facts: [...within] }, identity)
}

interface Place {
  readonly rule: EventRule
  readonly alerts: RuleDraft
  readonly key: string
  readonly step: Step
}

function blank(target: string): EventAlert {
  const nothing = { episode: '', labels: {}, annotations: {}, startsAt: 0 }
  return { version: 1, phase: 'counting', target, facts: [], hasMore: false, ...nothing }
}

function fire(pass: Pass, { rule, alerts, key, step }: Place, alert: EventAlert, identity: Labels): void {
  const labels = labelsOf(rule, step, identity)
  const firing: EventAlert = {
    ...withoutDue(alert),
    phase: 'firing',
    hasMore: false,
    episode: pass.uuid(),
    labels,
    annotations: annotationsOf(pass, rule, step, labels),
    startsAt: pass.now,
    ...closingTime(rule, pass.now),
  }
  alerts.set(key, firing)
  pass.draft.change({ kind: 'firing', alert: toldOf(rule, firing) })
}

/** One more fact behind an alert that fires: its texts are of the latest, and its time begins again. */
function refresh(pass: Pass, { rule, alerts, key, step }: Place, alert: EventAlert): void {
  const annotations = annotationsOf(pass, rule, step, alert.labels)
  const refreshed: EventAlert = { ...withoutDue(alert), annotations, ...closingTime(rule, pass.now) }
  alerts.set(key, refreshed)
  pass.draft.change({ kind: 'updated', alert: toldOf(rule, refreshed) })
}

function retract(rule: EventRule, alerts: RuleDraft, step: Step): void {
  const key = fingerprint(identityOf(rule, step))
  const known = alerts.get(key)
  const { event } = step.entry
  if (known?.facts.some((fact) => fact.sightings.includes(event.key)) !== true) return
  alerts.set(key, { ...known, facts: [...withoutSighting(known.facts, event)] })
}

/** Ends what fires of the same target, and of the same values of `by`; what is being counted begins anew. */
function resolve(pass: Pass, rule: EventRule, alerts: RuleDraft, step: Step): void {
  const only = rule.by.length === 0 ? undefined : fingerprint(identityOf(rule, step))
  for (const [key, alert] of alerts.entries()) {
    if (alert.target !== step.entry.event.target || (only !== undefined && key !== only)) continue
    if (alert.phase === 'counting') alerts.remove(key)
    if (alert.phase !== 'firing') continue
    tellEnd(pass, rule, alert, 'resolved')
    alerts.set(key, over(alert, pass.now))
  }
}

/** Whether a condition holds; a condition that cannot be answered is an alert of its own, and does not hold. */
function holds(pass: Pass, rule: EventRule, alerts: RuleDraft, condition: EventCondition, step: Step): boolean {
  if (condition.on !== step.entry.event.type) return false
  if (condition.where === undefined) return true
  try {
    return condition.where.test(step.cel)
  } catch (error) {
    fail(pass, rule, alerts, `${messageOf(error)} in: ${condition.where.text}`)
    return false
  }
}

function fail(pass: Pass, rule: EventRule, alerts: RuleDraft, error: string): void {
  const labels = canonicalLabels({ alertname: FAILING_ALERT, rule: rule.name, severity: 'warning' })
  const key = fingerprint(labels)
  const known = alerts.get(key)
  const annotations = {
    summary: `The event rule ${rule.name} cannot be evaluated, so it does not alert.`,
    description: error,
  }
  const firing = known?.phase === 'firing' ? known : undefined
  const failing: EventAlert = {
    ...(firing ?? { ...blank(''), phase: 'firing' as const, episode: pass.uuid(), startsAt: pass.now }),
    labels,
    annotations,
    hasMore: true,
    dueAt: pass.now + FAILING_CLOSES_MS,
  }
  alerts.set(key, failing)
  if (firing === undefined) pass.draft.change({ kind: 'firing', alert: toldOf(rule, failing) })
  else if (firing.annotations['description'] !== error)
    pass.draft.change({ kind: 'updated', alert: toldOf(rule, failing) })
}

function tellEnd(pass: Pass, rule: EventRule, alert: EventAlert, end: AlertEnd, reason?: string): void {
  const annotations = reason === undefined ? alert.annotations : { ...alert.annotations, [CLOSED_REASON]: reason }
  pass.draft.change({ kind: 'ended', alert: { ...toldOf(rule, alert), annotations, endsAt: pass.now, end } })
}

function over(alert: EventAlert, now: number): EventAlert {
  const nothing = { episode: '', labels: {}, annotations: {}, startsAt: 0 }
  return { ...alert, ...nothing, phase: 'over', dueAt: now + REMEMBERED_MS }
}

function withoutDue({ dueAt: _, ...alert }: EventAlert): Omit<EventAlert, 'dueAt'> {
  return alert
}

function closingTime(rule: EventRule, now: number): { readonly dueAt?: number } {
  return rule.resolveAfterMs === undefined ? {} : { dueAt: now + rule.resolveAfterMs }
}

/**
 * What tells the alerts of a rule apart. Labels of the rule or the target are not in it: the one may be templates, the
 * other may be edited between a sighting and the next.
 */
function identityOf(rule: EventRule, { entry, view }: Step): Labels {
  const { event } = entry
  return canonicalLabels({
    target: event.target,
    ...byLabels(rule, view),
    ...(rule.isPerEvent ? { event_id: event.id } : {}),
    alertname: rule.name,
  })
}

function byLabels(rule: EventRule, view: EventView): Labels {
  return Object.fromEntries(rule.by.map(({ label, path }) => [label, attributeText(view, path) ?? '']))
}

function labelsOf(rule: EventRule, step: Step, identity: Labels): Labels {
  const given = canonicalLabels({ ...step.entry.event.labels, ...identity })
  const own = rule.labels.map(([name, template]) => [name, template(step.view, given)] as const)
  return canonicalLabels({ ...given, ...Object.fromEntries(own), alertname: rule.name })
}

function annotationsOf(pass: Pass, rule: EventRule, step: Step, labels: Labels): Labels {
  const own = rule.annotations.map(([name, template]) => [name, template(step.view, labels)] as const)
  return withContext(Object.fromEntries(own), labels, pass.contextOf)
}

function toldOf(rule: EventRule, alert: EventAlert): Alert {
  return {
    episode: alert.episode,
    fingerprint: fingerprint(alert.labels),
    source: rule.source,
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: alert.startsAt,
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
  }
}
