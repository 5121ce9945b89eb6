import type { OutboxRow } from '../core/notification.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import { createDispatcher } from './dispatcher.ts'
import { createLedger, type LedgerEntry } from './ledger.ts'
import { createReader } from './reader.ts'
import { type AttemptReport, createShipping, type OutboxChannel } from './shipping.ts'

/** Where rows come from and outcomes go. */
interface OutboxStore {
  /** What is owed, oldest first, after a sequence (0: from the start), a page at a time; empty at the end. */
  pending(afterSequence: number): Promise<readonly OutboxRow[]>
  /** Writes all of it, or nothing; durable when it resolves. */
  record(entry: LedgerEntry): Promise<void>
}

export interface OutboxOptions {
  readonly store: OutboxStore
  /** By destination. */
  readonly channels: ReadonlyMap<string, OutboxChannel>
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'sleep' | 'random'>
  readonly log: Logger
  readonly onAttempt: (report: AttemptReport) => void
}

/**
 * Delivers what is owed, at least once: a row is done only after its channel accepted it and that is stored. Rows leave
 * memory only for the store, so a killed process loses nothing and repeats at most one message for each destination.
 */
export interface Outbox {
  /** Something may be owed: looks into the store. Also starts what was left from before. */
  wake(): void
  /** Goes on with other destinations. Rows of one that is gone wait a day for its return. */
  reload(channels: ReadonlyMap<string, OutboxChannel>): void
  /** How many messages wait for destinations that there are. */
  queued(): number
  /** Resolves with true when nothing waits for any destination that there is, with false when the signal aborts. */
  drained(signal: AbortSignal): Promise<boolean>
  /** Starts nothing more and gives what is under way so many milliseconds; what is not answered then stays owed. */
  stop(withinMs: number): Promise<void>
}

export function createOutbox({ store, channels, world, log, onAttempt }: OutboxOptions): Outbox {
  const ending = new AbortController()
  const { signal } = ending
  const watchers = new Set<() => void>()
  const ledger = createLedger({ record: async (entry) => store.record(entry), world, log, signal })
  const shipping = createShipping({ ledger, world, log, onAttempt, signal })
  const dispatcher = createDispatcher({
    shipping,
    world,
    log,
    channels,
    onChange() {
      for (const watcher of watchers) watcher()
    },
  })
  const reader = createReader({ store, world, log, signal, onRow: dispatcher.add, onEnd: dispatcher.pump })
  const isDrained = () => !reader.isBehind() && dispatcher.isIdle()

  return {
    wake() {
      if (!dispatcher.isStopping()) reader.read()
    },
    reload: dispatcher.reload,
    queued: dispatcher.queued,
    drained: async (until) => watch(watchers, isDrained, [until, signal]),
    async stop(withinMs) {
      const cancel = world.after(withinMs, () => ending.abort())
      await dispatcher.stop()
      cancel()
      ending.abort()
    },
  }
}

/** Resolves with true as soon as `isDone` says so after something happened, with false when a signal aborts before. */
async function watch(
  watchers: Set<() => void>,
  isDone: () => boolean,
  signals: readonly AbortSignal[],
): Promise<boolean> {
  const either = AbortSignal.any([...signals])
  if (isDone()) return true
  if (either.aborted) return false
  return new Promise((resolve) => {
    const end = (answer: boolean) => {
      watchers.delete(look)
      either.removeEventListener('abort', stop)
      resolve(answer)
    }
    function look(): void {
      if (isDone()) end(true)
    }
    function stop(): void {
      end(false)
    }
    watchers.add(look)
    either.addEventListener('abort', stop, { once: true })
  })
}
