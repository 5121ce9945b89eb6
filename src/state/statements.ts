import type { Compilable, CompiledQuery, Kysely } from 'kysely'

import { assert } from '../lib/errors.ts'
import type { Schema } from './schema.ts'
import type { Tx } from './writer.ts'

/** How many rows one statement takes: the largest that fits, then smaller ones, so that few texts are ever prepared. */
const ROWS_PER_STATEMENT = [64, 8, 1] as const

/** Values of an IN list: one statement's worth. */
const KEYS_PER_STATEMENT = 256

/** Writes items as rows, a piece at a time; an item becomes a row only when its piece is written. */
export type BulkWrite<Row> = <Item>(
  tx: Tx,
  items: readonly Item[],
  rowOf: (item: Item, index: number) => Row,
) => Promise<void>

/**
 * Makes a write of many rows, with statements that are compiled once for each number of rows: building them anew costs
 * more than running them.
 *
 * @param build makes the statement for some rows; every row has the same columns in the same order, none undefined
 */
export function createBulkWrite<Row extends object>(
  build: (db: Kysely<Schema>, rows: readonly Row[]) => Compilable,
): BulkWrite<Row> {
  const compiled = new Map<number, CompiledQuery>()
  return async (tx, items, rowOf) => {
    let done = 0
    while (done < items.length) {
      const start = done
      const size = ROWS_PER_STATEMENT.find((count) => count <= items.length - start) ?? 1
      const rows = items.slice(start, start + size).map((item, index) => rowOf(item, start + index))
      const statement = compiled.get(size) ?? build(tx.db, rows).compile()
      compiled.set(size, statement)
      const parameters: unknown[] = rows.flatMap((row): unknown[] => Object.values(row))
      assert(parameters.length === statement.parameters.length, 'rows of one statement differ in their columns')
      await tx.db.executeQuery({ ...statement, parameters })
      done += size
      await tx.pause()
    }
  }
}

/** Splits keys into lists that fit one statement. */
export function chunksOf<Item>(
  items: readonly Item[],
  size: number = KEYS_PER_STATEMENT,
): readonly (readonly Item[])[] {
  const chunks: (readonly Item[])[] = []
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size))
  return chunks
}
