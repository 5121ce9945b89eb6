import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, stderr } from 'node:process'

import pg from 'pg'

import { messageOf } from '../../src/lib/errors.ts'
import type { Logger } from '../../src/lib/log.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createWorld } from '../../src/lib/world.ts'
import { openState, type State } from '../../src/state/index.ts'
import type { StateOptions } from '../../src/state/open.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'

/** A kind of database to run a suite on. */
export interface DatabaseKind {
  readonly name: string
  /** A new, empty database. */
  create(): Promise<TestDatabase>
  stop(): Promise<void>
}

export interface TestDatabase {
  /** How it is opened; may be opened again after it was closed. */
  readonly options: StateOptions
  open(): Promise<State>
  /** Closes what was opened, and removes it. */
  remove(): Promise<void>
}

export const silentLog: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}

/** SQLite, and a real PostgreSQL where one can be started; in CI it must. */
export async function databaseKinds(): Promise<readonly DatabaseKind[]> {
  try {
    return [sqliteKind(), postgresKind(await startPostgres())]
  } catch (error) {
    if (env['CI'] !== undefined) throw error
    stderr.write(`PostgreSQL could not be started, its tests are SKIPPED: ${messageOf(error)}\n`)
    return [sqliteKind()]
  }
}

export function sqliteKind(): DatabaseKind {
  return {
    name: 'SQLite',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'chainwarden-state-'))
      return testDatabase({ folder, world: createWorld(), log: silentLog }, async () =>
        rm(folder, { recursive: true, force: true }),
      )
    },
    stop: async () => {},
  }
}

function postgresKind(server: TestPostgres): DatabaseKind {
  let count = 0
  return {
    name: 'PostgreSQL',
    async create() {
      count += 1
      const name = `state_${count}`
      await runSql(server.url, `create database ${name}`)
      const url = new Secret(new URL(`/${name}`, server.url).href)
      return testDatabase({ url, world: createWorld(), log: silentLog }, async () =>
        runSql(server.url, `drop database ${name} with (force)`),
      )
    },
    stop: async () => server.stop(),
  }
}

/** Runs statements on a PostgreSQL database over a connection of their own. */
export async function runSql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}

function testDatabase(options: StateOptions, remove: () => Promise<void>): TestDatabase {
  const opened: State[] = []
  return {
    options,
    async open() {
      const state = await openState(options)
      opened.push(state)
      return state
    },
    async remove() {
      for (const state of opened) await state.close()
      await remove()
    },
  }
}
