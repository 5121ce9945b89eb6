import type { Notification, OutboxRow } from '../core/notification.ts'
import { assert } from '../lib/errors.ts'
import { pauseMs } from './backoff.ts'
import { countMergeable, digestNotifications, mergeNotifications } from './merge.ts'
import {
  triesOf,
  createWaitingGroups,
  dueOf,
  type Rows,
  sequenceOf,
  type WaitingGroups,
  type WaitingRow,
} from './waiting-groups.ts'

/*
 * What waits for one destination.
 *
 * Messages of one group keep their order: only the oldest of a group may go, together with those behind it that merge
 * into it. Groups do not wait for each other: one message that is always answered with an error must not hold up the
 * rest. A message that was never tried goes before one that failed while the destination is failing, and after it else.
 *
 * After a failure the destination rests, longer with each in a row but a few seconds at most, so that what is new still
 * goes out soon after it is back; what failed has its own, longer, waits. When a destination is back after a real outage
 * everything that waits is due at once. What a service asked for with `Retry-After` holds for the whole destination.
 *
 * All times in here are monotonic milliseconds.
 */

/** One message on its way: one row, or several that became one. */
export interface Shipment {
  readonly notification: Notification
  /** Oldest first; the last gives the message its id. */
  readonly rows: readonly WaitingRow[]
  readonly isDigest: boolean
}

export interface DestinationQueue {
  readonly size: number
  add(row: OutboxRow, dueAt: number): void
  /** What may go now, marked as under way; undefined while one is under way or nothing may. */
  next(now: number): Shipment | undefined
  /** When `next` may have something; undefined: not before something changes. */
  nextAt(): number | undefined
  /** It was accepted, or refused for good: its rows are gone. */
  finish(shipment: Shipment, wasAccepted: boolean, now: number): void
  fail(shipment: Shipment, failure: Failure): void
  /** A digest was refused: each of its groups goes by itself. */
  split(shipment: Shipment): void
  /** It is not known what became of it: it waits as before. */
  release(): void
  rows(): readonly WaitingRow[]
  /** Forgets rows that were given up. */
  remove(rows: readonly WaitingRow[]): void
}

interface Failure {
  readonly now: number
  /** When the message is due again. */
  readonly dueAt: number
  /** The service asked for that time: nothing goes there before. */
  readonly isAsked: boolean
}

/** What a destination is like; a new configuration may change it. */
export interface Traits {
  readonly audience: 'machine' | 'person'
  /** The least time between two messages that the service bears. */
  readonly spacingMs: number
}

/** More messages than this waiting for a person become one. */
const DIGEST_ABOVE = 20
/** Failures in a row after which it was the destination that was down, not one message that is bad. */
const OUTAGE_FROM = 3

export function createDestinationQueue(traits: () => Traits, random: () => number): DestinationQueue {
  const groups = createWaitingGroups()
  let failures = 0
  let restUntil = 0
  let isUnderWay = false

  return {
    get size() {
      return groups.size()
    },
    add(row, dueAt) {
      const { attempts } = row
      // What was never tried is due, whatever a clock that has been set back since says.
      groups.add({ row, attempts, tries: attempts, dueAt: attempts === 0 ? 0 : dueAt, isAlone: false })
    },
    next(now) {
      if (isUnderWay || now < restUntil) return undefined
      const rows = candidate(groups, failures > 0, now)
      if (rows === undefined) return undefined
      isUnderWay = true
      return pack(groups, rows, traits().audience)
    },
    nextAt() {
      const due = groups.nextDue()
      return isUnderWay || due === undefined ? undefined : Math.max(restUntil, due)
    },
    finish({ rows }, wasAccepted, now) {
      isUnderWay = false
      groups.remove(rows)
      restUntil = now + traits().spacingMs
      if (!wasAccepted) return
      if (failures >= OUTAGE_FROM) groups.makeDue(now)
      failures = 0
    },
    fail({ rows }, { now, dueAt, isAsked }) {
      isUnderWay = false
      failures += 1
      restUntil = isAsked ? dueAt : now + pauseMs(failures, random())
      noteAttempt(rows)
      groups.postpone(rows, dueAt)
    },
    split({ rows }) {
      isUnderWay = false
      noteAttempt(rows)
      for (const row of rows) row.isAlone = true
    },
    release() {
      isUnderWay = false
    },
    rows: () => groups.all().flat(),
    remove(rows) {
      groups.remove(rows)
    },
  }
}

/** A message has the id of its last row, and so the ledger has its attempt. */
function noteAttempt(rows: Rows): void {
  for (const row of rows.slice(-1)) row.attempts += 1
}

/** The rows of the group that goes next. */
function candidate(groups: WaitingGroups, isFailing: boolean, now: number): Rows | undefined {
  const oldestFailed = [...groups.failed.values()]
    .filter((rows) => dueOf(rows) <= now)
    .toSorted((a, b) => triesOf(a) - triesOf(b) || sequenceOf(a) - sequenceOf(b))[0]
  const [fresh] = groups.fresh.values()
  if (fresh === undefined || oldestFailed === undefined) return fresh ?? oldestFailed
  return isFailing || sequenceOf(fresh) < sequenceOf(oldestFailed) ? fresh : oldestFailed
}

/** As many rows as one message can hold, from the oldest; for a person with too much waiting, all of it. */
function pack(groups: WaitingGroups, rows: Rows, audience: Traits['audience']): Shipment {
  if (audience === 'person' && groups.count() > DIGEST_ABOVE && !isAlone(rows)) {
    const joining = groups.all().filter((others) => !isAlone(others))
    if (joining.length > DIGEST_ABOVE) return digest(joining)
  }
  const notifications = rows.map(({ row }) => row.notification)
  const taken = rows.slice(0, countMergeable(notifications, audience))
  return { notification: mergeNotifications(notificationsOf(taken)), rows: taken, isDigest: false }
}

function digest(groups: readonly Rows[]): Shipment {
  const rows = groups.flat().toSorted((a, b) => a.row.sequence - b.row.sequence)
  return { notification: digestNotifications(notificationsOf(rows)), rows, isDigest: true }
}

function notificationsOf(rows: Rows): readonly [Notification, ...Notification[]] {
  const [first, ...others] = rows.map(({ row }) => row.notification)
  assert(first !== undefined, 'an empty queue was asked for a message')
  return [first, ...others]
}

function isAlone(rows: Rows): boolean {
  return rows.some((row) => row.isAlone)
}
