import { z } from 'zod'

import type { Notification } from '../core/notification.ts'
import type { NotificationTable, Schema } from './schema.ts'
import { chunksOf, createBulkWrite } from './statements.ts'
import { jsonText, parseStored } from './stored-text.ts'
import type { Tx } from './writer.ts'

const labelsSchema = z.record(z.string(), z.string())
const alertSchema = z.object({
  episode: z.string(),
  fingerprint: z.string(),
  source: z.string(),
  labels: labelsSchema,
  annotations: labelsSchema,
  startsAt: z.number(),
  // JSON leaves out what is undefined; the key itself always exists.
  endsAt: z.number().optional().transform(present),
  end: z.enum(['resolved', 'closed']).optional().transform(present),
  isUnknown: z.boolean(),
  generatorUrl: z.string(),
})
const notificationSchema = z.object({
  id: z.string(),
  receiver: z.string(),
  destination: z.string(),
  groupKey: z.string(),
  groupLabels: labelsSchema,
  reason: z.enum(['first', 'new-alerts', 'more-severe', 'changed', 'resolved', 'repeat', 'test']),
  alerts: z.array(alertSchema),
  truncated: z.number(),
  causedAt: z.number(),
})

function present<T>(value: T): T {
  return value
}

export function parseNotification(body: string, id: string): Notification {
  return parseStored(notificationSchema, body, `the notification ${id}`)
}

/** Puts notifications into the outbox, each under the next number. One that is there already stays as it is. */
export function createNotificationWrite(): (tx: Tx, notifications: readonly Notification[]) => Promise<void> {
  const insert = createBulkWrite<NotificationTable>((db, rows) => db.insertInto('notification').values(rows))
  const link = createBulkWrite<Schema['notification_episode']>((db, rows) =>
    db
      .insertInto('notification_episode')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing()),
  )
  return async (tx, notifications) => {
    const known = await knownIds(
      tx,
      notifications.map(({ id }) => id),
    )
    const fresh = [...new Map(notifications.map((notification) => [notification.id, notification])).values()].filter(
      ({ id }) => !known.has(id),
    )
    const first = tx.take('notification', fresh.length)
    await insert(tx, fresh, (notification, index) => ({
      sequence: first + index,
      id: notification.id,
      destination: notification.destination,
      created_at: Math.round(notification.causedAt),
      due_at: Math.round(notification.causedAt),
      attempts: 0,
      done_at: null,
      body: jsonText(notification, `the notification ${notification.id}`),
    }))
    const told = fresh.flatMap(({ id, alerts }) =>
      [...new Set(alerts.map(({ episode }) => episode))].map((episode) => ({ episode, id })),
    )
    await link(tx, told, ({ episode, id }) => ({ episode, notification_id: id }))
  }
}

/** A commit whose answer was lost on the way from a server is asked for again: its notifications must not be owed twice. */
async function knownIds(tx: Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  for (const chunk of chunksOf(ids)) {
    const rows = await tx.db.selectFrom('notification').select('id').where('id', 'in', chunk).execute()
    for (const { id } of rows) known.add(id)
  }
  return known
}
