import type { EventLogEntry, EventLogPage } from '../../core/event.ts'
import type { AlertStateRecord, EventRuleRecord, RuleOutcome } from '../../core/records.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import type { ContextOf } from '../context.ts'
import { applyEntry, close, expire, type Pass, settle, stepOf } from './apply.ts'
import type { EventRule } from './compile.ts'
import { createDraft, type Draft, type EventAlerts } from './draft.ts'
import { eventAlertSchema, isLost } from './event-alert.ts'

export interface EventRulesOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'yield' | 'uuid'>
  readonly log: Logger
  readonly rules: readonly EventRule[]
  /** Where a rule begins that was never seen before: the end of the log. */
  readonly lastSequence: number
  /** The log of these types after a number; fewer entries than the limit only at its end. */
  readonly read: (afterSequence: number, limit: number, types: readonly string[]) => Promise<EventLogPage>
  /** The one transaction of the alert path: durable when it resolves, and nothing of it when it rejects. */
  readonly submit: (outcome: RuleOutcome) => Promise<void>
  readonly contextOf: ContextOf
  /** Whether events from before the target's first start raise alerts. */
  readonly alertsOnHistory: (target: string) => boolean
}

interface RuleEntry {
  readonly rule: EventRule
  readonly alerts: EventAlerts
  position: number
  /** The position is stored: until then the rule would begin at the end again. */
  isStored: boolean
  /** Why it leaves, as soon as that is committed. */
  readonly leaving: string | undefined
}

/** The one state of the event rules. Only one function at a time works on it. */
export interface Following {
  readonly options: EventRulesOptions
  readonly entries: Map<string, RuleEntry>
  /** Of the targets' chains. */
  readonly heights: Map<string, number>
  /** Targets that left and whose alerts are not closed yet. */
  readonly removedTargets: Set<string>
  /** The rules that are to follow from now on. */
  reloaded: { readonly rules: readonly EventRule[]; readonly lastSequence: number } | undefined
  isStarted: boolean
}

const BATCH_EVENTS = 500
const SLICE_MS = 8
const RULE_LEFT = 'the rule left the configuration'
const TARGET_LEFT = 'the target left the configuration'

export function createFollowing(options: EventRulesOptions): Following {
  const entries = options.rules.map((rule) => [rule.source, entryOf(rule, options.lastSequence)] as const)
  return {
    options,
    entries: new Map(entries),
    heights: new Map(),
    removedTargets: new Set(),
    reloaded: undefined,
    isStarted: false,
  }
}

export function restoreFollowing(
  { entries, options }: Following,
  states: readonly AlertStateRecord[],
  records: readonly EventRuleRecord[],
): void {
  for (const { source, position } of records) {
    const entry = placeOf(entries, source)
    entry.position = position
    entry.isStored = true
  }
  for (const { source, fingerprint, body } of states) {
    if (!source.startsWith('event/')) continue
    const parsed = eventAlertSchema.safeParse(body)
    if (parsed.success) placeOf(entries, source).alerts.set(fingerprint, parsed.data)
    else options.log.error('a stored event alert cannot be read and is left alone', { source, error: parsed.error })
  }
}

/** Deals with everything that is known now. */
export async function followOnce(following: Following): Promise<void> {
  const { reloaded } = following
  if (reloaded !== undefined) replaceEventRules(following, reloaded.rules, reloaded.lastSequence)
  following.reloaded = undefined
  await storePositions(following)
  await followLog(following)
  await endWhatIsDue(following)
}

/** Puts other rules in place. One that leaves stays until its alerts are closed. */
function replaceEventRules({ entries }: Following, rules: readonly EventRule[], lastSequence: number): void {
  const sources = new Set(rules.map(({ source }) => source))
  for (const [source, entry] of entries) {
    if (!sources.has(source)) entries.set(source, { ...entry, leaving: RULE_LEFT })
  }
  for (const rule of rules) {
    const known = entries.get(rule.source)
    const position = known === undefined || known.leaving !== undefined ? lastSequence : known.position
    const isStored = known !== undefined && known.leaving === undefined && known.isStored
    entries.set(rule.source, { rule, alerts: known?.alerts ?? new Map(), position, isStored, leaving: undefined })
  }
}

/** Makes the positions of new rules durable. */
export async function storePositions(following: Following): Promise<void> {
  const fresh = [...following.entries.values()].filter(({ isStored, leaving }) => !isStored && leaving === undefined)
  const { draft } = passOf(following)
  for (const { rule, position } of fresh) draft.move(rule.source, position)
  await commit(following, draft)
  for (const entry of fresh) entry.isStored = true
}

/** Follows the log to its end, batch by batch. Each is committed with the positions it moves. */
async function followLog(following: Following): Promise<void> {
  const { entries, options } = following
  while (following.isStarted) {
    const active = [...entries.values()].filter(({ leaving }) => leaving === undefined)
    if (active.length === 0) return
    const from = Math.min(...active.map(({ position }) => position))
    const { entries: batch, upTo } = await options.read(from, BATCH_EVENTS, typesOf(active))
    const pass = passOf(following)
    await applyBatch(pass, active, batch, options.world)
    const moved = active.filter(({ position }) => position < upTo)
    for (const { rule } of moved) pass.draft.move(rule.source, upTo)
    await commit(following, pass.draft)
    for (const entry of moved) entry.position = upTo
    if (batch.length < BATCH_EVENTS) return
  }
}

/** A busy contract logs by the thousand what no rule asks for: that is not even read. */
function typesOf(active: readonly RuleEntry[]): readonly string[] {
  const types = active.flatMap(({ rule }) => [rule.raise.on, ...(rule.resolve === undefined ? [] : [rule.resolve.on])])
  return [...new Set(types)]
}

async function applyBatch(
  pass: Pass,
  active: readonly RuleEntry[],
  batch: readonly EventLogEntry[],
  world: Pick<World, 'monotonic' | 'yield'>,
): Promise<void> {
  const turns = active.map(({ rule, alerts, position }) => {
    return { position, turn: { pass, rule, alerts: pass.draft.of(rule.source, alerts) } }
  })
  let sliceStart = world.monotonic()
  for (const entry of batch) {
    const step = stepOf(entry)
    for (const { position, turn } of turns) if (entry.sequence > position) applyEntry(turn, step)
    if (world.monotonic() - sliceStart < SLICE_MS) continue
    await world.yield()
    sliceStart = world.monotonic()
  }
}

/**
 * Ends what time, heights and the configuration end. After the log was followed to its end: what a height settles must
 * have had its chance to be seen again.
 */
async function endWhatIsDue(following: Following): Promise<void> {
  const { entries, heights, removedTargets } = following
  const pass = passOf(following)
  const removed = [...removedTargets]
  for (const { rule, alerts, leaving } of entries.values()) {
    const turn = { pass, rule, alerts: pass.draft.of(rule.source, alerts) }
    for (const [key, alert] of alerts) {
      const reason = leaving ?? (removedTargets.has(alert.target) ? TARGET_LEFT : undefined)
      if (reason !== undefined) close(turn, key, alert, reason)
    }
    settle(turn, heights)
    expire(turn)
    if (leaving !== undefined) pass.draft.drop(rule.source)
  }
  await commit(following, pass.draft)
  for (const [source, { leaving }] of entries) if (leaving !== undefined) entries.delete(source)
  for (const target of removed) removedTargets.delete(target)
}

/** Whether the chain of a target only has to grow for something to be settled. */
export function awaitsHeight({ entries }: Following, target: string): boolean {
  for (const { alerts } of entries.values()) {
    for (const alert of alerts.values()) if (alert.target === target && alert.facts.some(isLost)) return true
  }
  return false
}

/** Lets the alerts of targets that are not configured any more close. Alerts about rules are of no target. */
export function keepTargets({ entries, removedTargets }: Following, targets: ReadonlySet<string>): void {
  for (const { alerts } of entries.values()) {
    for (const { target } of alerts.values()) if (target !== '' && !targets.has(target)) removedTargets.add(target)
  }
}

/** When the next alert closes or is forgotten, milliseconds UTC; infinity: never by itself. */
export function nextDue({ entries }: Following): number {
  let due = Number.POSITIVE_INFINITY
  for (const { alerts } of entries.values()) {
    for (const { dueAt } of alerts.values()) if (dueAt !== undefined && dueAt < due) due = dueAt
  }
  return due
}

function passOf({ options }: Following): Pass {
  const { world, contextOf, alertsOnHistory } = options
  return { draft: createDraft(), now: world.now(), uuid: () => world.uuid(), contextOf, alertsOnHistory }
}

async function commit({ options }: Following, draft: Draft): Promise<void> {
  if (draft.isEmpty) return
  await options.submit(draft.outcome())
  draft.adopt()
}

function entryOf(rule: EventRule, position: number): RuleEntry {
  return { rule, alerts: new Map(), position, isStored: false, leaving: undefined }
}

/** The entry of a source. One that no rule has any more is made for what is stored of it, and leaves. */
function placeOf(entries: Map<string, RuleEntry>, source: string): RuleEntry {
  const known = entries.get(source)
  if (known !== undefined) return known
  const entry = { ...entryOf(nobodysRule(source), 0), leaving: RULE_LEFT }
  entries.set(source, entry)
  return entry
}

function nobodysRule(source: string): EventRule {
  return {
    source,
    file: '',
    name: source.slice(source.lastIndexOf('/') + 1),
    raise: { on: '', where: undefined },
    resolve: undefined,
    targets: undefined,
    by: [],
    isPerEvent: true,
    needs: 1,
    window: undefined,
    resolveAfterMs: undefined,
    labels: [],
    annotations: [],
  }
}
