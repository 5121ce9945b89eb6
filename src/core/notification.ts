import type { Alert } from './alert.ts'
import type { Labels } from './labels.ts'

/** Why a group is told about now. */
export type NotificationReason = 'first' | 'new-alerts' | 'more-severe' | 'changed' | 'resolved' | 'repeat' | 'test'

/**
 * One message owed to one channel of one receiver: facts, no rendered text and no secret. A row in the outbox from the
 * transaction that caused it until the channel accepted it.
 */
export interface Notification {
  /** UUIDv7. The same over all attempts: the key by which a receiver may tell a repetition. */
  readonly id: string
  readonly receiver: string
  /** `<receiver>/<kind>/<n>`, or the entry's `name`. One queue, one order, one limit. */
  readonly destination: string
  /** Alertmanager's group key: `{}/{severity="critical"}:{alertname="X"}`. */
  readonly groupKey: string
  readonly groupLabels: Labels
  readonly reason: NotificationReason
  /** The members to tell of: those that fire, and those that ended and were told as firing. Never empty. */
  readonly alerts: readonly Alert[]
  /** How many members were left out because there were too many. */
  readonly truncated: number
  /** When the change that caused it was seen, milliseconds UTC; deliveries are measured from here. */
  readonly causedAt: number
  /**
   * Fingerprints of ended alerts whose firing was never accepted: this message says both. Only of messages that the
   * outbox made of several; never stored.
   */
  readonly untold?: readonly string[]
  /** How many waiting messages this one stands for, when it is a digest over several groups; never stored. */
  readonly digestOf?: number
}

/** A notification in the outbox. */
export interface OutboxRow {
  readonly notification: Notification
  /** Grows with each row: the order within a destination and group. */
  readonly sequence: number
  readonly attempts: number
  /** Not before this instant, milliseconds UTC. */
  readonly dueAt: number
}

/** One try to deliver, kept for ever with its notification: the ledger. */
export interface DeliveryAttempt {
  readonly notificationId: string
  readonly number: number
  readonly at: number
  readonly durationMs: number
  readonly outcome: 'accepted' | 'retry' | 'refused' | 'merged'
  /** A `FailureReason`, or '' when accepted. */
  readonly reason: string
  /** What the channel answered, in words, without secrets; at most 500 characters. */
  readonly answer: string
}

/** Facts about a notification: whether every alert in it is over. */
export function isResolvedNotification(notification: Notification): boolean {
  return notification.alerts.every((alert) => alert.endsAt !== undefined)
}
