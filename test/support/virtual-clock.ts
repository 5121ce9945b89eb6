import { setImmediate as nextTurn } from 'node:timers/promises'

import type { Cancel } from '../../src/lib/world.ts'
import { forever } from './virtual-network.ts'

/** Work that yields this often without time moving on waits for something that never comes. */
const TURNS_MAX = 100_000

interface Timer {
  readonly at: number
  readonly action: () => void
}

/** Monotonic time, timers and yields of a virtual world. */
export interface VirtualClock {
  readonly monotonic: () => number
  readonly after: (ms: number, action: () => void) => Cancel
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly yield: () => Promise<void>
  readonly advance: (ms: number) => Promise<void>
  /** Moves from timer to timer until `isDone`; throws `what` where that takes longer than `maxMs`. */
  readonly runUntil: (isDone: () => boolean, maxMs: number, what: string) => Promise<void>
  readonly pendingTimers: () => number
  /** Forgets every timer. */
  readonly clear: () => void
}

/**
 * Timers are kept in the order in which they run. Between two of them everything that is ready is run to its end: a turn
 * of the real event loop empties the queues of promises, and yields are such turns and are counted. Real files and
 * sockets are not waited for: who uses them awaits them.
 */
export function createVirtualClock(isAlive: () => boolean): VirtualClock {
  const timers: Timer[] = []
  let elapsedMs = 0
  let waitingYields = 0

  function after(ms: number, action: () => void): Cancel {
    const timer: Timer = { at: elapsedMs + Math.max(0, Number.isFinite(ms) ? ms : 0), action }
    const before = timers.findLastIndex((other) => other.at <= timer.at)
    if (isAlive()) timers.splice(before + 1, 0, timer)
    return () => {
      const index = timers.indexOf(timer)
      if (index !== -1) timers.splice(index, 1)
    }
  }

  /** Runs the next timer that is due by `until`. */
  function runNext(until: number): boolean {
    const [timer] = timers
    if (timer === undefined || timer.at > until) return false
    timers.shift()
    elapsedMs = Math.max(elapsedMs, timer.at)
    timer.action()
    return true
  }

  async function drain(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      await nextTurn()
      if (waitingYields === 0) return
    }
    throw new Error(`Something yields for ever at ${elapsedMs} ms: it waits for what only time can bring`)
  }

  return {
    monotonic: () => elapsedMs,
    after,
    sleep: async (ms, signal) => sleep(after, isAlive, ms, signal),
    async yield() {
      waitingYields += 1
      await nextTurn()
      waitingYields -= 1
      if (!isAlive()) await forever()
    },
    async advance(ms) {
      const end = elapsedMs + ms
      await drain()
      while (runNext(end)) await drain()
      elapsedMs = end
    },
    async runUntil(isDone, maxMs, what) {
      const end = elapsedMs + maxMs
      await drain()
      while (!isDone()) {
        if (!runNext(end)) throw new Error(`${what} within ${maxMs} ms of virtual time; timers left: ${timers.length}`)
        await drain()
      }
    },
    pendingTimers: () => timers.length,
    clear() {
      timers.length = 0
    },
  }
}

async function sleep(
  after: VirtualClock['after'],
  isAlive: () => boolean,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    function stop(): void {
      cancel()
      if (isAlive()) reject(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}
