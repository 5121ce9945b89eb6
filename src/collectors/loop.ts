import type { Cancel, World } from '../lib/world.ts'

/** The rhythm of one target's rounds. */
export interface Loop {
  run(round: (signal: AbortSignal) => Promise<boolean>): void
  wake(): void
  stop(): Promise<void>
}

/**
 * Rounds one after the other, never two at once. The next begins an interval after the last one began; a round that took
 * longer is followed at once, and so is one that asks for more. A wake during a round is remembered.
 */
export function createLoop(world: World, intervalMs: number): Loop {
  const ending = new AbortController()
  let wakeUp: (() => void) | undefined
  let isWoken = false
  let done: Promise<void> = Promise.resolve()

  async function pause(ms: number): Promise<void> {
    if (ms <= 0 || isWoken || ending.signal.aborted) return world.yield()
    return new Promise((resolve) => {
      const cancel: Cancel = world.after(ms, resolve)
      wakeUp = () => {
        cancel()
        resolve()
      }
    })
  }

  async function loop(round: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    while (!ending.signal.aborted) {
      const startedAt = world.monotonic()
      isWoken = false
      const more = await round(ending.signal)
      await pause(more ? 0 : intervalMs - (world.monotonic() - startedAt))
      wakeUp = undefined
    }
  }

  return {
    run(round) {
      done = loop(round)
    },
    wake() {
      isWoken = true
      wakeUp?.()
    },
    async stop() {
      ending.abort()
      wakeUp?.()
      await done
    },
  }
}
