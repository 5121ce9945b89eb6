import { setImmediate as nextTurn } from 'node:timers/promises'

import { uuidV7 } from '../../src/lib/uuid.ts'
import type { Cancel, WebSocketConnection, WebSocketHandlers, World } from '../../src/lib/world.ts'

/** The other side of `fetch`. Throwing is a failed connection; what it waits for, it waits for on the virtual clock. */
export type FetchScript = (request: Request) => Response | Promise<Response>

/** The other side of one WebSocket. Nothing it says arrives before the turn in which it was said is over. */
export interface VirtualSocket {
  readonly url: string
  open(): void
  send(text: string): void
  close(): void
  /** Tells `listener` what the client sends; one listener at a time. */
  onMessage(listener: (text: string) => void): void
  /** Tells `listener` that the client closed the connection. */
  onClose(listener: () => void): void
}

export type WebSocketScript = (socket: VirtualSocket) => void

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
/** Work that yields this often without time moving on waits for something that never comes. */
const TURNS_MAX = 1_000_000

interface Timer {
  readonly at: number
  readonly action: () => void
}

/**
 * Timers are kept in the order in which they run. Between two of them everything that is ready is run to its end: a turn
 * of the real event loop empties the queues of promises, and yields are such turns and are counted. Real files and
 * sockets are not waited for: who uses them awaits them.
 */
export function createVirtualWorld(options: VirtualWorldOptions): VirtualWorld {
  const chance = createChance(options.seed)
  const timers: Timer[] = []
  let elapsedMs = 0
  let wallOffsetMs = options.start ?? DEFAULT_START
  let waitingYields = 0
  let isDead = false
  let fetchScript: FetchScript = refuse
  let webSocketScript: WebSocketScript = (socket) => socket.close()

  const now = () => wallOffsetMs + elapsedMs
  const isAlive = () => !isDead

  function after(ms: number, action: () => void): Cancel {
    if (isDead) return () => undefined
    const timer: Timer = { at: elapsedMs + Math.max(0, Number.isFinite(ms) ? ms : 0), action }
    const later = timers.findLastIndex((other) => other.at <= timer.at)
    timers.splice(later + 1, 0, timer)
    return () => {
      const index = timers.indexOf(timer)
      if (index !== -1) timers.splice(index, 1)
    }
  }

  async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
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

  async function yieldTurn(): Promise<void> {
    waitingYields += 1
    await nextTurn()
    waitingYields -= 1
    if (isDead) await forever()
  }

  async function drain(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      await nextTurn()
      if (waitingYields === 0) return
    }
    throw new Error(`Something yields for ever at ${elapsedMs} ms: it waits for what only time can bring`)
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

  async function runUntil(isDone: () => boolean, maxMs: number, what: string): Promise<void> {
    const end = elapsedMs + maxMs
    await drain()
    while (!isDone()) {
      if (!runNext(end)) throw new Error(`${what} within ${maxMs} ms of virtual time; ${timers.length} timers are left`)
      await drain()
    }
  }

  async function advance(ms: number): Promise<void> {
    const end = elapsedMs + ms
    await drain()
    while (runNext(end)) await drain()
    elapsedMs = end
  }

  return {
    now,
    monotonic: () => elapsedMs,
    sleep,
    after,
    yield: yieldTurn,
    random: () => chance() / 2 ** 32,
    uuid: () => uuidV7(now(), bytesOf(chance, 10)),
    bytes: (count) => bytesOf(chance, count),
    async fetch(input, init) {
      if (isDead) return forever()
      return answer(fetchScript, isAlive, input, init)
    },
    openWebSocket: (url, handlers) => connect({ url, handlers, script: webSocketScript, isAlive }),
    settle: async () => advance(0),
    advance,
    run: async (maxMs = DAY_MS) => runUntil(() => timers.length === 0, maxMs, 'The timers do not end'),
    runUntil: async (isDone, maxMs = HOUR_MS) => runUntil(isDone, maxMs, 'What was waited for did not happen'),
    jumpWallClock(byMs) {
      wallOffsetMs += byMs
    },
    onFetch(script) {
      fetchScript = script
    },
    onWebSocket(script) {
      webSocketScript = script
    },
    kill() {
      isDead = true
      timers.length = 0
    },
    get pendingTimers() {
      return timers.length
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

async function forever(): Promise<never> {
  return new Promise(() => undefined)
}

function refuse(request: Request): never {
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${request.url}`), { code: 'ECONNREFUSED' })
  throw new TypeError('fetch failed', { cause })
}

async function answer(
  script: FetchScript,
  isAlive: () => boolean,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const signal = init?.signal ?? undefined
  signal?.throwIfAborted()
  const request = new Request(input, { ...init, signal: null })
  return new Promise((resolve, reject) => {
    const settle = (deliver: () => void) => {
      signal?.removeEventListener('abort', abort)
      if (isAlive()) deliver()
    }
    function abort(): void {
      settle(() => reject(signal?.reason))
    }
    signal?.addEventListener('abort', abort, { once: true })
    // A script may throw at once: inside a promise that is a rejection, as a real connection would.
    const answered = Promise.resolve(request).then(script)
    answered.then(
      (response) => settle(() => resolve(response)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}

interface Connecting {
  readonly url: string
  readonly handlers: WebSocketHandlers
  readonly script: WebSocketScript
  readonly isAlive: () => boolean
}

function connect({ url, handlers, script, isAlive }: Connecting): WebSocketConnection {
  let isClosed = false
  let toldMessage: (text: string) => void = () => undefined
  let toldClose: () => void = () => undefined

  function later(deliver: () => void): void {
    queueMicrotask(() => {
      if (isAlive()) deliver()
    })
  }

  function whileOpen(deliver: () => void): void {
    later(() => {
      if (!isClosed) deliver()
    })
  }

  function end(tell: () => void): void {
    if (isClosed) return
    isClosed = true
    tell()
    handlers.onClose()
  }

  later(() =>
    script({
      url,
      open: () => whileOpen(handlers.onOpen),
      send: (text) => whileOpen(() => handlers.onMessage(text)),
      close: () => later(() => end(() => undefined)),
      onMessage(listener) {
        toldMessage = listener
      },
      onClose(listener) {
        toldClose = listener
      },
    }),
  )
  return {
    send: (text) => whileOpen(() => toldMessage(text)),
    close: () => later(() => end(toldClose)),
  }
}
