import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import SqliteFile from 'better-sqlite3'

import { AlreadyRunning } from '../lib/errors.ts'
import { explainAtStart } from './database-errors.ts'

/** A folder that this process has for itself. */
export interface FolderLock {
  release(): void
}

const FILE = 'lock.db'

/**
 * Takes a folder for this process. The lock is the kernel's, on a file of its own held by SQLite, so it ends with the
 * process however that ends; a second attempt fails at once. Nothing else may open `lock.db`: closing any handle on it
 * would drop the lock (POSIX `fcntl`).
 *
 * @throws AlreadyRunning when another process has it; ConfigError when the folder cannot be made or written
 */
export function lockFolder(folder: string): FolderLock {
  const place = join(folder, FILE)
  let file: SqliteFile.Database | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    file = new SqliteFile(place, { timeout: 0 })
    file.exec('begin exclusive')
  } catch (error) {
    file?.close()
    if (error instanceof SqliteFile.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new AlreadyRunning(`Another Chainwarden is already at work in ${folder}.`)
    }
    throw explainAtStart(error, place)
  }
  return { release: () => file.close() }
}
