import { type Kysely, sql } from 'kysely'
import { z } from 'zod'

import type { Duty, DutyOutcome } from '../core/duty.ts'
import type { DutyTable, Schema } from './schema.ts'
import { createBulkWrite } from './statements.ts'
import { indexedText, jsonText, parseRows, parseStored } from './stored-text.ts'
import type { Tx } from './writer.ts'

interface StoredDuty extends Duty {
  readonly target: string
}

/** Which duties; every condition that is given must hold. */
interface DutyQuery {
  readonly target?: string | undefined
  readonly kind?: string | undefined
  readonly actor?: string | undefined
  readonly outcome?: DutyOutcome | undefined
  /** When they were due, milliseconds UTC, inclusive. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** At most 10,000: the newest. */
  readonly limit: number
}

export interface Duties {
  /** Duties of what targets watch now, by when they were due: the newest last. */
  query(query: DutyQuery): Promise<readonly StoredDuty[]>
}

const LIMIT_MAX = 10_000

const rowSchema = z.object({
  target: z.string(),
  kind: z.string(),
  height: z.number(),
  round: z.number(),
  actor: z.string(),
  outcome: z.enum(['done', 'missed', 'unknown']),
  time: z.number(),
  details: z.string(),
})
const detailsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

export function createDuties(db: Kysely<Schema>): Duties {
  return {
    async query(query) {
      let select = db
        .selectFrom('duty')
        .innerJoin('target', 'target.id', 'duty.target_id')
        .select([
          'target.name as target',
          'duty.kind',
          'duty.height',
          'duty.round',
          'duty.actor',
          'duty.outcome',
          'duty.time',
          'duty.details',
        ])
        .where('target.is_current', '=', 1)
      if (query.target !== undefined) select = select.where('target.name', '=', query.target)
      if (query.kind !== undefined) select = select.where('duty.kind', '=', query.kind)
      if (query.actor !== undefined) select = select.where('duty.actor', '=', indexedText(query.actor))
      if (query.outcome !== undefined) select = select.where('duty.outcome', '=', query.outcome)
      if (query.fromMs !== undefined) select = select.where('duty.time', '>=', query.fromMs)
      if (query.toMs !== undefined) select = select.where('duty.time', '<=', query.toMs)
      const rows = await select
        .orderBy('duty.time', 'desc')
        .orderBy('duty.height', 'desc')
        .orderBy('duty.round', 'desc')
        .limit(Math.min(query.limit, LIMIT_MAX))
        .execute()
      return parseRows(rowSchema, rows, 'duties').toReversed().map(storedDuty)
    },
  }
}

function storedDuty({ details, ...row }: z.infer<typeof rowSchema>): StoredDuty {
  return { ...row, details: parseStored(detailsSchema, details, 'the details of a duty') }
}

/** Stores the duties of a round. What could not be seen may be seen later; what was seen stays. */
export type DutyWrite = (tx: Tx, targetId: number, duties: readonly Duty[]) => Promise<void>

export function createDutyWrite(): DutyWrite {
  const write = createBulkWrite<DutyTable>((db, rows) =>
    db
      .insertInto('duty')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['target_id', 'kind', 'height', 'round', 'actor'])
          .doUpdateSet((eb) => ({
            outcome: eb.ref('excluded.outcome'),
            time: eb.ref('excluded.time'),
            details: eb.ref('excluded.details'),
          }))
          .where('duty.outcome', '=', sql.lit('unknown')),
      ),
  )
  return async (tx, targetId, duties) => {
    const rows = new Map<string, DutyTable>()
    for (const duty of duties) {
      const row: DutyTable = {
        target_id: targetId,
        kind: duty.kind,
        height: duty.height,
        round: duty.round,
        actor: indexedText(duty.actor),
        outcome: duty.outcome,
        time: Math.round(duty.time),
        details: jsonText(duty.details, `the details of a duty at ${duty.height}`),
      }
      // One statement may not touch a row twice; within a round the same holds as between rounds.
      const key = JSON.stringify([row.kind, row.height, row.round, row.actor])
      const known = rows.get(key)
      if (known === undefined || known.outcome === 'unknown') rows.set(key, row)
    }
    await write(tx, [...rows.values()], (row) => row)
  }
}
