import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import SqliteFile from 'better-sqlite3'
import {
  CompiledQuery,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
} from 'kysely'

import { ConfigError } from '../lib/errors.ts'
import { explainAtStart } from './database-errors.ts'
import type { Database } from './database.ts'
import { migrate } from './migrations/index.ts'
import type { Schema } from './schema.ts'

const FILE = 'state.db'
/** "Cwrd": marks the file as ours, so that another program's database is never migrated. */
const APPLICATION_ID = 0x43_77_72_64
const STATEMENTS_MAX = 300
const WAL_BYTES_MAX = 64 * 1024 * 1024
const CACHE_KIBIBYTES = 16 * 1024

/**
 * Opens `state.db` in a folder, which is made where it is missing. Every commit is on the disk before it returns (WAL,
 * `synchronous=FULL`). The one connection to this file: a second would freeze the event loop while it waits.
 *
 * @throws ConfigError with a sentence, the file untouched: read-only, full, no database, another's, a newer version's
 */
export async function openSqlite(folder: string): Promise<Database> {
  const place = join(folder, FILE)
  let file: SqliteFile.Database | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    file = new SqliteFile(place, { timeout: 0 })
    refuseForeign(file, place)
    const db = new Kysely<Schema>({ dialect: createDialect(file) })
    await migrate(db, 'integer', place)
    return {
      db,
      place,
      hasOtherConnections: false,
      claim: async () => {},
      sizeBytes: async () => fileBytes(place) + fileBytes(`${place}-wal`),
      close: async () => db.destroy(),
    }
  } catch (error) {
    file?.close()
    throw explainAtStart(error, place)
  }
}

function refuseForeign(file: SqliteFile.Database, place: string): void {
  const id = file.pragma('application_id', { simple: true })
  const isEmpty = file.prepare('select 1 from sqlite_master limit 1').get() === undefined
  if (id !== APPLICATION_ID && !(isEmpty && id === 0)) {
    throw new ConfigError([
      { message: `${place} is the database of another program: name another folder`, path: 'storage.path' },
    ])
  }
  file.pragma('journal_mode = WAL')
  file.pragma('synchronous = FULL')
  file.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`)
  file.pragma(`cache_size = -${CACHE_KIBIBYTES}`)
  if (isEmpty) file.pragma(`application_id = ${APPLICATION_ID}`)
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Kysely's dialect, but: statements are prepared once, transactions take the write lock first, and so do migrations. */
function createDialect(file: SqliteFile.Database): Dialect {
  const dialect = new SqliteDialect({ database: withPreparedStatements(file) })
  const adapter: DialectAdapter = {
    supportsMultipleConnections: false,
    supportsReturning: true,
    // A migration that is killed half-way must leave nothing: SQLite can do that, though Kysely does not count on it.
    supportsTransactionalDdl: true,
    acquireMigrationLock: async () => {},
    releaseMigrationLock: async () => {},
  }
  return {
    createAdapter: () => adapter,
    createDriver: () => createDriver(file, dialect.createDriver()),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  }
}

function createDriver(file: SqliteFile.Database, driver: Driver): Driver {
  return {
    init: async (options) => driver.init(options),
    acquireConnection: async (options) => driver.acquireConnection(options),
    beginTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'))
    },
    commitTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('commit'))
    },
    // A full disk makes SQLite roll back by itself; a second rollback would hide the reason.
    rollbackTransaction: async (connection) => {
      if (file.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
    },
    releaseConnection: async (connection, options) => driver.releaseConnection(connection, options),
    destroy: async (options) => driver.destroy(options),
  }
}

function withPreparedStatements(file: SqliteFile.Database): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => {
      file.close()
    },
    prepare(text) {
      const known = statements.get(text)
      if (known !== undefined) return known
      const oldest = statements.size >= STATEMENTS_MAX ? statements.keys().next().value : undefined
      if (oldest !== undefined) statements.delete(oldest)
      const statement = file.prepare(text)
      const wrapped: SqliteStatement = {
        reader: statement.reader,
        all: (parameters) => statement.all(parameters),
        run: (parameters) => statement.run(parameters),
        iterate: (parameters) => statement.iterate(parameters),
      }
      statements.set(text, wrapped)
      return wrapped
    },
  }
}
