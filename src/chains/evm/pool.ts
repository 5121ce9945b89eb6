import type { Logger } from '../../lib/log.ts'
import type { Cancel, World } from '../../lib/world.ts'
import type { EvmEndpoints, EvmFollower } from './contract.ts'
import { createEvmFollower } from './follower.ts'

/** Followers by their endpoints: targets with equal endpoints share one. */
export interface EvmPool {
  /** The follower of these endpoints. `stop` of the last one who holds it ends it; until then the others go on. */
  follower(endpoints: EvmEndpoints): EvmFollower
  stop(): void
}

interface Shared {
  readonly follower: EvmFollower
  holders: number
}

export function createEvmPool(world: World, log: Logger): EvmPool {
  const byEndpoints = new Map<string, Shared>()

  function release(key: string, shared: Shared): void {
    shared.holders -= 1
    if (shared.holders > 0) return
    shared.follower.stop()
    if (byEndpoints.get(key) === shared) byEndpoints.delete(key)
  }

  return {
    follower(endpoints) {
      const key = JSON.stringify([endpoints.urls, endpoints.chainId ?? null, endpoints.timeoutMs])
      const shared = byEndpoints.get(key) ?? { follower: createEvmFollower({ endpoints, world, log }), holders: 0 }
      byEndpoints.set(key, shared)
      shared.holders += 1
      return handle(shared.follower, () => release(key, shared))
    },
    stop() {
      for (const shared of byEndpoints.values()) shared.follower.stop()
      byEndpoints.clear()
    },
  }
}

/** One holder's own handle: it can be stopped once, and takes its hints with it. */
function handle(follower: EvmFollower, release: () => void): EvmFollower {
  const hints = new Set<Cancel>()
  let isHeld = true
  return {
    ...follower,
    onHint(listener) {
      const cancel = follower.onHint(listener)
      hints.add(cancel)
      return () => {
        hints.delete(cancel)
        cancel()
      }
    },
    stop() {
      if (!isHeld) return
      isHeld = false
      for (const cancel of hints) cancel()
      release()
    },
  }
}
