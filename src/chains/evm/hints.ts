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
  start(): void
  stop(): void
}

export interface HintOptions {
  readonly world: World
  readonly log: Logger
  readonly name: string
  readonly url: string
  /** The chain's pace, as far as is known. */
  readonly blockTimeMs: () => number | undefined
  /** A block of this height is said to exist. */
  readonly onHead: (number: number) => void
}

const SILENCE_MIN_MS = 10_000
const PAUSE_FIRST_MS = 500
const PAUSE_MAX_MS = 30_000
const SUBSCRIBE = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] })

export function createHintSource({ world, log, name, url, blockTimeMs, onHead }: HintOptions): HintSource {
  let connection: WebSocketConnection | undefined
  /** The one timer: the watch over a connection, or the pause before the next. */
  let timer: Cancel | undefined
  /** Attempts since the last head; they set the pause before the next. */
  let attempts = 0
  /** Counts connections, so that the late words of an old one are not taken for its successor's. */
  let generation = 0

  function wait(ms: number, then: () => void): void {
    timer?.()
    timer = world.after(ms, then)
  }

  function watch(): void {
    wait(Math.max(SILENCE_MIN_MS, 2 * (blockTimeMs() ?? 0)), () => {
      log.debug('a WebSocket fell silent and is opened again', { endpoint: name })
      reopen()
    })
  }

  function open(): void {
    attempts += 1
    const mine = generation
    watch()
    try {
      const opened = world.openWebSocket(url, {
        onOpen: () => opened.send(SUBSCRIBE),
        onMessage(text) {
          if (mine === generation) hear(text)
        },
        onClose() {
          if (mine === generation) reopen()
        },
      })
      connection = opened
    } catch (error) {
      log.warn('a WebSocket cannot be opened', { endpoint: name, error })
      reopen()
    }
  }

  function hear(text: string): void {
    watch()
    const number = headIn(text)
    if (number === undefined) return
    attempts = 0
    onHead(number)
  }

  function reopen(): void {
    close()
    wait(Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(attempts, 10)) * (0.5 + world.random() / 2), open)
  }

  function close(): void {
    generation += 1
    timer?.()
    const closing = connection
    connection = undefined
    closing?.close()
  }

  return { start: open, stop: close }
}

const notificationSchema = z.object({
  method: z.literal('eth_subscription'),
  params: z.object({ result: z.object({ number: quantitySchema }) }),
})

/** The height a notification speaks of; undefined: it is none. */
function headIn(text: string): number | undefined {
  try {
    const parsed = notificationSchema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.params.result.number : undefined
  } catch {
    return undefined
  }
}

/** Who wants hints. The sockets are open while somebody does. */
export interface HintBoard {
  listen(listener: () => void): Cancel
  /** A block of this height is said to exist. */
  announce(number: number): void
  stop(): void
}

export interface HintBoardOptions {
  readonly world: Pick<World, 'after'>
  readonly sources: () => readonly HintSource[]
  /** The height seen by looking. */
  readonly seen: () => number
  /** Makes the next look ask again. */
  readonly invalidate: () => void
}

/** A provider's sockets are often ahead of its HTTP side: so long, and so often, the hint is given again. */
const AGAIN_MS = 150
const AGAIN_MAX = 5

export function createHintBoard({ world, sources, seen, invalidate }: HintBoardOptions): HintBoard {
  const listeners = new Set<() => void>()
  let again: Cancel | undefined

  function hint(number: number, repetitions: number): void {
    again?.()
    invalidate()
    for (const listener of listeners) listener()
    if (repetitions === 0) return
    again = world.after(AGAIN_MS, () => {
      if (seen() < number) hint(number, repetitions - 1)
    })
  }

  function stop(): void {
    listeners.clear()
    again?.()
    for (const source of sources()) source.stop()
  }

  return {
    listen(listener) {
      // Each call is a listener of its own, even where the function is the same.
      const own = () => listener()
      listeners.add(own)
      if (listeners.size === 1) for (const source of sources()) source.start()
      return () => {
        if (listeners.delete(own) && listeners.size === 0) stop()
      }
    },
    announce: (number) => hint(number, AGAIN_MAX),
    stop,
  }
}
