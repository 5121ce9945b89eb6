import type { Kysely } from 'kysely'
import { z } from 'zod'

import type { DeliveryAttempt, OutboxRow } from '../core/notification.ts'
import type { World } from '../lib/world.ts'
import { parseNotification } from './notifications.ts'
import type { DeliveryAttemptTable, Schema } from './schema.ts'
import { chunksOf, createBulkWrite } from './statements.ts'
import { parseRows } from './stored-text.ts'
import type { Tx, Writer } from './writer.ts'

/** What became of deliveries: all of it, or nothing. */
interface DeliveryRecord {
  readonly attempts: readonly DeliveryAttempt[]
  readonly reschedule: readonly { readonly id: string; readonly dueAt: number; readonly attempts: number }[]
  /** Notifications that are owed no more. */
  readonly done: readonly string[]
}

/** A notification in the ledger, owed or not. */
interface LedgerRow extends OutboxRow {
  /** When it was accepted, refused or merged for good; undefined while it is owed. */
  readonly doneAt: number | undefined
}

export interface Outbox {
  /** What is owed, oldest first, after a sequence (0: from the start); at most 1,000. Ask again after the last of a page. */
  pending(afterSequence?: number, limit?: number): Promise<readonly OutboxRow[]>
  record(record: DeliveryRecord): Promise<void>
  attemptsOf(notificationId: string): Promise<readonly DeliveryAttempt[]>
  /** All notifications that told of an episode, oldest first; at most 1,000. */
  notificationsOf(episode: string): Promise<readonly LedgerRow[]>
  /** How many are owed, by destination; none where nothing is. */
  queued(): Promise<ReadonlyMap<string, number>>
}

const PAGE_MAX = 1_000
const ANSWER_CHARACTERS_MAX = 500

const rowSchema = z.object({
  sequence: z.number(),
  id: z.string(),
  due_at: z.number(),
  attempts: z.number(),
  done_at: z.number().nullable(),
  body: z.string(),
})
const attemptSchema = z.object({
  notification_id: z.string(),
  number: z.number(),
  at: z.number(),
  duration_ms: z.number(),
  outcome: z.enum(['accepted', 'retry', 'refused', 'merged']),
  reason: z.string(),
  answer: z.string(),
})
type NotificationRow = z.infer<typeof rowSchema>
type DeliveryAttemptRow = z.infer<typeof attemptSchema>
const countSchema = z.object({ destination: z.string(), count: z.number() })

export function createOutbox(db: Kysely<Schema>, writer: Writer, world: Pick<World, 'now'>): Outbox {
  const insertAttempts = createBulkWrite<DeliveryAttemptTable>((kysely, rows) =>
    kysely
      .insertInto('delivery_attempt')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing()),
  )
  return {
    async pending(afterSequence = 0, limit = PAGE_MAX) {
      const rows = await db
        .selectFrom('notification')
        .selectAll()
        .where('done_at', 'is', null)
        .where('sequence', '>', afterSequence)
        .orderBy('sequence')
        .limit(Math.min(limit, PAGE_MAX))
        .execute()
      return parseRows(rowSchema, rows, 'notifications').map(outboxRow)
    },
    async record(record) {
      const rows = record.attempts.length + record.reschedule.length + record.done.length
      const at = world.now()
      await writer.write(rows, async (tx) => {
        await insertAttempts(tx, record.attempts, attemptRow)
        await moveRows(tx, record, at)
      })
    },
    async attemptsOf(notificationId) {
      const rows = await db
        .selectFrom('delivery_attempt')
        .selectAll()
        .where('notification_id', '=', notificationId)
        .orderBy('number')
        .execute()
      return parseRows(attemptSchema, rows, 'delivery attempts').map(deliveryAttempt)
    },
    async notificationsOf(episode) {
      const rows = await db
        .selectFrom('notification')
        .innerJoin('notification_episode', 'notification_episode.notification_id', 'notification.id')
        .selectAll('notification')
        .where('notification_episode.episode', '=', episode)
        .orderBy('notification.sequence')
        .limit(PAGE_MAX)
        .execute()
      return parseRows(rowSchema, rows, 'notifications').map(ledgerRow)
    },
    async queued() {
      const rows = await db
        .selectFrom('notification')
        .select((eb) => ['destination', eb.fn.countAll().as('count')])
        .where('done_at', 'is', null)
        .groupBy('destination')
        .execute()
      return new Map(parseRows(countSchema, rows, 'notifications').map((row) => [row.destination, row.count]))
    },
  }
}

async function moveRows(tx: Tx, record: DeliveryRecord, at: number): Promise<void> {
  for (const { id, dueAt, attempts } of record.reschedule) {
    await tx.db
      .updateTable('notification')
      .set({ due_at: Math.round(dueAt), attempts })
      .where('id', '=', id)
      .execute()
  }
  for (const ids of chunksOf(record.done)) {
    await tx.db.updateTable('notification').set({ done_at: at }).where('id', 'in', ids).execute()
  }
}

function attemptRow(attempt: DeliveryAttempt): DeliveryAttemptTable {
  return {
    notification_id: attempt.notificationId,
    number: attempt.number,
    at: Math.round(attempt.at),
    duration_ms: Math.round(attempt.durationMs),
    outcome: attempt.outcome,
    reason: attempt.reason,
    answer: attempt.answer.slice(0, ANSWER_CHARACTERS_MAX).toWellFormed().replaceAll('\0', '\u{FFFD}'),
  }
}

function deliveryAttempt({ notification_id: notificationId, ...row }: DeliveryAttemptRow): DeliveryAttempt {
  const { number, at, duration_ms: durationMs, outcome, reason, answer } = row
  return { notificationId, number, at, durationMs, outcome, reason, answer }
}

function outboxRow(row: NotificationRow): OutboxRow {
  return {
    notification: parseNotification(row.body, row.id),
    sequence: row.sequence,
    attempts: row.attempts,
    dueAt: row.due_at,
  }
}

function ledgerRow(row: NotificationRow): LedgerRow {
  return { ...outboxRow(row), doneAt: row.done_at ?? undefined }
}
