import type { Kysely } from 'kysely'

import type { Schema } from './schema.ts'
import { indexedText } from './stored-text.ts'
import type { Writer } from './writer.ts'

/** Small facts of the whole process, as its instance id. */
export interface Settings {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
  remove(key: string): Promise<void>
}

export function createSettings(db: Kysely<Schema>, writer: Writer): Settings {
  return {
    async get(key) {
      const row = await db.selectFrom('setting').select('value').where('key', '=', indexedText(key)).executeTakeFirst()
      return row?.value
    },
    async set(key, value) {
      await writer.write(1, async (tx) =>
        tx.db
          .insertInto('setting')
          .values({ key: indexedText(key), value })
          .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
          .execute(),
      )
    },
    async remove(key) {
      await writer.write(1, async (tx) => tx.db.deleteFrom('setting').where('key', '=', indexedText(key)).execute())
    },
  }
}
