import { z } from 'zod'

import type { Logger } from '../../lib/log.ts'
import type { Cancel, WebSocketConnection, World } from '../../lib/world.ts'
import { quantitySchema } from './wire.ts'

/*
 * A WebSocket's newHeads, as a hint to look now instead of at the next interval. Subscriptions die in silence, so a
 * socket that says nothing for twice the chain's block time (10 s at least) is dropped and opened again, with growing,
 * scattered pauses, for ever. Nothing is believed of what it says: whoever hears the hint looks for himself.
 */

export interface HintSource {
  /** Opens the socket with the first listener and closes it with the last. */
  listen(listener: () => void): Cancel
  stop(): void
}

export interface HintOptions {
  readonly world: World
  readonly log: Logger
  readonly name: string
  readonly url: string
  /** The chain's pace, as far as is known. */
  readonly blockTimeMs: () => number | undefined
}

const SILENCE_MIN_MS = 10_000
const PAUSE_FIRST_MS = 500
const PAUSE_MAX_MS = 30_000

const notificationSchema = z.object({
  method: z.literal('eth_subscription'),
  params: z.object({ result: z.object({ number: quantitySchema }) }),
})

export function createHintSource({ world, log, name, url, blockTimeMs }: HintOptions): HintSource {
  const listeners = new Set<() => void>()
  let connection: WebSocketConnection | undefined
  let cancelTimer: Cancel = () => {}
  /** Attempts since the last message; sets the pause before the next one. */
  let attempts = 0
  /** Counts connections, so that the late farewell of an old one does not count against its successor. */
  let generation = 0

  function open(): void {
    generation += 1
    const mine = generation
    attempts += 1
    watch()
    try {
      connection = world.openWebSocket(url, {
        onOpen() {
          if (mine === generation) {
            connection?.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }))
          }
        },
        onMessage(text) {
          if (mine === generation) hear(text)
        },
        onClose() {
          if (mine === generation) reopen()
        },
      })
    } catch {
      reopen()
    }
  }

  function hear(text: string): void {
    watch()
    if (!isNewHead(text)) return
    attempts = 0
    for (const listener of listeners) listener()
  }

  function watch(): void {
    cancelTimer()
    cancelTimer = world.after(Math.max(SILENCE_MIN_MS, 2 * (blockTimeMs() ?? 0)), () => {
      log.debug('a WebSocket fell silent and is opened again', { endpoint: name })
      reopen()
    })
  }

  function reopen(): void {
    close()
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(attempts - 1, 10)) * (0.5 + world.random())
    cancelTimer = world.after(pause, open)
  }

  function close(): void {
    generation += 1
    cancelTimer()
    const closing = connection
    connection = undefined
    closing?.close()
  }

  return {
    listen(listener) {
      // Each call is a listener of its own, even where the function is the same.
      const own = () => listener()
      listeners.add(own)
      if (listeners.size === 1) {
        attempts = 0
        open()
      }
      return () => {
        if (listeners.delete(own) && listeners.size === 0) close()
      }
    },
    stop() {
      listeners.clear()
      close()
    },
  }
}

function isNewHead(text: string): boolean {
  try {
    return notificationSchema.safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}
