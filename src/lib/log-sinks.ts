import type { Writable } from 'node:stream'

/** Where finished lines go. */
export interface LogSink {
  /** Writes one line; the line break is added here. Never throws, never waits. */
  write(line: string): void
  /** Resolves when what was written has left this process, or cannot. */
  close(): Promise<void>
}

/** Lines that a slow reader may owe us before further ones are dropped, in bytes. */
export const BACKLOG_BYTES_MAX = 8 * 1024 * 1024

/**
 * Standard output or standard error. Who reads it may go away (`chainwarden run | head`): from then on lines are dropped
 * and the process goes on.
 */
export function createStreamSink(stream: Writable): LogSink {
  let isBroken = false
  stream.on('error', () => {
    isBroken = true
  })
  return {
    write(line) {
      if (isBroken || stream.destroyed || stream.writableLength > BACKLOG_BYTES_MAX) return
      try {
        stream.write(`${line}\n`)
      } catch {
        isBroken = true
      }
    },
    async close() {
      if (isBroken || stream.destroyed || stream.writableLength === 0) return
      await new Promise<void>((resolve) => {
        const done = () => resolve()
        stream.once('drain', done)
        stream.once('error', done)
        stream.once('close', done)
      })
    },
  }
}
