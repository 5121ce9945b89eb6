/*
 * The tables, the same on SQLite and PostgreSQL: text, 64-bit integers and doubles only. JSON is text, times are
 * milliseconds UTC, truth is 0 or 1. Numbers that order things are taken from `counter` in the transaction that uses
 * them, so that they are in commit order and without gaps.
 */

/** One target under one subject. Another subject is another row: nothing of the old one counts into the new. */
interface TargetTable {
  id: number
  name: string
  type: string
  subject: string
  /** 1 for the row that the name means now. */
  is_current: number
  first_started_at: number
  cursor: string | null
  height: number | null
}

interface CounterTable {
  name: string
  /** The last number that was given out. */
  value: number
}

/** The labels of a target's events: few, and the same for very many rows. */
interface LabelSetTable {
  id: number
  labels: string
}

/** One sighting of an event, from its number in the log to, perhaps, the number of its retraction. */
export interface EventTable {
  sequence: number
  target_id: number
  key: string
  id: string
  type: string
  name: string
  time: number
  height: number | null
  is_history: number
  label_set_id: number
  /** When it was committed: retention counts from here, since a chain's own clock may say anything. */
  stored_at: number
  retracted_sequence: number | null
  body: string
}

export interface DutyTable {
  target_id: number
  kind: string
  height: number
  round: number
  actor: string
  outcome: string
  time: number
  details: string
}

/** One journey: its first start and last end on the chain, and what it was counted as. */
export interface JourneyTable {
  id: number
  target_id: number
  journey: string
  key: string
  start_time: number | null
  start_height: number | null
  start_position: number | null
  start_step: number | null
  end_time: number | null
  end_height: number | null
  end_position: number | null
  end_step: number | null
  end_outcome: string | null
  /** The outcome that the totals hold it under. Null while it is in flight, or unknown. */
  outcome: string | null
  /** The duration that the totals hold for this outcome. */
  seconds: number | null
  created_at: number
  updated_at: number
}

export interface JourneyStepTable {
  id: number
  journey_id: number
  event_sequence: number
  kind: string
  outcome: string
  time: number
  height: number
  position: number
}

interface JourneyStatusTable {
  target_id: number
  journey: string
  in_flight: number
  /** What started before this instant on the chain's clock, and has no end, has expired. */
  expired_before: number | null
}

interface JourneyTotalTable {
  target_id: number
  journey: string
  outcome: string
  ended: number
  retracted: number
  sum_seconds: number
  bounds: string
  buckets: string
}

export interface AlertStateTable {
  source: string
  fingerprint: string
  body: string
}

export interface EventRuleTable {
  source: string
  position: number
  body: string
}

export interface AlertGroupTable {
  key: string
  due_at: number | null
  body: string
}

export interface EpisodeTable {
  episode: string
  source: string
  fingerprint: string
  starts_at: number
  ends_at: number | null
  body: string
}

export interface NotificationTable {
  sequence: number
  id: string
  destination: string
  created_at: number
  due_at: number
  attempts: number
  done_at: number | null
  body: string
}

interface NotificationEpisodeTable {
  notification_id: string
  episode: string
}

export interface DeliveryAttemptTable {
  notification_id: string
  number: number
  at: number
  duration_ms: number
  outcome: string
  reason: string
  answer: string
}

interface SettingTable {
  key: string
  value: string
}

export interface Schema {
  target: TargetTable
  counter: CounterTable
  label_set: LabelSetTable
  event: EventTable
  duty: DutyTable
  journey: JourneyTable
  journey_step: JourneyStepTable
  journey_status: JourneyStatusTable
  journey_total: JourneyTotalTable
  alert_state: AlertStateTable
  event_rule: EventRuleTable
  alert_group: AlertGroupTable
  episode: EpisodeTable
  notification: NotificationTable
  notification_episode: NotificationEpisodeTable
  delivery_attempt: DeliveryAttemptTable
  setting: SettingTable
}

/** The sequences of `counter`. `epoch` counts the processes that have opened the database. */
export type Counter = 'epoch' | 'target' | 'label_set' | 'event' | 'journey' | 'journey_step' | 'notification'
