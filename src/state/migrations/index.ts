import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

import { ConfigError } from '../../lib/errors.ts'
import type { Schema } from '../schema.ts'
import { createFirstTables } from './0001-first.ts'

/** What a 64-bit integer is called. SQLite makes a key the row's own number only under the name `integer`. */
export type Int8 = 'integer' | 'bigint'

/** Every step of the schema, oldest first. A step that was released never changes: a further one follows. */
function migrations(int8: Int8): Readonly<Record<string, Migration>> {
  return { '0001-first': { up: async (db) => createFirstTables(db, int8) } }
}

/**
 * Brings the schema up to date; all of it, or nothing.
 *
 * @param place what the sentence of an error calls the database
 * @throws ConfigError when a newer version has written here: it is left as it is
 */
export async function migrate(db: Kysely<Schema>, int8: Int8, place: string): Promise<void> {
  const ours = migrations(int8)
  const strange = (await executedMigrations(db)).filter((name) => ours[name] === undefined)
  if (strange.length > 0) {
    throw new ConfigError([
      {
        message: `${place} was written by a newer version of Chainwarden (its schema has ${strange.join(', ')}, this version ends at ${Object.keys(ours).at(-1)}): run that version, or restore a backup from before it`,
      },
    ])
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...ours }) } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error })
}

async function executedMigrations(db: Kysely<Schema>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map((row) => row.name)
}
