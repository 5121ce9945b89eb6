import { readdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { createStream, type RotatingFileStream } from 'rotating-file-stream'

import { assert, messageOf } from './errors.ts'
import { BACKLOG_BYTES_MAX, type LogSink } from './log-sinks.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** A file that cannot be written (a full disk, a lost folder) is tried again after this time. */
const REOPEN_AFTER_MS = 10_000

interface LogRotation {
  /** A new file begins each time this period of the UTC clock does, in milliseconds; see `isRotationPeriod`. */
  readonly everyMs: number
  /** A new file begins after this many bytes, too. */
  readonly sizeBytes: number
  /** How many finished files are kept at least. */
  readonly keep: number
}

export interface FileSinkOptions {
  readonly path: string
  readonly rotate: LogRotation
  readonly now: () => number
  /** Told, in a sentence, when the file cannot be written, once until it can be again. */
  readonly onProblem: (sentence: string) => void
}

/** Whether a log can begin a new file that often: whole days, or a part of a day or of an hour without remainder. */
export function isRotationPeriod(ms: number): boolean {
  return intervalOf(ms) !== undefined
}

/**
 * A file that rotates. However often it rotates by size, a finished file is deleted only when it is beyond `keep` and
 * ended longer ago than one full period: at any moment, what was written within the last period is there.
 *
 * The clock that starts a new period is the library's own, the real one; only here, because nothing but the name of a
 * file hangs on it. The configuration has checked the rotation.
 */
export function createFileSink(options: FileSinkOptions): LogSink {
  const { path, rotate, now, onProblem } = options
  const interval = intervalOf(rotate.everyMs)
  assert(interval !== undefined && rotate.sizeBytes > 0, `a log cannot rotate by ${JSON.stringify(rotate)}`)
  const settings = {
    interval,
    intervalBoundary: true,
    intervalUTC: true,
    initialRotation: true,
    size: `${rotate.sizeBytes}B`,
    path: dirname(path),
  }
  let stream: RotatingFileStream | undefined
  let pruning: Promise<void> = Promise.resolve()
  let failedAt = -Infinity
  let isInTrouble = false
  let isClosed = false
  const onWritten = (error?: Error | null) => {
    if (!error) isInTrouble = false
  }

  function open(): RotatingFileStream {
    const opened = createStream(rotatedName(path), settings)
    opened.on('rotated', () => {
      pruning = pruning.then(async () => prune(path, rotate, now()))
    })
    opened.on('error', (error) => {
      if (stream === opened) stream = undefined
      failedAt = now()
      if (isInTrouble) return
      isInTrouble = true
      onProblem(`The log file ${path} cannot be written: ${messageOf(error)}`)
    })
    return opened
  }

  return {
    write(line) {
      if (isClosed || (stream === undefined && now() - failedAt < REOPEN_AFTER_MS)) return
      stream ??= open()
      if (stream.writableLength <= BACKLOG_BYTES_MAX) stream.write(`${line}\n`, onWritten)
    },
    async close() {
      isClosed = true
      const closing = stream
      if (closing === undefined || closing.destroyed) return
      await new Promise<void>((resolve) => {
        closing.once('close', resolve)
        closing.once('error', () => resolve())
        closing.end()
      })
      await pruning
    },
  }
}

/** The library's word for a period. */
function intervalOf(ms: number): string | undefined {
  if (!Number.isSafeInteger(ms) || ms <= 0) return undefined
  if (ms % DAY_MS === 0) return `${ms / DAY_MS}d`
  if (ms % HOUR_MS === 0 && DAY_MS % ms === 0) return `${ms / HOUR_MS}h`
  if (ms % MINUTE_MS === 0 && HOUR_MS % ms === 0) return `${ms / MINUTE_MS}m`
  return undefined
}

/** `chainwarden.log` while it is written; `chainwarden.log.2026-01-31T00-00Z.1` once finished, by its period's start. */
function rotatedName(path: string): (time: number | Date | null, index?: number) => string {
  const name = basename(path)
  return (time, index) => {
    if (time === null) return name
    const period = new Date(time).toISOString().slice(0, 16).replace(':', '-')
    return `${name}.${period}Z.${index ?? 1}`
  }
}

/** Deletes what is beyond `keep` and older than a period. What cannot be deleted now is tried at the next rotation. */
async function prune(path: string, rotate: LogRotation, now: number): Promise<void> {
  const prefix = `${basename(path)}.`
  try {
    const names = await readdir(dirname(path))
    const finished = names
      .filter((name) => name.startsWith(prefix) && /^\d{4}-\d\d-\d\dT\d\d-\d\dZ\.\d+$/.test(name.slice(prefix.length)))
      .map(async (name) => {
        const file = join(dirname(path), name)
        return { file, endedAt: (await stat(file)).mtimeMs }
      })
    const newestFirst = (await Promise.all(finished)).toSorted((a, b) => b.endedAt - a.endedAt)
    const old = newestFirst.slice(rotate.keep).filter((file) => now - file.endedAt > rotate.everyMs)
    await Promise.all(old.map(async ({ file }) => unlink(file)))
  } catch {
    // Somebody else tidies this folder too, or the disk is in trouble: writing goes on either way.
  }
}
