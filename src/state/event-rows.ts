import { type Kysely, sql } from 'kysely'
import { z } from 'zod'

import type { StoredEvent } from '../core/event.ts'
import type { Event } from '../core/event.ts'
import type { Schema } from './schema.ts'
import { jsonSchema, jsonText, parseRows, parseStored } from './stored-text.ts'

/** What of an event has no column: nothing is ever looked for by it. */
const bodySchema = z.object({
  args: z.record(z.string(), jsonSchema),
  block: z.object({ number: z.string(), hash: z.string(), time: z.number() }).optional(),
  tx: z.object({ hash: z.string(), index: z.number() }).optional(),
  logIndex: z.number().optional(),
  address: z.string().optional(),
  chainId: z.number().optional(),
})

const rowSchema = z.object({
  sequence: z.number(),
  retracted_sequence: z.number().nullable(),
  target: z.string(),
  labels: z.string(),
  type: z.string(),
  name: z.string(),
  key: z.string(),
  id: z.string(),
  time: z.number(),
  height: z.number().nullable(),
  is_history: z.number(),
  body: z.string(),
})
export type EventRow = z.infer<typeof rowSchema>

const labelsSchema = z.record(z.string(), z.string())

export function eventBody(event: Event): string {
  const { args, block, tx, logIndex, address, chainId } = event
  return jsonText({ args, block, tx, logIndex, address, chainId }, `the event ${event.key}`)
}

/** Events with all that belongs to them; the caller says which. */
export function selectEvents(db: Kysely<Schema>) {
  return (
    db
      .selectFrom('event')
      // The plus keeps SQLite from starting at the targets: events are read in the order of their numbers.
      .innerJoin('target', (join) => join.on('target.id', '=', sql<number>`+event.target_id`))
      .innerJoin('label_set', 'label_set.id', 'event.label_set_id')
      .select([
        'event.sequence',
        'event.retracted_sequence',
        'target.name as target',
        'label_set.labels',
        'event.type',
        'event.name',
        'event.key',
        'event.id',
        'event.time',
        'event.height',
        'event.is_history',
        'event.body',
      ])
  )
}

export function parseEventRows(rows: readonly unknown[]): readonly EventRow[] {
  return parseRows(rowSchema, rows, 'events')
}

export function storedEvent(row: EventRow): StoredEvent {
  const { block, tx, logIndex, address, chainId, args } = parseStored(bodySchema, row.body, `the event ${row.key}`)
  return {
    sequence: row.sequence,
    target: row.target,
    labels: parseStored(labelsSchema, row.labels, `the labels of the target ${row.target}`),
    type: row.type,
    name: row.name,
    key: row.key,
    id: row.id,
    time: row.time,
    isHistory: row.is_history === 1,
    args,
    ...(row.height === null ? {} : { height: row.height }),
    ...(block === undefined ? {} : { block }),
    ...(tx === undefined ? {} : { tx }),
    ...(logIndex === undefined ? {} : { logIndex }),
    ...(address === undefined ? {} : { address }),
    ...(chainId === undefined ? {} : { chainId }),
  }
}
