import { type Kysely, sql } from 'kysely'

import type { World } from '../lib/world.ts'
import type { Schema } from './schema.ts'
import type { Tx, Writer } from './writer.ts'

/** How long things are kept, in milliseconds. */
export interface Retention {
  /** After they were stored. */
  readonly eventsMs: number
  /** After the last change of a journey that has ended. */
  readonly journeysMs: number
  /** After they were due. */
  readonly dutiesMs: number
  /** After they were settled; ended episodes go with them. */
  readonly notificationsMs: number
}

export interface Pruned {
  readonly events: number
  readonly journeys: number
  readonly duties: number
  readonly notifications: number
  readonly episodes: number
}

interface Store {
  readonly db: Kysely<Schema>
  readonly writer: Writer
  readonly world: Pick<World, 'yield'>
}

/** Rows that one transaction looks at: a few milliseconds. */
const BATCH = 500

/**
 * Deletes what is older than its retention, a little at a time. What is open, owed or firing stays, and so do events
 * that an event rule has not read; counts stay as they are.
 */
export async function prune({ db, writer, world }: Store, retention: Retention, now: number): Promise<Pruned> {
  const inBatches = async (batch: Batch): Promise<number> => {
    let removed = 0
    for (let from: number | undefined = 0; from !== undefined;) {
      const start: number = from
      const done = await writer.write(BATCH, async (tx) => batch(tx, start))
      removed += done.removed
      from = done.next
      await world.yield()
    }
    return removed
  }
  const read = await readByAllRules(db)
  const pruned = {
    events: await inBatches(eventBatch(now - retention.eventsMs, read)),
    journeys: await inBatches(journeyBatch(now - retention.journeysMs)),
    duties: await inBatches(dutyBatch(now - retention.dutiesMs)),
    notifications: await inBatches(notificationBatch(now - retention.notificationsMs)),
    episodes: await inBatches(episodeBatch(now - retention.notificationsMs)),
  }
  await writer.write(BATCH, removeForgottenTargets)
  return pruned
}

/** Looks at some rows from a number on; `next` is where to go on, undefined at the end. */
type Batch = (tx: Tx, from: number) => Promise<{ readonly removed: number; readonly next: number | undefined }>

/** The number up to which every event rule has read the log. */
async function readByAllRules(db: Kysely<Schema>): Promise<number> {
  const row = await db
    .selectFrom('event_rule')
    .select((eb) => eb.fn.min('position').as('position'))
    .executeTakeFirst()
  return row?.position ?? Infinity
}

function eventBatch(storedBefore: number, read: number): Batch {
  return async (tx, from) => {
    const rows = await tx.db
      .selectFrom('event')
      .select(['sequence', 'stored_at', 'retracted_sequence'])
      .where('sequence', '>', from)
      .orderBy('sequence')
      .limit(BATCH)
      .execute()
    const old = rows.filter(
      (row) => row.stored_at < storedBefore && Math.max(row.sequence, row.retracted_sequence ?? 0) <= read,
    )
    const sequences = old.map((row) => row.sequence)
    if (sequences.length > 0) await tx.db.deleteFrom('event').where('sequence', 'in', sequences).execute()
    const last = rows.at(-1)
    const goesOn = rows.length === BATCH && last !== undefined && last.stored_at < storedBefore
    return { removed: old.length, next: goesOn ? last.sequence : undefined }
  }
}

/** Journeys are numbered as they were made, so nothing after the first that is young can be old. */
function journeyBatch(endedBefore: number): Batch {
  return async (tx, from) => {
    const rows = await tx.db
      .selectFrom('journey')
      .leftJoin('target', 'target.id', 'journey.target_id')
      .select(['journey.id', 'journey.outcome', 'journey.created_at', 'journey.updated_at', 'target.is_current'])
      .where('journey.id', '>', from)
      .orderBy('journey.id')
      .limit(BATCH)
      .execute()
    const ids = rows
      // Of a target that was set apart nothing can end any more.
      .filter((row) => row.updated_at < endedBefore && (row.outcome !== null || row.is_current !== 1))
      .map((row) => row.id)
    if (ids.length > 0) {
      await tx.db.deleteFrom('journey_step').where('journey_id', 'in', ids).execute()
      await tx.db.deleteFrom('journey').where('id', 'in', ids).execute()
    }
    const last = rows.at(-1)
    const goesOn = rows.length === BATCH && last !== undefined && last.created_at < endedBefore
    return { removed: ids.length, next: goesOn ? last.id : undefined }
  }
}

function dutyBatch(dueBefore: number): Batch {
  return async (tx) => {
    const edge = await tx.db
      .selectFrom('duty')
      .select('time')
      .where('time', '<', dueBefore)
      .orderBy('time')
      .offset(BATCH)
      .limit(1)
      .executeTakeFirst()
    const { numDeletedRows } = await tx.db
      .deleteFrom('duty')
      .where('time', '<', dueBefore)
      .where('time', '<=', edge?.time ?? dueBefore)
      .executeTakeFirst()
    return { removed: Number(numDeletedRows), next: edge === undefined ? undefined : 0 }
  }
}

function notificationBatch(doneBefore: number): Batch {
  return async (tx, from) => {
    const rows = await tx.db
      .selectFrom('notification')
      .select((eb) => [
        'sequence',
        'id',
        'created_at',
        'done_at',
        eb
          .exists(
            eb
              .selectFrom('notification_episode')
              .innerJoin('episode', 'episode.episode', 'notification_episode.episode')
              .select(sql.lit(1).as('one'))
              .whereRef('notification_episode.notification_id', '=', 'notification.id')
              .where('episode.ends_at', 'is', null),
          )
          .as('fires'),
      ])
      .where('sequence', '>', from)
      .orderBy('sequence')
      .limit(BATCH)
      .execute()
    const ids = rows
      .filter((row) => row.done_at !== null && row.done_at < doneBefore && !row.fires)
      .map((row) => row.id)
    if (ids.length > 0) {
      await tx.db.deleteFrom('delivery_attempt').where('notification_id', 'in', ids).execute()
      await tx.db.deleteFrom('notification_episode').where('notification_id', 'in', ids).execute()
      await tx.db.deleteFrom('notification').where('id', 'in', ids).execute()
    }
    const last = rows.at(-1)
    const goesOn = rows.length === BATCH && last !== undefined && last.created_at < doneBefore
    return { removed: ids.length, next: goesOn ? last.sequence : undefined }
  }
}

function episodeBatch(endedBefore: number): Batch {
  return async (tx) => {
    const rows = await tx.db
      .selectFrom('episode')
      .select('episode')
      .where('ends_at', '<', endedBefore)
      .where('ends_at', 'is not', null)
      .orderBy('ends_at')
      .limit(BATCH)
      .execute()
    const ids = rows.map((row) => row.episode)
    if (ids.length > 0) await tx.db.deleteFrom('episode').where('episode', 'in', ids).execute()
    return { removed: ids.length, next: rows.length === BATCH ? 0 : undefined }
  }
}

/** A target that was set apart goes when nothing is left of it. */
async function removeForgottenTargets(tx: Tx): Promise<void> {
  const rows = await tx.db
    .selectFrom('target')
    .select('id')
    .where('is_current', '=', 0)
    .where((eb) =>
      eb.not(eb.exists(eb.selectFrom('event').select('sequence').whereRef('event.target_id', '=', 'target.id'))),
    )
    .where((eb) =>
      eb.not(eb.exists(eb.selectFrom('journey').select('journey.id').whereRef('journey.target_id', '=', 'target.id'))),
    )
    .where((eb) => eb.not(eb.exists(eb.selectFrom('duty').select('kind').whereRef('duty.target_id', '=', 'target.id'))))
    .limit(BATCH)
    .execute()
  const ids = rows.map((row) => row.id)
  if (ids.length === 0) return
  await tx.db.deleteFrom('journey_status').where('target_id', 'in', ids).execute()
  await tx.db.deleteFrom('journey_total').where('target_id', 'in', ids).execute()
  await tx.db.deleteFrom('target').where('id', 'in', ids).execute()
}
