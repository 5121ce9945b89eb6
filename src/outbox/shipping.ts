import type { DeliveryAttempt } from '../core/notification.ts'
import type { FailureReason } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { retryDelayMs } from './backoff.ts'
import { type Carrier, deliver, type Outcome } from './deliver.ts'
import type { DestinationQueue, Shipment } from './destination-queue.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import type { WaitingRow } from './waiting-groups.ts'

/** One destination that can be delivered to. */
export interface OutboxChannel {
  readonly kind: string
  readonly channel: Carrier
  readonly audience: 'machine' | 'person'
  /** The least time between two messages that the service bears; default none. */
  readonly spacingMs?: number | undefined
}

/** One attempt, for metrics. */
export interface AttemptReport {
  readonly kind: string
  readonly destination: string
  readonly outcome: DeliveryAttempt['outcome']
  readonly reason: string
  /** From the change that caused the message to its acceptance; undefined where it was not accepted. */
  readonly deliverySeconds: number | undefined
}

export interface Destination {
  readonly name: string
  readonly queue: DestinationQueue
  /** Undefined: not, or no longer, configured. */
  channel: OutboxChannel | undefined
  /** Wall time of the first failure since the last success. */
  failingSince: number | undefined
}

export interface ShippingOptions {
  readonly ledger: Ledger
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'random'>
  readonly log: Logger
  readonly onAttempt: (report: AttemptReport) => void
  readonly signal: AbortSignal
}

/** Takes the next message of a destination to its channel, and what became of it to the ledger and back to the queue. */
export interface Shipping {
  /** Begins if there is something to do now; the promise never rejects. */
  begin(destination: Destination): Promise<void> | undefined
  /** When there may be something to do, monotonic; Infinity: not before something changes. */
  nextAt(destination: Destination): number
}

/** How long rows of a destination that left the configuration wait for its return. */
const ORPHAN_MS = 86_400_000

export function createShipping(options: ShippingOptions): Shipping {
  const { world } = options
  return {
    begin(destination) {
      const { channel, queue } = destination
      if (channel === undefined) return giveUpOrphans(options, destination)
      const shipment = queue.next(world.monotonic())
      return shipment === undefined ? undefined : ship(options, destination, { channel, shipment })
    },
    nextAt({ channel, queue }) {
      if (channel !== undefined) return queue.nextAt() ?? Infinity
      const ages = queue.rows().map(({ row }) => world.now() - row.notification.causedAt)
      const oldest = ages.reduce((most, age) => Math.max(most, age), -Infinity)
      return world.monotonic() + Math.max(0, ORPHAN_MS - oldest)
    },
  }
}

interface Sending {
  readonly channel: OutboxChannel
  readonly shipment: Shipment
}

async function ship(options: ShippingOptions, destination: Destination, sending: Sending): Promise<void> {
  const { world, log, signal } = options
  const { channel, shipment } = sending
  const at = world.now()
  const startedAt = world.monotonic()
  const outcome = await deliver({
    carrier: channel.channel,
    notification: shipment.notification,
    destination: destination.name,
    world,
    log,
    signal,
  })
  const attempt = { at, durationMs: Math.round(world.monotonic() - startedAt) }
  const conclusion = conclude(options, destination, { shipment, outcome, attempt })
  if (conclusion === undefined) {
    destination.queue.release()
    return
  }
  try {
    await options.ledger.write(conclusion.entry)
  } catch {
    // Only for want of time: it stays owed, and is told again after the start.
    destination.queue.release()
    return
  }
  conclusion.settle()
  reportAll(options, destination, { channel, shipment, attempts: conclusion.entry.attempts })
}

interface Concluding {
  readonly shipment: Shipment
  readonly outcome: Outcome
  readonly attempt: { readonly at: number; readonly durationMs: number }
}

/** What an outcome means: what to write, and what the queue does once that is durable. */
function conclude(
  options: ShippingOptions,
  destination: Destination,
  { shipment, outcome, attempt }: Concluding,
): { readonly entry: LedgerEntry; readonly settle: () => void } | undefined {
  const { world, log } = options
  const { queue, name } = destination
  const said = (row: WaitingRow, verdict: Verdict) => attemptOf(row, { ...attempt, ...verdict })
  switch (outcome.kind) {
    case 'stopped':
      return undefined
    case 'accepted':
      return {
        entry: finalEntry(shipment, said, { outcome: 'accepted', reason: '', answer: outcome.answer }),
        settle() {
          noteRecovery(destination, log, world.now())
          queue.finish(shipment, true, world.monotonic())
        },
      }
    case 'refused': {
      const { reason, answer } = outcome
      if (shipment.isDigest) {
        return {
          entry: retryEntry(shipment, said, { reason, answer, dueAt: world.now() }),
          settle: () => queue.split(shipment),
        }
      }
      log.error('A destination refused a message for good', { destination: name, reason, answer })
      return {
        entry: finalEntry(shipment, said, { outcome: 'refused', reason, answer }),
        settle: () => queue.finish(shipment, false, world.monotonic()),
      }
    }
    case 'retry': {
      const { reason, answer, retryAfterMs } = outcome
      noteFailure(destination, log, { now: world.now(), reason, answer })
      const delayMs = retryDelayMs({
        attempts: (shipment.rows.at(-1)?.attempts ?? 0) + 1,
        ageMs: world.now() - shipment.notification.causedAt,
        retryAfterMs,
        chance: world.random(),
      })
      return {
        entry: retryEntry(shipment, said, { reason, answer, dueAt: world.now() + delayMs }),
        settle() {
          const now = world.monotonic()
          queue.fail(shipment, { now, dueAt: now + delayMs, isAsked: retryAfterMs !== undefined })
        },
      }
    }
  }
}

type Verdict = Pick<DeliveryAttempt, 'outcome' | 'reason' | 'answer'>

function attemptOf(
  { row, attempts }: WaitingRow,
  facts: Omit<DeliveryAttempt, 'notificationId' | 'number'>,
): DeliveryAttempt {
  return { notificationId: row.notification.id, number: attempts + 1, ...facts }
}

/** Every row is done: the last has the answer, the others went with it. */
function finalEntry(
  { rows }: Shipment,
  said: (row: WaitingRow, verdict: Verdict) => DeliveryAttempt,
  verdict: Verdict,
): LedgerEntry {
  const last = rows.at(-1)
  const merged: Verdict = verdict.outcome === 'accepted' ? { ...verdict, outcome: 'merged' } : verdict
  return {
    attempts: rows.map((row) => said(row, row === last ? verdict : merged)),
    reschedule: [],
    done: rows.map(({ row }) => row.notification.id),
  }
}

/** The last row has the answer and the new time; those that went with it go with it again. */
function retryEntry(
  { rows }: Shipment,
  said: (row: WaitingRow, verdict: Verdict) => DeliveryAttempt,
  failure: { readonly reason: FailureReason; readonly answer: string; readonly dueAt: number },
): LedgerEntry {
  const { reason, answer, dueAt } = failure
  const last = rows.slice(-1)
  return {
    attempts: last.map((row) => said(row, { outcome: 'retry', reason, answer })),
    reschedule: last.map(({ row, attempts }) => ({ id: row.notification.id, dueAt, attempts: attempts + 1 })),
    done: [],
  }
}

function noteFailure(
  destination: Destination,
  log: Logger,
  { now, reason, answer }: { readonly now: number; readonly reason: FailureReason; readonly answer: string },
): void {
  const fields = { destination: destination.name, reason, answer }
  if (destination.failingSince === undefined) log.warn('A destination does not accept messages; trying again', fields)
  else log.debug('A destination still does not accept messages', fields)
  destination.failingSince ??= now
}

function noteRecovery(destination: Destination, log: Logger, now: number): void {
  if (destination.failingSince === undefined) return
  const seconds = Math.round((now - destination.failingSince) / 1000)
  log.info('A destination accepts messages again', { destination: destination.name, after_seconds: seconds })
  destination.failingSince = undefined
}

function reportAll(
  { onAttempt, world }: ShippingOptions,
  { name }: Destination,
  sent: Sending & { readonly attempts: readonly DeliveryAttempt[] },
): void {
  const now = world.now()
  const causedAt = new Map(
    sent.shipment.rows.map(({ row: { notification } }) => [notification.id, notification.causedAt]),
  )
  for (const { notificationId, outcome, reason } of sent.attempts) {
    const isDelivered = outcome === 'accepted' || outcome === 'merged'
    const since = causedAt.get(notificationId) ?? now
    const deliverySeconds = isDelivered ? Math.max(0, now - since) / 1000 : undefined
    onAttempt({ kind: sent.channel.kind, destination: name, outcome, reason, deliverySeconds })
  }
}

/** Messages for a destination that has been gone for a day: refused, and said so. */
function giveUpOrphans(
  { world, log, ledger }: ShippingOptions,
  { name, queue }: Destination,
): Promise<void> | undefined {
  const now = world.now()
  const old = queue.rows().filter(({ row }) => now - row.notification.causedAt >= ORPHAN_MS)
  if (old.length === 0) return undefined
  queue.remove(old)
  log.error('Messages for a destination that is no longer configured were given up', {
    destination: name,
    messages: old.length,
  })
  const answer = 'the destination is no longer configured'
  const entry: LedgerEntry = {
    attempts: old.map((row) =>
      attemptOf(row, { at: now, durationMs: 0, outcome: 'refused', reason: 'not-found', answer }),
    ),
    reschedule: [],
    done: old.map(({ row }) => row.notification.id),
  }
  return ledger.write(entry).catch(() => undefined)
}
