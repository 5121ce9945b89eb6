import type { Kysely } from 'kysely'

import type { Schema } from './schema.ts'

/** An open database with an up-to-date schema; what differs between SQLite and PostgreSQL is behind it. */
export interface Database {
  readonly db: Kysely<Schema>
  /** What errors and logs call it; no credentials. */
  readonly place: string
  /** Whether rows must be locked by name: a server has other connections, SQLite has one. */
  readonly hasOtherConnections: boolean
  /**
   * Makes sure, before each transaction, that this process still is the only one.
   *
   * @throws AlreadyRunning when another process took over, OutsideError when that cannot be known
   */
  claim(): Promise<void>
  sizeBytes(): Promise<number>
  close(): Promise<void>
}
