import type { Kysely } from 'kysely'
import { z } from 'zod'

import type { Event, EventKey } from '../core/event.ts'
import { canonicalLabels, type Labels } from '../core/labels.ts'
import { eventBody } from './event-rows.ts'
import type { EventTable, Schema } from './schema.ts'
import { chunksOf, createBulkWrite } from './statements.ts'
import { indexedText, jsonText, parseRows } from './stored-text.ts'
import type { Tx } from './writer.ts'

/** A sighting that stands: stored and not retracted. */
export interface StandingSighting {
  readonly key: EventKey
  readonly id: string
  readonly name: string
  readonly height: number
  readonly isHistory: boolean
}

/** An event that this round stored, under its number. */
export interface NewSighting {
  readonly sequence: number
  readonly event: Event
}

const keyRowSchema = z.object({ sequence: z.number(), key: z.string() })
const standingRowSchema = z.object({
  key: z.string(),
  id: z.string(),
  name: z.string(),
  height: z.number(),
  is_history: z.number(),
})

/** What of a target stands above a height, ascending. */
export async function standingAbove(
  db: Kysely<Schema>,
  target: string,
  height: number,
): Promise<readonly StandingSighting[]> {
  const rows = await db
    .selectFrom('event')
    .innerJoin('target', 'target.id', 'event.target_id')
    .select(['event.key', 'event.id', 'event.name', 'event.height', 'event.is_history'])
    .where('target.name', '=', target)
    .where('target.is_current', '=', 1)
    .where('event.retracted_sequence', 'is', null)
    .where('event.height', '>', height)
    .orderBy('event.height')
    .orderBy('event.sequence')
    .execute()
  return parseRows(standingRowSchema, rows, 'sightings').map((row) => ({
    key: row.key,
    id: row.id,
    name: row.name,
    height: row.height,
    isHistory: row.is_history === 1,
  }))
}

/**
 * Retracts sightings that stand, each under the next number of the log; others are ignored.
 *
 * @returns the numbers they were seen under
 */
export async function retract(tx: Tx, targetId: number, keys: readonly EventKey[]): Promise<readonly number[]> {
  const wanted = [...new Set(keys.map(indexedText))]
  const standing = await standingKeys(tx, targetId, wanted)
  const sequences: number[] = []
  for (const key of wanted) {
    const sequence = standing.get(key)
    if (sequence === undefined) continue
    await tx.db
      .updateTable('event')
      .set({ retracted_sequence: tx.take('event', 1) })
      .where('sequence', '=', sequence)
      .execute()
    sequences.push(sequence)
    await tx.pause()
  }
  return sequences
}

/** Stores the sightings of a round that do not stand yet, each under the next number of the log. */
export type SightingWrite = (
  tx: Tx,
  round: { readonly targetId: number; readonly at: number; readonly labels: Labels; readonly events: readonly Event[] },
) => Promise<readonly NewSighting[]>

export function createSightingWrite(): SightingWrite {
  const insert = createBulkWrite<EventTable>((db, rows) => db.insertInto('event').values(rows))
  return async (tx, { targetId, at, labels, events }) => {
    const byKey = new Map(events.toReversed().map((event) => [indexedText(event.key), event]))
    const top = await highestStanding(tx, targetId)
    const known = events.filter(({ height }) => height === undefined || height <= top)
    const standing = await standingKeys(tx, targetId, [...new Set(known.map(({ key }) => indexedText(key)))])
    const fresh = events.filter((event) => {
      const key = indexedText(event.key)
      return byKey.get(key) === event && !standing.has(key)
    })
    if (fresh.length === 0) return []
    const labelSetId = await labelSet(tx, labels)
    const first = tx.take('event', fresh.length)
    await insert(tx, fresh, (event, index) => ({
      sequence: first + index,
      target_id: targetId,
      key: indexedText(event.key),
      id: indexedText(event.id),
      type: event.type,
      name: indexedText(event.name),
      time: Math.round(event.time),
      height: event.height ?? null,
      is_history: event.isHistory ? 1 : 0,
      label_set_id: labelSetId,
      stored_at: Math.round(at),
      retracted_sequence: null,
      body: eventBody(event),
    }))
    return fresh.map((event, index) => ({ sequence: first + index, event }))
  }
}

/**
 * A key names one place on one branch, so a sighting above all that stand is none of them: a backfill need not look up
 * its thousands of keys.
 */
async function highestStanding(tx: Tx, targetId: number): Promise<number> {
  const row = await tx.db
    .selectFrom('event')
    .select('height')
    .where('target_id', '=', targetId)
    .where('retracted_sequence', 'is', null)
    .where('height', 'is not', null)
    .orderBy('height', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.height ?? Number.NEGATIVE_INFINITY
}

async function standingKeys(tx: Tx, targetId: number, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const standing = new Map<string, number>()
  for (const chunk of chunksOf(keys)) {
    const rows = await tx.db
      .selectFrom('event')
      .select(['sequence', 'key'])
      .where('target_id', '=', targetId)
      .where('key', 'in', chunk)
      .where('retracted_sequence', 'is', null)
      .execute()
    for (const row of parseRows(keyRowSchema, rows, 'sightings')) standing.set(row.key, row.sequence)
    await tx.pause()
  }
  return standing
}

async function labelSet(tx: Tx, labels: Labels): Promise<number> {
  const text = jsonText(canonicalLabels(labels), 'the labels of a target')
  const known = await tx.db.selectFrom('label_set').select('id').where('labels', '=', text).executeTakeFirst()
  if (known !== undefined) return known.id
  const id = tx.take('label_set', 1)
  await tx.db.insertInto('label_set').values({ id, labels: text }).execute()
  return id
}
