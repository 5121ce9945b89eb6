import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Client, ClientConfig, Pool } from 'pg'

import { AlreadyRunning, ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Secret } from '../lib/secret.ts'
import type { World } from '../lib/world.ts'
import { explain, explainAtStart } from './database-errors.ts'
import type { Database } from './database.ts'
import { migrate } from './migrations/index.ts'
import type { Schema } from './schema.ts'

/** "Chainwar" as a number: the advisory lock that the one process on a database holds. */
const LOCK = '4857745532898734450'
const CONNECTIONS_MAX = 4
const CONNECT_MS = 10_000
const STATEMENT_MS = 60_000
/** A process that was just killed may hold its lock for a moment. */
const LOCK_TRIES = 30
const LOCK_PAUSE_MS = 100

interface Opening {
  readonly url: Secret
  readonly world: Pick<World, 'sleep'>
  readonly log: Logger
}

/**
 * Opens a PostgreSQL database (15 or newer), which this process then has for itself: an advisory lock on a connection of
 * its own, taken anew when that connection breaks.
 *
 * @throws AlreadyRunning, ConfigError (a newer schema, a wrong user) or OutsideError (no connection)
 */
export async function openPostgres({ url, world, log }: Opening): Promise<Database> {
  const place = describeUrl(url)
  const { default: pg } = await import('pg')
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  const config: ClientConfig = {
    connectionString: url.reveal(),
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'chainwarden',
    keepAlive: true,
    types,
  }
  const lock = createLock({ connect: () => new pg.Client(config), place, world, log })
  const pool = new pg.Pool({ ...config, max: CONNECTIONS_MAX })
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', (error) => log.warn('an idle connection to the state broke', { reason: messageOf(error) }))
  try {
    await lock.take()
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
    await migrate(db, 'bigint', place)
    return databaseOf({ db, pool, lock, place })
  } catch (error) {
    await lock.release()
    await pool.end()
    throw explainAtStart(error, place)
  }
}

function databaseOf({
  db,
  lock,
  place,
}: {
  readonly db: Kysely<Schema>
  readonly pool: Pool
  readonly lock: Lock
  readonly place: string
}): Database {
  return {
    db,
    place,
    hasOtherConnections: true,
    claim: async () => lock.take(),
    async sizeBytes() {
      const { rows } = await sql<{ size: number }>`select pg_database_size(current_database()) as size`.execute(db)
      return rows[0]?.size ?? 0
    },
    async close() {
      await db.destroy()
      await lock.release()
    },
  }
}

interface Lock {
  /** Does nothing while it is held. */
  take(): Promise<void>
  release(): Promise<void>
}

interface LockOpening {
  readonly connect: () => Client
  readonly place: string
  readonly world: Pick<World, 'sleep'>
  readonly log: Logger
}

function createLock({ connect, place, world, log }: LockOpening): Lock {
  let held: Client | undefined

  async function attempt(): Promise<boolean> {
    const client = connect()
    client.on('error', (error) => {
      log.warn('the connection that holds the lock on the state broke', { reason: messageOf(error) })
      if (held === client) held = undefined
    })
    client.on('end', () => {
      if (held === client) held = undefined
    })
    try {
      await client.connect()
      // The server must notice soon when this machine is gone, so that another may take over.
      await client.query('set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3')
      const answer = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [LOCK])
      if (answer.rows[0]?.taken === true) {
        held = client
        return true
      }
    } catch (error) {
      await client.end()
      throw explain(error, place)
    }
    await client.end()
    return false
  }

  return {
    async take() {
      if (held !== undefined) return
      for (let tries = 1; tries <= LOCK_TRIES; tries += 1) {
        if (await attempt()) return
        await world.sleep(LOCK_PAUSE_MS)
      }
      throw new AlreadyRunning(`Another Chainwarden is already at work on ${place}.`)
    },
    async release() {
      const client = held
      held = undefined
      await client?.end()
    },
  }
}

/** Host, port and database: a database's name is no secret, and two on one host must be told apart. */
function describeUrl(url: Secret): string {
  try {
    const { protocol, host, pathname } = new URL(url.reveal())
    if (protocol === 'postgres:' || protocol === 'postgresql:') return `postgres://${host}${pathname}`
  } catch {
    // Said below, without the text: it may hold a password.
  }
  throw new ConfigError([{ message: 'it must be a URL as postgres://user@host/database', path: 'storage.url' }])
}
