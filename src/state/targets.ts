import type { Kysely } from 'kysely'
import { z } from 'zod'

import type { TargetRecord } from '../core/records.ts'
import { assert } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import type { Schema } from './schema.ts'
import { jsonSchema, parseRows, parseStored } from './stored-text.ts'
import type { Tx, Writer } from './writer.ts'

/** What a target is, when it is opened. */
export interface TargetOpening {
  readonly target: string
  readonly type: string
  readonly subject: string
  /** Milliseconds UTC. */
  readonly at: number
}

export interface OpenedTarget extends TargetRecord {
  /** What the name stood for until now, when that is another type or subject: its cursor is not used. Say it aloud. */
  readonly replaced: { readonly type: string; readonly subject: string } | undefined
}

const rowSchema = z.object({
  id: z.number(),
  name: z.string(),
  type: z.string(),
  subject: z.string(),
  first_started_at: z.number(),
  cursor: z.string().nullable(),
  height: z.number().nullable(),
})
type TargetRow = z.infer<typeof rowSchema>

/** Finds a target, or makes it at its very first start; under another subject it begins anew. */
export async function openTarget(writer: Writer, opening: TargetOpening): Promise<OpenedTarget> {
  return writer.write(1, async (tx) => {
    const known = await currentTarget(tx.db, opening.target)
    if (known !== undefined && known.type === opening.type && known.subject === opening.subject) {
      return { ...recordOf(known), replaced: undefined }
    }
    if (known !== undefined) await setApart(tx, opening.target)
    await tx.db
      .insertInto('target')
      .values({
        id: tx.take('target', 1),
        name: opening.target,
        type: opening.type,
        subject: opening.subject,
        is_current: 1,
        first_started_at: opening.at,
        cursor: null,
        height: null,
      })
      .execute()
    return {
      target: opening.target,
      type: opening.type,
      subject: opening.subject,
      firstStartedAt: opening.at,
      cursor: undefined,
      height: undefined,
      replaced: known === undefined ? undefined : { type: known.type, subject: known.subject },
    }
  })
}

/** Lets the name mean nothing. Its events stay in the log until retention takes them. */
export async function removeTarget(writer: Writer, target: string): Promise<void> {
  await writer.write(1, async (tx) => setApart(tx, target))
}

/** The row that a name means now. */
async function currentTarget(db: Kysely<Schema>, name: string): Promise<TargetRow | undefined> {
  const rows = await db
    .selectFrom('target')
    .select(['id', 'name', 'type', 'subject', 'first_started_at', 'cursor', 'height'])
    .where('name', '=', name)
    .where('is_current', '=', 1)
    .execute()
  return parseRows(rowSchema, rows, 'targets')[0]
}

/** As `currentTarget`, for those who may only ask for what was opened. */
export async function openedTarget(db: Kysely<Schema>, name: string): Promise<TargetRow> {
  const row = await currentTarget(db, name)
  assert(row !== undefined, `the target ${name} was used before it was opened`)
  return row
}

async function setApart(tx: Tx, name: string): Promise<void> {
  await tx.db
    .updateTable('target')
    .set({ is_current: 0 })
    .where('name', '=', name)
    .where('is_current', '=', 1)
    .execute()
}

function recordOf(row: TargetRow): TargetRecord {
  return {
    target: row.name,
    type: row.type,
    subject: row.subject,
    firstStartedAt: row.first_started_at,
    cursor: cursorOf(row),
    height: row.height ?? undefined,
  }
}

function cursorOf(row: TargetRow): Json | undefined {
  return row.cursor === null ? undefined : parseStored(jsonSchema, row.cursor, `the cursor of the target ${row.name}`)
}
