import type { OutboxRow } from '../core/notification.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

export interface ReaderOptions {
  readonly store: { pending(afterSequence: number): Promise<readonly OutboxRow[]> }
  readonly world: Pick<World, 'after'>
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onRow: (row: OutboxRow) => void
  /** After each reading to the end. */
  readonly onEnd: () => void
}

/** Brings every row into memory once, in order. */
export interface Reader {
  /** Reads to the end; asked while it reads, it looks once more. */
  read(): void
  /** Whether there may be rows that were not brought yet. */
  isBehind(): boolean
}

const READ_AGAIN_MS = 1_000

export function createReader({ store, world, log, signal, onRow, onEnd }: ReaderOptions): Reader {
  /** Rows up to here were seen: what is done since must not come back. */
  let lastSequence = 0
  let wanted = 0
  let served = 0
  let isReading = false

  async function readPages(): Promise<void> {
    for (;;) {
      const page = await store.pending(lastSequence)
      const unseen = page.filter(({ sequence }) => sequence > lastSequence)
      if (unseen.length === 0) return
      for (const row of unseen) {
        lastSequence = Math.max(lastSequence, row.sequence)
        onRow(row)
      }
    }
  }

  async function readUntilServed(): Promise<void> {
    isReading = true
    while (served < wanted && !signal.aborted) {
      const asked = wanted
      try {
        await readPages()
        served = asked
      } catch (error) {
        log.error('What is owed cannot be read; trying again', { error: messageOf(error) })
        world.after(READ_AGAIN_MS, start)
        break
      }
    }
    isReading = false
    onEnd()
  }

  function start(): void {
    if (!isReading) void readUntilServed()
  }

  return {
    read() {
      wanted += 1
      start()
    },
    isBehind: () => served < wanted,
  }
}
