import { uuidV7 } from '../../src/lib/uuid.ts'
import type { World } from '../../src/lib/world.ts'
import { createVirtualClock } from './virtual-clock.ts'
import { createVirtualNetwork, type FetchScript, type WebSocketScript } from './virtual-network.ts'

/** A world whose time moves only when a test says so, and in which the same seed gives the same run. */
export interface VirtualWorld extends World {
  /** Lets all that is ready now happen: promises, yields, and timers that are due. Time stands still. */
  settle(): Promise<void>
  /** Moves time on by `ms`, running each timer at its own time, in the order of times and then of their making. */
  advance(ms: number): Promise<void>
  /** Moves from timer to timer until none is left; throws where they go on for longer than `maxMs` (default one day). */
  run(maxMs?: number): Promise<void>
  /** Moves from timer to timer until `isDone` says so; throws where it does not within `maxMs` (default one hour). */
  runUntil(isDone: () => boolean, maxMs?: number): Promise<void>
  /** Sets the wall clock forward, or back, while monotonic time and timers go on as before. */
  jumpWallClock(byMs: number): void
  /** Who answers from now on. Before the first script every connection is refused. */
  onFetch(script: FetchScript): void
  /** Who answers WebSockets from now on. Before the first script each is closed before it opens. */
  onWebSocket(script: WebSocketScript): void
  /** The process died: no timer runs, no answer arrives, nothing that waits goes on, for ever. */
  kill(): void
  readonly pendingTimers: number
}

export interface VirtualWorldOptions {
  readonly seed: number
  /** Wall time at the start, milliseconds UTC. */
  readonly start?: number
}

/** 2026-01-01T00:00:00Z */
const DEFAULT_START = 1_767_225_600_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** A world on a virtual clock, with seeded chance and a scripted network. */
export function createVirtualWorld(options: VirtualWorldOptions): VirtualWorld {
  let isDead = false
  let wallOffsetMs = options.start ?? DEFAULT_START
  const isAlive = () => !isDead
  const clock = createVirtualClock(isAlive)
  const network = createVirtualNetwork(isAlive)
  const chance = createChance(options.seed)
  const now = () => wallOffsetMs + clock.monotonic()
  return {
    now,
    monotonic: clock.monotonic,
    sleep: clock.sleep,
    after: clock.after,
    yield: clock.yield,
    random: () => chance() / 2 ** 32,
    uuid: () => uuidV7(now(), bytesOf(chance, 10)),
    bytes: (count) => bytesOf(chance, count),
    ...network,
    settle: async () => clock.advance(0),
    advance: clock.advance,
    run: async (maxMs = DAY_MS) => clock.runUntil(() => clock.pendingTimers() === 0, maxMs, 'The timers do not end'),
    runUntil: async (isDone, maxMs = HOUR_MS) => clock.runUntil(isDone, maxMs, 'What was waited for did not happen'),
    jumpWallClock(byMs) {
      wallOffsetMs += byMs
    },
    kill() {
      isDead = true
      clock.clear()
    },
    get pendingTimers() {
      return clock.pendingTimers()
    },
  }
}

/** 32 bits at a time, by Marsaglia's xorshift over a state that is never 0. */
function createChance(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}

function bytesOf(chance: () => number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => chance() >>> 24)
}
