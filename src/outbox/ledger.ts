import type { DeliveryAttempt } from '../core/notification.ts'
import { createBatchQueue } from '../lib/batch-queue.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** What became of deliveries: all of it is written, or nothing. */
export interface LedgerEntry {
  readonly attempts: readonly DeliveryAttempt[]
  readonly reschedule: readonly { readonly id: string; readonly dueAt: number; readonly attempts: number }[]
  /** Notifications that are owed no more. */
  readonly done: readonly string[]
}

export interface Ledger {
  /** Resolves when the entry is durable. Rejects only by the signal: until then a store that fails is tried again. */
  write(entry: LedgerEntry): Promise<void>
}

const ENTRIES_MAX = 500
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 30_000

export interface LedgerOptions {
  readonly record: (entry: LedgerEntry) => Promise<void>
  readonly world: Pick<World, 'sleep'>
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * Writes outcomes in the order of their coming; those that wait together are one transaction. While a disk is full the
 * destinations wait here, so a kill repeats at most one message each.
 */
export function createLedger({ record, world, log, signal }: LedgerOptions): Ledger {
  async function writeUntilDurable(entry: LedgerEntry): Promise<void> {
    for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      try {
        await record(entry)
        return
      } catch (error) {
        log.error('What became of deliveries cannot be stored; trying again', { error: messageOf(error) })
        await world.sleep(delayMs, signal)
      }
    }
  }
  const queue = createBatchQueue<LedgerEntry>(ENTRIES_MAX, async (entries) =>
    writeUntilDurable({
      attempts: entries.flatMap(({ attempts }) => attempts),
      reschedule: entries.flatMap(({ reschedule }) => reschedule),
      done: entries.flatMap(({ done }) => done),
    }),
  )
  return { write: async (entry) => queue.push(entry) }
}
