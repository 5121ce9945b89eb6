import type { Json } from '../lib/json.ts'
import type { AlertChange } from './alert.ts'
import type { Duty } from './duty.ts'
import type { Event, EventKey } from './event.ts'
import type { JourneyDefinition, JourneyStep, JourneySummary } from './journey.ts'
import type { Labels } from './labels.ts'
import type { Notification } from './notification.ts'

/*
 * What the alert path stores. `state` keeps these as rows and knows nothing of what is in `body`; the folder that writes
 * a body parses it again with its own schema when it is loaded.
 */

/** The state of one alert of one rule, or of one event alert. */
export interface AlertStateRecord {
  /** `rule/<file>/<group>/<alert>` or `event/<file>/<alert>`. */
  readonly source: string
  readonly fingerprint: string
  readonly body: Json
}

/** What an event rule must remember beside its alerts: its position, and its windows for `count` and `within`. */
export interface EventRuleRecord {
  readonly source: string
  /** The last number of the event log that this rule has dealt with. */
  readonly position: number
  readonly body: Json
}

/** One group of alerts on one route, with its timers. */
export interface GroupRecord {
  readonly key: string
  /** When it wants to be looked at again, milliseconds UTC; undefined: never by itself. */
  readonly dueAt: number | undefined
  readonly body: Json
}

/** One line of an alert's history. */
export interface EpisodeRecord {
  readonly episode: string
  readonly source: string
  readonly fingerprint: string
  readonly startsAt: number
  readonly endsAt: number | undefined
  /** The alert as last seen. */
  readonly body: Json
}

/** Rows to write and keys to delete. */
export interface Writes<Row, Key> {
  readonly put: readonly Row[]
  readonly remove: readonly Key[]
}

/** What rules bring to a commit: their own rows and what changed. */
export interface RuleOutcome {
  readonly alertStates: Writes<AlertStateRecord, { readonly source: string; readonly fingerprint: string }>
  readonly eventRules: Writes<EventRuleRecord, string>
  readonly changes: readonly AlertChange[]
}

/** What the pipeline makes of changes, or of a timer: its own rows, and what is owed. */
export interface PipelineOutcome {
  readonly groups: Writes<GroupRecord, string>
  readonly episodes: readonly EpisodeRecord[]
  readonly notifications: readonly Notification[]
}

/** One transaction of the alert path: all of it, or nothing. Durable before anything is sent. */
export type AlertCommit = Omit<RuleOutcome, 'changes'> & PipelineOutcome

/** What is stored of a target beside its events, duties and journeys. */
export interface TargetRecord {
  readonly target: string
  readonly type: string
  readonly subject: string
  readonly firstStartedAt: number
  readonly cursor: Json | undefined
  readonly height: number | undefined
}

/** One round, as it is committed: all of it, or nothing. */
export interface RoundCommit {
  readonly target: string
  readonly at: number
  /** `target`, `job`, `instance` and the target's own labels: stored with each event. */
  readonly labels: Labels
  readonly cursor: Json
  readonly height: number | undefined
  readonly events: readonly Event[]
  readonly retracted: readonly EventKey[]
  readonly duties: readonly Duty[]
  readonly journeySteps: readonly JourneyStep[]
  readonly journeys: readonly JourneyDefinition[]
}

/** What a committed round changed. */
export interface RoundCommitted {
  readonly journeys: readonly JourneySummary[]
  /** The last number of the event log after this commit. */
  readonly lastSequence: number
}
