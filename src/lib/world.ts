import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { createFetch, type Fetch } from './http-client.ts'
import { uuidV7 } from './uuid.ts'

/** Ends a timer. Calling it twice, or after the timer ran, does nothing. */
export type Cancel = () => void

/** What a WebSocket tells its owner. `onClose` comes exactly once, also when the connection never opened. */
export interface WebSocketHandlers {
  readonly onOpen: () => void
  readonly onMessage: (text: string) => void
  readonly onClose: () => void
}

export interface WebSocketConnection {
  send(text: string): void
  close(): void
}

/**
 * Time, chance and the network: the one object through which they come in. Everything under `src` but this file gets
 * them from here, so a simulation can hand over a virtual clock, seeded chance and a scripted network.
 */
export interface World {
  /** Wall time: milliseconds since 1970, UTC. It may jump. */
  now(): number
  /** Milliseconds on a clock that never jumps and never goes back; only differences mean something. */
  monotonic(): number
  /** Waits, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `action` once after `ms`. The action must not throw. */
  after(ms: number, action: () => void): Cancel
  /** Lets waiting input, timers and promises run: between the slices of long work. */
  yield(): Promise<void>
  /** At least 0, less than 1. */
  random(): number
  /** A UUIDv7: unique, and sorted by the time it was made. */
  uuid(): string
  /** Bytes fit for keys and tokens. */
  bytes(count: number): Uint8Array
  readonly fetch: Fetch
  openWebSocket(url: string, handlers: WebSocketHandlers): WebSocketConnection
}

/** The real world. Made once, by `main`. */
export function createWorld(): World {
  return {
    now: Date.now,
    monotonic: () => performance.now(),
    sleep,
    after(ms, action) {
      const timer = setTimeout(action, ms)
      return () => clearTimeout(timer)
    },
    yield: async () => nextTurn(),
    random: Math.random,
    uuid: () => uuidV7(Date.now(), randomBytes(10)),
    bytes: (count) => randomBytes(count),
    fetch: createFetch(),
    openWebSocket,
  }
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    function stop(): void {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}

function openWebSocket(url: string, handlers: WebSocketHandlers): WebSocketConnection {
  const socket = new WebSocket(url)
  let isClosed = false
  const closeOnce = () => {
    if (isClosed) return
    isClosed = true
    handlers.onClose()
  }
  socket.addEventListener('open', handlers.onOpen)
  socket.addEventListener('message', (message) => {
    if (typeof message.data === 'string') handlers.onMessage(message.data)
  })
  socket.addEventListener('close', closeOnce)
  socket.addEventListener('error', closeOnce)
  return { send: (text) => socket.send(text), close: () => socket.close() }
}
