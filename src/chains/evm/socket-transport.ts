import { messageOf, OutsideError } from '../../lib/errors.ts'
import type { WebSocketConnection, World } from '../../lib/world.ts'
import { ANSWER_BYTES_MAX, type ExchangeLimits, type Transport } from './transport.ts'

interface Waiting {
  readonly ids: ReadonlySet<number>
  readonly resolve: (body: string) => void
  readonly reject: (error: unknown) => void
}

/**
 * JSON-RPC over one WebSocket, opened when first needed and again after it broke. A socket that leaves a question
 * unanswered is given up: a connection that died silently looks exactly like that.
 */
export function createSocketTransport(world: World, name: string, url: string): Transport {
  const waiting = new Set<Waiting>()
  let opening: Promise<WebSocketConnection> | undefined
  let current: WebSocketConnection | undefined
  /** Counts connections, so that the late farewell of an old one does not end its successor. */
  let generation = 0

  function drop(reason: string): void {
    const dropped = current
    current = undefined
    opening = undefined
    generation += 1
    for (const question of waiting) question.reject(broken(name, reason))
    dropped?.close()
  }

  function receive(body: string): void {
    if (body.length > ANSWER_BYTES_MAX) drop(`it sent more than ${ANSWER_BYTES_MAX} bytes`)
    else receiverOf(waiting, body)?.resolve(body)
  }

  async function open(): Promise<WebSocketConnection> {
    const mine = generation
    return new Promise((resolve, reject) => {
      const connection = world.openWebSocket(url, {
        onOpen() {
          if (generation !== mine) return connection.close()
          current = connection
          resolve(connection)
        },
        onMessage: receive,
        onClose() {
          reject(broken(name, 'the WebSocket closed'))
          if (generation === mine) drop('the WebSocket closed')
        },
      })
    })
  }

  async function exchange(body: string, ids: readonly number[], limits: ExchangeLimits): Promise<string> {
    limits.signal.throwIfAborted()
    const answer = Promise.withResolvers<string>()
    const question = { ids: new Set(ids), resolve: answer.resolve, reject: answer.reject }
    const abort = () => answer.reject(limits.signal.reason)
    const cancel = world.after(limits.timeoutMs, () => {
      answer.reject(late(name, limits))
      drop('it left a question unanswered')
    })
    limits.signal.addEventListener('abort', abort, { once: true })
    waiting.add(question)
    try {
      opening ??= open()
      await Promise.race([send(opening, name, body), answer.promise])
      return await answer.promise
    } finally {
      waiting.delete(question)
      cancel()
      limits.signal.removeEventListener('abort', abort)
    }
  }

  return { exchange, stop: () => drop('it is no longer needed') }
}

async function send(opening: Promise<WebSocketConnection>, name: string, body: string): Promise<void> {
  try {
    const connection = await opening
    connection.send(body)
  } catch (error) {
    throw error instanceof OutsideError ? error : broken(name, messageOf(error))
  }
}

/**
 * Whose answer it is. One that cannot be told apart belongs to whoever waits: with a single question under way, as usual,
 * it is clear whose.
 */
function receiverOf(waiting: ReadonlySet<Waiting>, body: string): Waiting | undefined {
  const id = idOf(body)
  const all = [...waiting]
  if (id === undefined) return all.length === 1 ? all[0] : undefined
  return all.find((question) => question.ids.has(id))
}

/** The id an answer carries, or the first one of a batch. */
function idOf(body: string): number | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    const hasId = typeof first === 'object' && first !== null && 'id' in first
    return hasId && typeof first.id === 'number' ? first.id : undefined
  } catch {
    return undefined
  }
}

function late(name: string, limits: ExchangeLimits): OutsideError {
  const message = `${name} (${limits.what}) gave no answer within ${limits.timeoutMs} ms`
  return new OutsideError('timeout', message, { retry: true })
}

function broken(name: string, why: string): OutsideError {
  return new OutsideError('unreachable', `${name} could not be reached over its WebSocket: ${why}`, { retry: true })
}
