import type { AlertEnd } from '../../core/alert.ts'
import type { EventLogEntry, StoredEvent } from '../../core/event.ts'
import { fingerprint } from '../../core/labels.ts'
import { messageOf } from '../../lib/errors.ts'
import { CLOSED_REASON, type ContextOf } from '../context.ts'
import { type CelEvent, celValueOf } from './cel.ts'
import type { EventCondition, EventRule } from './compile.ts'
import type { Draft, RuleDraft } from './draft.ts'
import { type EventAlert, kept, settled, standing, withoutSighting, withSighting } from './event-alert.ts'
import { type EventView, viewOfEvent } from './event-view.ts'
import { annotationsOf, failingTexts, identityOf, labelsOf, toldOf } from './texts.ts'

/** What one pass knows beside its draft. */
export interface Pass {
  readonly draft: Draft
  /** Milliseconds UTC. */
  readonly now: number
  readonly uuid: () => string
  readonly contextOf: ContextOf
  readonly alertsOnHistory: (target: string) => boolean
}

/** One rule in one pass. */
export interface Turn {
  readonly pass: Pass
  readonly rule: EventRule
  readonly alerts: RuleDraft
}

/** An entry of the log, with what every rule needs of it, made once. */
export interface Step {
  readonly entry: EventLogEntry
  readonly view: EventView
  readonly cel: CelEvent
}

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

/** Lets a rule deal with one entry of the log. */
export function applyEntry(turn: Turn, step: Step): void {
  const { pass, rule } = turn
  const { event, kind } = step.entry
  if (rule.targets !== undefined && !rule.targets.has(event.target)) return
  if (kind === 'retracted') {
    if (event.type === rule.raise.on) retract(turn, step)
    return
  }
  if (event.isHistory && !pass.alertsOnHistory(event.target)) return
  if (rule.resolve !== undefined && holds(turn, rule.resolve, step)) resolve(turn, step)
  if (holds(turn, rule.raise, step)) raise(turn, step)
}

/** Ends what is settled to be untrue, now that the chains of these targets have reached these heights. */
export function settle(turn: Turn, heights: ReadonlyMap<string, number>): void {
  const { rule, alerts } = turn
  for (const [key, alert] of alerts.entries()) {
    const facts = settled(alert.facts, heights.get(alert.target))
    if (facts.length === alert.facts.length) continue
    if (alert.phase === 'firing' && !alert.hasMore && facts.length < rule.needs) {
      tellEnd(turn, alert, { end: 'resolved', reason: 'reverted by a reorg' })
      alerts.remove(key)
    } else if (facts.length === 0 && alert.phase !== 'firing') alerts.remove(key)
    else alerts.set(key, { ...alert, facts: [...facts] })
  }
}

/** Closes what has fired for its time, and forgets what has been over for long. */
export function expire(turn: Turn): void {
  const { pass, alerts } = turn
  for (const [key, alert] of alerts.entries()) {
    if (alert.dueAt === undefined || alert.dueAt > pass.now) continue
    if (alert.phase === 'firing') {
      tellEnd(turn, alert, { end: 'closed' })
      alerts.set(key, over(alert, pass.now))
    } else alerts.remove(key)
  }
}

/** Lets an alert go for a reason that lies outside: the rule or the target has left. */
export function close(turn: Turn, key: string, alert: EventAlert, reason: string): void {
  if (alert.phase === 'firing') tellEnd(turn, alert, { end: 'closed', reason })
  turn.alerts.remove(key)
}

function raise(turn: Turn, step: Step): void {
  const { rule, alerts } = turn
  const { event } = step.entry
  const key = fingerprint(identityOf(rule, step))
  const known = alerts.get(key)
  const { facts, isNew } = withSighting(known?.facts ?? [], event)
  if (known !== undefined && !isNew && known.phase !== 'counting') {
    alerts.set(key, { ...known, facts: [...facts] })
    return
  }
  if (known?.phase === 'firing') {
    const { facts: some, isCut } = kept(facts, rule.needs, undefined)
    refresh(turn, step, key, { ...known, facts: [...some], hasMore: known.hasMore || isCut })
    return
  }
  // What was told of does not count towards the next alert.
  const counted = known?.phase === 'over' ? facts.filter((fact) => fact.id === event.id) : facts
  const { facts: within } = kept(counted, rule.needs, rule.window)
  const alert = { ...withoutDue(known ?? blank(event.target)), facts: [...within] }
  if (standing(within) < rule.needs) alerts.set(key, { ...alert, phase: 'counting' })
  else fire(turn, step, key, alert)
}

function blank(target: string): EventAlert {
  const nothing = { episode: '', labels: {}, annotations: {}, startsAt: 0 }
  return { version: 1, phase: 'counting', target, facts: [], hasMore: false, ...nothing }
}

function fire({ pass, rule, alerts }: Turn, step: Step, key: string, alert: EventAlert): void {
  const labels = labelsOf(rule, step)
  const firing: EventAlert = {
    ...alert,
    phase: 'firing',
    hasMore: false,
    episode: pass.uuid(),
    labels,
    annotations: annotationsOf(rule, step, labels, pass.contextOf),
    startsAt: pass.now,
    ...closingTime(rule, pass.now),
  }
  alerts.set(key, firing)
  pass.draft.change({ kind: 'firing', alert: toldOf(rule, firing) })
}

/** One more fact behind an alert that fires: its texts are of the latest, and its time begins again. */
function refresh({ pass, rule, alerts }: Turn, step: Step, key: string, alert: EventAlert): void {
  const annotations = annotationsOf(rule, step, alert.labels, pass.contextOf)
  const refreshed: EventAlert = { ...alert, annotations, ...closingTime(rule, pass.now) }
  alerts.set(key, refreshed)
  pass.draft.change({ kind: 'updated', alert: toldOf(rule, refreshed) })
}

function retract({ rule, alerts }: Turn, step: Step): void {
  const key = fingerprint(identityOf(rule, step))
  const known = alerts.get(key)
  const { event } = step.entry
  if (known?.facts.some((fact) => fact.sightings.includes(event.key)) !== true) return
  alerts.set(key, { ...known, facts: [...withoutSighting(known.facts, event)] })
}

/** Ends what fires of the same target, and of the same values of `by`; what is being counted begins anew. */
function resolve(turn: Turn, step: Step): void {
  const { pass, rule, alerts } = turn
  const only = rule.by.length === 0 ? undefined : fingerprint(identityOf(rule, step))
  for (const [key, alert] of alerts.entries()) {
    if (alert.target !== step.entry.event.target || (only !== undefined && key !== only)) continue
    if (alert.phase === 'counting') alerts.remove(key)
    if (alert.phase !== 'firing') continue
    tellEnd(turn, alert, { end: 'resolved' })
    alerts.set(key, over(alert, pass.now))
  }
}

/** Whether a condition holds; a condition that cannot be answered is an alert of its own, and does not hold. */
function holds(turn: Turn, condition: EventCondition, step: Step): boolean {
  if (condition.on !== step.entry.event.type) return false
  if (condition.where === undefined) return true
  try {
    return condition.where.test(step.cel)
  } catch (error) {
    fail(turn, `${messageOf(error)} in: ${condition.where.text}`)
    return false
  }
}

function fail({ pass, rule, alerts }: Turn, error: string): void {
  const texts = failingTexts(rule, error)
  const key = fingerprint(texts.labels)
  const known = alerts.get(key)
  const isFiring = known?.phase === 'firing'
  const failing: EventAlert = {
    ...(isFiring ? known : { ...blank(''), episode: pass.uuid(), startsAt: pass.now }),
    ...texts,
    phase: 'firing',
    hasMore: true,
    dueAt: pass.now + FAILING_CLOSES_MS,
  }
  alerts.set(key, failing)
  const isNews = !isFiring || known.annotations['description'] !== error
  if (isNews) pass.draft.change({ kind: isFiring ? 'updated' : 'firing', alert: toldOf(rule, failing) })
}

function tellEnd(
  { pass, rule }: Turn,
  alert: EventAlert,
  how: { readonly end: AlertEnd; readonly reason?: string },
): void {
  const told = toldOf(rule, alert)
  const annotations = how.reason === undefined ? told.annotations : { ...told.annotations, [CLOSED_REASON]: how.reason }
  pass.draft.change({ kind: 'ended', alert: { ...told, annotations, endsAt: pass.now, end: how.end } })
}

/** Only its facts are remembered. */
function over(alert: EventAlert, now: number): EventAlert {
  return { ...blank(alert.target), facts: alert.facts, phase: 'over', dueAt: now + REMEMBERED_MS }
}

function withoutDue(alert: EventAlert): EventAlert {
  const { dueAt, ...rest } = alert
  return dueAt === undefined ? alert : rest
}

function closingTime(rule: EventRule, now: number): { readonly dueAt?: number } {
  return rule.resolveAfterMs === undefined ? {} : { dueAt: now + rule.resolveAfterMs }
}
