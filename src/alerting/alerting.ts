import type { Alert, AlertChange } from '../core/alert.ts'
import type { Labels } from '../core/labels.ts'
import type { EpisodeRecord, GroupRecord, PipelineOutcome } from '../core/records.ts'
import { assert } from '../lib/errors.ts'
import type { World } from '../lib/world.ts'
import type { AlertingConfig } from './config.ts'
import { createDraft, type PipelineState } from './draft.ts'
import { earliest, type Group } from './group.ts'
import { isDue, type PlanContext, settle, speak, takeIn } from './pipeline.ts'
import { rebuild } from './rebuild.ts'
import { decodeAlert, decodeGroups, episodeRecord, type StoredGroup } from './records.ts'
import { leading, type Voices } from './sources.ts'

/** What a change or a timer comes to: rows and messages, none of which exists before the caller has committed them. */
interface Plan {
  readonly outcome: PipelineOutcome
  /** Takes the plan over into memory. Called once, after the commit, and before the next plan is made. */
  accept(): void
}

/** An alert that fires, and who hears of it. */
interface ActiveAlertView {
  readonly alert: Alert
  readonly receivers: readonly string[]
}

interface GroupView {
  readonly groupKey: string
  readonly receiver: string
  readonly labels: Labels
  readonly alerts: readonly Alert[]
  readonly dueAt: number | undefined
}

/**
 * The pipeline after a state change: pure planning over what it holds in memory. Plans are made one after the other: a
 * plan that was not accepted is as if it had never been made, and one made before another was accepted is refused.
 */
export interface Alerting {
  plan(changes: readonly AlertChange[], now: number): Plan
  /** What the timers that are due by `now` come to. */
  tick(now: number): Plan
  /** When the next timer is due, milliseconds UTC; possibly in the past. */
  nextDue(): number | undefined
  /** Takes up what was stored: every group's rows and the episodes that have not ended. */
  restore(stored: { readonly groups: readonly GroupRecord[]; readonly episodes: readonly EpisodeRecord[] }): void
  /** Goes on under another configuration. What that makes due is told by the next tick. */
  reload(config: AlertingConfig): void
  activeAlerts(): readonly ActiveAlertView[]
  groups(): readonly GroupView[]
}

export interface AlertingOptions {
  readonly config: AlertingConfig
  readonly world: Pick<World, 'now' | 'uuid'>
}

export function createAlerting({ config: firstConfig, world }: AlertingOptions): Alerting {
  let config = firstConfig
  let state: PipelineState = { alerts: new Map(), groups: new Map() }
  /** Counts what changed the state, so that a plan made from an older one is recognised. */
  let revision = 0

  function makePlan(now: number, work: (context: PlanContext) => readonly EpisodeRecord[]): Plan {
    const draft = createDraft(state)
    const context: PlanContext = { config, draft, now, uuid: world.uuid, notifications: [] }
    const episodes = work(context)
    const madeAt = revision
    return {
      outcome: { groups: draft.rows(), episodes, notifications: context.notifications },
      accept() {
        assert(madeAt === revision, 'a plan was accepted after the state it was made from had changed')
        draft.adopt()
        revision += 1
      },
    }
  }

  function replaceState(stored: readonly StoredGroup[], active: readonly Voices[]): void {
    state = rebuild(stored, active, config, world.now())
    revision += 1
  }

  return {
    plan: (changes, now) =>
      makePlan(now, (context) => {
        for (const change of changes) takeIn(context, change)
        for (const group of context.draft.touched()) settle(context, group)
        return changes.map(({ alert }) => episodeRecord(alert))
      }),
    tick: (now) =>
      makePlan(now, (context) => {
        for (const [key, group] of state.groups) if (isDue(group, now)) speakAt(context, key)
        return []
      }),
    nextDue() {
      let due: number | undefined
      for (const { timers } of state.groups.values()) due = earliest(due, timers.dueAt)
      return due
    },
    restore({ groups, episodes }) {
      const voices = Map.groupBy(
        episodes.map(({ body }) => decodeAlert(body)),
        (alert) => alert.fingerprint,
      )
      replaceState(decodeGroups(groups), [...voices.values()])
    },
    reload(next) {
      config = next
      replaceState(
        storedOf(state),
        [...state.alerts.values()].map(({ voices }) => voices),
      )
    },
    activeAlerts: () => [...state.alerts.values()].flatMap((active) => viewOf(state, active)),
    groups: () => [...state.groups.values()].map(groupView),
  }
}

function speakAt(context: PlanContext, key: string): void {
  const group = context.draft.group(key)
  if (group !== undefined) speak(context, group)
}

/** The groups in memory, in the form in which they come from rows. */
function storedOf(state: PipelineState): readonly StoredGroup[] {
  return [...state.groups.values()].map(({ identity, timers, members }) => {
    const all = [...members]
    return {
      identity,
      timers,
      told: new Set(all.flatMap(([fingerprint, { isTold }]) => (isTold ? [fingerprint] : []))),
      unknownTold: new Set(all.flatMap(([fingerprint, { isUnknownTold }]) => (isUnknownTold ? [fingerprint] : []))),
      ended: [...members.values()].filter(({ alert }) => alert.endsAt !== undefined),
    }
  })
}

function viewOf(
  state: PipelineState,
  { voices, groups }: { readonly voices: Voices; readonly groups: readonly string[] },
): readonly ActiveAlertView[] {
  const alert = leading(voices)
  if (alert === undefined) return []
  const receivers = groups.flatMap((key) => state.groups.get(key)?.identity.receiver ?? [])
  return [{ alert, receivers: [...new Set(receivers)] }]
}

function groupView({ identity, timers, members }: Group): GroupView {
  const firing = [...members.values()].map(({ alert }) => alert).filter((alert) => alert.endsAt === undefined)
  const { groupKey, receiver, labels } = identity
  return { groupKey, receiver, labels, alerts: firing, dueAt: timers.dueAt }
}
