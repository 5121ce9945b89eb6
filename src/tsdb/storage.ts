import { existsSync, renameSync } from 'node:fs'

import Database from 'better-sqlite3'

import { ConfigError, messageOf, OutsideError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

/** What `PRAGMA user_version` says. Grows with each change that an older program cannot read. */
const FORMAT = 1

/** What a part holds: raw samples as they left the head, raw samples merged, history of 5 minutes, history of 1 hour. */
export const LEVELS = { folded: 0, merged: 1, fiveMinutes: 2, hour: 3 } as const
export type Level = (typeof LEVELS)[keyof typeof LEVELS]

const SCHEMA = `
  CREATE TABLE scopes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    folded_sequence INTEGER NOT NULL DEFAULT 0,
    folded_to INTEGER,
    last_at INTEGER
  ) STRICT;
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    former TEXT NOT NULL,
    labels TEXT NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE TABLE log (sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE parts (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    level INTEGER NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX parts_by_time ON parts (scope, level, end_at, start_at, low, high, samples);
  CREATE INDEX parts_by_age ON parts (level, end_at);
  CREATE TABLE marked_days (scope INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (scope, day)) STRICT;
  CREATE TABLE set_aside (kind TEXT NOT NULL, id INTEGER NOT NULL, why TEXT NOT NULL, data BLOB) STRICT;
  PRAGMA user_version = ${FORMAT};
`

/** What a part says of itself without being opened. */
export interface PartRow {
  readonly id: number
  readonly scope: number
  readonly level: Level
  /** The times of its first and last sample, milliseconds UTC. */
  readonly startAt: number
  readonly endAt: number
  /** Its series' ids lie between these; not each id in between is there. */
  readonly low: number
  readonly high: number
  readonly samples: number
}

interface ScopeRow {
  readonly id: number
  readonly name: string
  readonly foldedSequence: number
  /** The time of the latest sample in its parts. */
  readonly foldedTo: number | null
  /** The time of its last round, when it was last folded. */
  readonly lastAt: number | null
}

export interface SeriesRow {
  readonly id: number
  readonly scope: number
  readonly former: string
  readonly labels: string
  readonly endedAt: number | null
}

export interface LogRow {
  readonly sequence: number
  readonly at: number
  readonly data: Uint8Array
}

export type Storage = ReturnType<typeof openStorage>

/**
 * Opens the file, or memory, with the one connection this process may have: a second one would stop the event loop for
 * its busy timeout.
 *
 * @throws ConfigError when a newer version wrote the file
 * @throws OutsideError `local` when the disk refuses
 */
export function openStorage(file: string | undefined, log: Logger, now: number) {
  const name = file ?? 'memory'
  const db = guarded(name, 'opened', () => connect(file, log, now))
  return {
    isMemory: file === undefined,
    name,
    db,
    ...metaStatements(db),
    ...partStatements(db),
    ...dayStatements(db),
    ...sizes(db),
    /** All of `work`, or nothing. */
    transaction(work: () => void): void {
      guarded(name, 'written', () => db.transaction(work).immediate())
    },
    close(): void {
      db.close()
    },
  }
}

function connect(file: string | undefined, log: Logger, now: number): Database.Database {
  if (file === undefined) return prepared(new Database(':memory:'), file)
  try {
    return prepared(new Database(file), file)
  } catch (error) {
    if (!isDamaged(error) || !existsSync(file)) throw error
    // Monitoring must come up. Nothing is deleted, and no alert rests on old samples alone.
    const aside = `${file}.damaged-${now}`
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
    }
    log.error('the file of samples is damaged: it was set aside and an empty one begun', { file, aside })
    return prepared(new Database(file), file)
  }
}

function prepared(db: Database.Database, file: string | undefined): Database.Database {
  try {
    const version = Number(db.pragma('user_version', { simple: true }))
    if (version > FORMAT) {
      throw new ConfigError([
        {
          message: `${file ?? 'memory'} was written by a newer version of Chainwarden (format ${version}, this one knows ${FORMAT}): run that version, or let this one begin in another folder`,
        },
      ])
    }
    // Before the first table, or it has no effect: lets the file shrink in small steps.
    if (version === 0) db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('cache_size = -2000')
    // Small and frequent checkpoints: each is a short pause instead of a rare long one.
    db.pragma('wal_autocheckpoint = 256')
    db.pragma('journal_size_limit = 4194304')
    if (version === 0) db.transaction(() => db.exec(SCHEMA)).immediate()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function metaStatements(db: Database.Database) {
  const insertScope = db.prepare<[number, string]>('INSERT OR IGNORE INTO scopes (id, name) VALUES (?, ?)')
  const foldScope = db.prepare<[number, number | null, number | null, number]>(
    'UPDATE scopes SET folded_sequence = ?, folded_to = ?, last_at = ? WHERE id = ?',
  )
  const scopes = db.prepare<[], ScopeRow>(
    'SELECT id, name, folded_sequence AS foldedSequence, folded_to AS foldedTo, last_at AS lastAt FROM scopes',
  )
  const putSeries = db.prepare<[number, number, string, string, number | null]>(
    `INSERT INTO series (id, scope, former, labels, ended_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, former = excluded.former, ended_at = excluded.ended_at`,
  )
  const removeSeries = db.prepare<[number]>('DELETE FROM series WHERE id = ?')
  const series = db.prepare<[], SeriesRow>('SELECT id, scope, former, labels, ended_at AS endedAt FROM series')
  const insertLog = db.prepare<[number, number, Uint8Array]>('INSERT INTO log (sequence, at, data) VALUES (?, ?, ?)')
  const logRows = db.prepare<[], LogRow>('SELECT sequence, at, data FROM log ORDER BY sequence')
  const removeLog = db.prepare<[number]>('DELETE FROM log WHERE sequence <= ?')
  const removeLogRow = db.prepare<[number]>('DELETE FROM log WHERE sequence = ?')
  const setAside = db.prepare<[string, number, string, Uint8Array | null]>(
    'INSERT INTO set_aside (kind, id, why, data) VALUES (?, ?, ?, ?)',
  )
  return {
    insertScope,
    foldScope,
    scopes,
    putSeries,
    removeSeries,
    series,
    insertLog,
    logRows,
    removeLog,
    removeLogRow,
    setAside,
  }
}

const PART_COLUMNS = 'id, scope, level, start_at AS startAt, end_at AS endAt, low, high, samples'

function partStatements(db: Database.Database) {
  const insertPart = db.prepare<[number, Level, number, number, number, number, number, Uint8Array]>(
    'INSERT INTO parts (scope, level, start_at, end_at, low, high, samples, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const removePart = db.prepare<[number]>('DELETE FROM parts WHERE id = ?')
  /** Parts of a scope and level with anything in `from < time <= to`. */
  const partsWithin = db.prepare<[number, Level, number, number], PartRow>(
    `SELECT ${PART_COLUMNS} FROM parts WHERE scope = ? AND level = ? AND end_at > ? AND start_at <= ? ORDER BY end_at, low`,
  )
  const partData = db.prepare<[number], { readonly data: Uint8Array }>('SELECT data FROM parts WHERE id = ?')
  const partsBefore = db.prepare<[Level, number, number], { readonly id: number; readonly endAt: number }>(
    'SELECT id, end_at AS endAt FROM parts WHERE level = ? AND end_at < ? ORDER BY end_at LIMIT ?',
  )
  const oldestPart = db.prepare<[number, Level], { readonly startAt: number | null }>(
    'SELECT min(start_at) AS startAt FROM parts WHERE scope = ? AND level = ?',
  )
  const foldedWindows = db.prepare<[number, number], { readonly scope: number; readonly window: number }>(
    `SELECT DISTINCT scope, end_at - end_at % ? AS window FROM parts WHERE level = ${LEVELS.folded} AND end_at < ?`,
  )
  return { insertPart, removePart, partsWithin, partData, partsBefore, oldestPart, foldedWindows }
}

/** Days whose samples changed since their history was made. */
function dayStatements(db: Database.Database) {
  const markDay = db.prepare<[number, number]>('INSERT OR IGNORE INTO marked_days (scope, day) VALUES (?, ?)')
  const unmarkDay = db.prepare<[number, number]>('DELETE FROM marked_days WHERE scope = ? AND day = ?')
  const markedDays = db.prepare<[number], { readonly scope: number; readonly day: number }>(
    'SELECT scope, day FROM marked_days WHERE day <= ? ORDER BY day',
  )
  const firstMarkedDay = db.prepare<[], { readonly day: number | null }>('SELECT min(day) AS day FROM marked_days')
  return { markDay, unmarkDay, markedDays, firstMarkedDay }
}

function sizes(db: Database.Database) {
  const pragma = (name: string) => Number(db.pragma(name, { simple: true }))
  return {
    /** Bytes of the file that hold something. */
    usedBytes: () => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size'),
    /** How much of the file holds nothing, from 0 to 1. */
    emptyRatio: () => pragma('freelist_count') / Math.max(1, pragma('page_count')),
    vacuum(pages: number): void {
      db.pragma(`incremental_vacuum(${pages})`)
    },
  }
}

/** Runs what touches the disk; what SQLite refuses becomes a sentence. */
function guarded<Result>(name: string, attempted: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof Database.SqliteError || (error instanceof TypeError && !existsSync(name))) {
      throw new OutsideError('local', `The samples could not be ${attempted} (${name}): ${inWords(error)}`, {
        retry: true,
        cause: error,
      })
    }
    throw error
  }
}

function inWords(error: Error): string {
  const code = error instanceof Database.SqliteError ? error.code : ''
  if (code === 'SQLITE_FULL') return 'the disk is full'
  if (code.startsWith('SQLITE_READONLY')) return 'the file or its folder is read-only'
  if (code.startsWith('SQLITE_CANTOPEN')) return 'it cannot be opened or made: is the folder there and writable?'
  if (code.startsWith('SQLITE_BUSY')) return 'another process holds it'
  if (code.startsWith('SQLITE_IOERR')) return `the disk failed or is full (${code})`
  return messageOf(error)
}

/** Whether SQLite says that the file itself is not one it can read. */
export function isDamaged(error: unknown): error is Error {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}
