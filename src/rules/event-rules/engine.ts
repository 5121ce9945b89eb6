import type { EventLogEntry } from '../../core/event.ts'
import type { AlertStateRecord, EventRuleRecord, RuleOutcome } from '../../core/records.ts'
import type { Logger } from '../../lib/log.ts'
import type { Cancel, World } from '../../lib/world.ts'
import type { ContextOf } from '../context.ts'
import { applyEntry, close, expire, type Pass, settle, type Step, stepOf } from './apply.ts'
import type { EventRule } from './compile.ts'
import { createDraft, type Draft, type EventAlerts } from './draft.ts'
import { eventAlertSchema } from './event-alert.ts'

export interface EventRulesOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'yield' | 'uuid'>
  readonly log: Logger
  readonly rules: readonly EventRule[]
  /** Where a rule begins that was never seen before: the end of the log. */
  readonly lastSequence: number
  /** The log after a number, ascending. */
  readonly read: (afterSequence: number, limit: number) => Promise<readonly EventLogEntry[]>
  /** The one transaction of the alert path: durable when it resolves, and nothing of it when it rejects. */
  readonly submit: (outcome: RuleOutcome) => Promise<void>
  readonly contextOf: ContextOf
  /** Whether events from before the target's first start raise alerts. */
  readonly alertsOnHistory: (target: string) => boolean
}

export interface EventRules {
  /** Takes up what was stored. Before `start`. */
  restore(states: readonly AlertStateRecord[], rules: readonly EventRuleRecord[]): void
  /** Resolves when the positions of new rules are durable: events stored from then on are not missed, whatever dies. */
  start(): Promise<void>
  /** The log has grown. */
  wake(): void
  /** The chain of a target has reached a height: what it showed no more may now be settled. Call it after the commit. */
  height(target: string, height: number): void
  /** Other rules from now on: what stays keeps its position and its alerts, what goes closes its alerts. */
  reload(rules: readonly EventRule[], lastSequence: number): Promise<void>
  /** Closes the alerts of a target that left the configuration. */
  removeTarget(target: string): void
  /** Resolves when everything that is known has been dealt with, or could not be. */
  idle(): Promise<void>
  stop(): Promise<void>
}

const BATCH_EVENTS = 500
const SLICE_MS = 8
const RETRY_MS = 1_000
const TIMER_MS_MAX = 3_600_000
const RULE_LEFT = 'the rule left the configuration'
const TARGET_LEFT = 'the target left the configuration'

interface RuleEntry {
  readonly rule: EventRule
  readonly alerts: EventAlerts
  position: number
  /** The position is stored: until then the rule would begin at the end again. */
  isStored: boolean
  /** Why it leaves, as soon as that is committed. */
  leaving: string | undefined
}

/**
 * Lets rules follow the numbered events from positions of their own. Alerts and positions move in one transaction, so
 * whatever dies when, no event is skipped and none is seen twice. What could not be committed is tried again.
 */
export function createEventRules(options: EventRulesOptions): EventRules {
  const { world, log } = options
  const entries = new Map(options.rules.map((rule) => [rule.source, entryOf(rule, options.lastSequence)]))
  const heights = new Map<string, number>()
  const removedTargets = new Set<string>()
  let reloaded: { readonly rules: readonly EventRule[]; readonly lastSequence: number } | undefined
  let isStarted = false
  let isWanted = false
  let running: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  function want(): void {
    isWanted = true
    if (isStarted) running ??= run()
  }

  async function run(): Promise<void> {
    try {
      while (isWanted && isStarted) {
        isWanted = false
        if (reloaded !== undefined) reloadEntries(entries, reloaded.rules, reloaded.lastSequence)
        reloaded = undefined
        await storePositions()
        await followLog()
        await endWhatIsDue()
      }
      setTimer(Math.max(0, nextDue(entries.values()) - world.now()))
    } catch (error) {
      log.error('event rules could not go on; trying again', { error })
      isWanted = true
      setTimer(RETRY_MS)
    } finally {
      running = undefined
    }
  }

  function setTimer(ms: number): void {
    cancelTimer?.()
    cancelTimer = isStarted ? world.after(Math.min(ms, TIMER_MS_MAX), want) : undefined
  }

  async function storePositions(): Promise<void> {
    const fresh = [...entries.values()].filter(({ isStored, leaving }) => !isStored && leaving === undefined)
    const { draft } = passOf()
    for (const { rule, position } of fresh) draft.move(rule.source, position)
    await commit(draft)
    for (const entry of fresh) entry.isStored = true
  }

  async function followLog(): Promise<void> {
    while (isStarted) {
      const active = [...entries.values()].filter(({ leaving }) => leaving === undefined)
      if (active.length === 0) return
      const from = Math.min(...active.map(({ position }) => position))
      const batch = await options.read(from, BATCH_EVENTS)
      const last = batch.at(-1)?.sequence
      if (last === undefined) return
      const pass = passOf()
      await applyBatch(pass, active, batch)
      const moved = active.filter(({ position }) => position < last)
      for (const { rule } of moved) pass.draft.move(rule.source, last)
      await commit(pass.draft)
      for (const entry of moved) entry.position = last
      if (batch.length < BATCH_EVENTS) return
    }
  }

  async function applyBatch(pass: Pass, active: readonly RuleEntry[], batch: readonly EventLogEntry[]): Promise<void> {
    let sliceStart = world.monotonic()
    for (const logEntry of batch) {
      const step: Step = stepOf(logEntry)
      for (const { rule, alerts, position } of active) {
        if (logEntry.sequence > position) applyEntry(pass, rule, pass.draft.of(rule.source, alerts), step)
      }
      if (world.monotonic() - sliceStart < SLICE_MS) continue
      await world.yield()
      sliceStart = world.monotonic()
    }
  }

  /** After the log was followed to its end: what a height settles must have had its chance to be seen again. */
  async function endWhatIsDue(): Promise<void> {
    const pass = passOf()
    const removed = [...removedTargets]
    for (const { rule, alerts, leaving } of entries.values()) {
      const draft = pass.draft.of(rule.source, alerts)
      for (const [key, alert] of alerts) {
        const reason = leaving ?? (removedTargets.has(alert.target) ? TARGET_LEFT : undefined)
        if (reason === undefined) continue
        close(pass, rule, alert, reason)
        draft.remove(key)
      }
      settle(pass, rule, draft, heights)
      expire(pass, rule, draft)
      if (leaving !== undefined) pass.draft.drop(rule.source)
    }
    await commit(pass.draft)
    for (const [source, { leaving }] of entries) if (leaving !== undefined) entries.delete(source)
    for (const target of removed) removedTargets.delete(target)
  }

  function passOf(): Pass {
    const { contextOf, alertsOnHistory } = options
    return { draft: createDraft(), now: world.now(), uuid: () => world.uuid(), contextOf, alertsOnHistory }
  }

  async function commit(draft: Draft): Promise<void> {
    if (draft.isEmpty) return
    await options.submit(draft.outcome())
    draft.adopt()
  }

  return {
    restore(states, records) {
      for (const record of records) {
        const entry = place(entries, record.source)
        entry.position = record.position
        entry.isStored = true
      }
      for (const state of states) restoreState(entries, state, log)
    },
    async start() {
      await storePositions()
      isStarted = true
      want()
    },
    wake: want,
    height(target, height) {
      heights.set(target, height)
      want()
    },
    async reload(rules, lastSequence) {
      reloaded = { rules, lastSequence }
      want()
      await running
    },
    removeTarget(target) {
      removedTargets.add(target)
      heights.delete(target)
      want()
    },
    async idle() {
      await running
    },
    async stop() {
      isStarted = false
      cancelTimer?.()
      await running
    },
  }
}

function entryOf(rule: EventRule, position: number): RuleEntry {
  return { rule, alerts: new Map(), position, isStored: false, leaving: undefined }
}

/** The entry of a source. One that no rule has any more is made for what is stored of it, and leaves. */
function place(entries: Map<string, RuleEntry>, source: string): RuleEntry {
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

function restoreState(entries: Map<string, RuleEntry>, state: AlertStateRecord, log: Logger): void {
  if (!state.source.startsWith('event/')) return
  const body = eventAlertSchema.safeParse(state.body)
  if (body.success) place(entries, state.source).alerts.set(state.fingerprint, body.data)
  else log.error('a stored event alert cannot be read and is left alone', { source: state.source, error: body.error })
}

function reloadEntries(entries: Map<string, RuleEntry>, rules: readonly EventRule[], lastSequence: number): void {
  const sources = new Set(rules.map(({ source }) => source))
  for (const [source, entry] of entries) if (!sources.has(source)) entry.leaving = RULE_LEFT
  for (const rule of rules) {
    const known = entries.get(rule.source)
    const stays = known !== undefined && known.leaving === undefined
    const alerts = known?.alerts ?? new Map()
    if (stays) entries.set(rule.source, { ...known, rule })
    else entries.set(rule.source, { ...entryOf(rule, lastSequence), alerts })
  }
}

function nextDue(entries: Iterable<RuleEntry>): number {
  let due = Number.POSITIVE_INFINITY
  for (const { alerts } of entries) for (const alert of alerts.values()) due = Math.min(due, alert.dueAt ?? due)
  return due
}
