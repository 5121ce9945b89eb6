import { messageOf, OutsideError } from '../../lib/errors.ts'
import type { WebSocketConnection, World } from '../../lib/world.ts'
import { ANSWER_BYTES_MAX, type ExchangeLimits, type Transport } from './transport.ts'

interface Waiting {
  readonly ids: ReadonlySet<number>
  readonly resolve: (body: string) => void
  readonly reject: (error: OutsideError) => void
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
    waiting.clear()
    dropped?.close()
  }

  function receive(body: string): void {
    if (body.length > ANSWER_BYTES_MAX) {
      drop(`it sent more than ${ANSWER_BYTES_MAX} bytes`)
      return
    }
    const id = idOf(body)
    const question = [...waiting].find((one) => id !== undefined && one.ids.has(id))
    // An answer that cannot be told apart belongs to whoever waits: with one question under way, as usual, it is clear whose.
    const receiver = question ?? (id === undefined && waiting.size === 1 ? [...waiting][0] : undefined)
    if (receiver === undefined) return
    waiting.delete(receiver)
    receiver.resolve(body)
  }

  async function open(): Promise<WebSocketConnection> {
    const mine = generation
    return new Promise((resolve, reject) => {
      const connection = connect(world, name, url, {
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
    return new Promise((resolve, reject) => {
      const question: Waiting = { ids: new Set(ids), resolve: finish(resolve), reject: finish(reject) }
      const cancel = world.after(limits.timeoutMs, () => {
        const late = `${name} (${limits.what}) gave no answer within ${limits.timeoutMs} ms`
        question.reject(new OutsideError('timeout', late, { retry: true }))
        drop('it left a question unanswered')
      })
      const abort = () => finish(reject)(limits.signal.reason)
      limits.signal.addEventListener('abort', abort, { once: true })
      waiting.add(question)

      function finish<T>(settle: (value: T) => void): (value: T) => void {
        return (value) => {
          waiting.delete(question)
          cancel()
          limits.signal.removeEventListener('abort', abort)
          settle(value)
        }
      }

      opening ??= open()
      opening
        .then((connection) => connection.send(body))
        .catch((error: unknown) => {
          question.reject(error instanceof OutsideError ? error : broken(name, messageOf(error)))
        })
    })
  }

  return { exchange, stop: () => drop('it is no longer needed') }
}

function connect(
  world: World,
  name: string,
  url: string,
  handlers: Parameters<World['openWebSocket']>[1],
): WebSocketConnection {
  try {
    return world.openWebSocket(url, handlers)
  } catch (error) {
    throw broken(name, messageOf(error))
  }
}

function broken(name: string, why: string): OutsideError {
  return new OutsideError('unreachable', `${name} could not be reached over its WebSocket: ${why}`, { retry: true })
}

/** The id an answer carries, or the first one of a batch. */
function idOf(body: string): number | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    return typeof first === 'object' && first !== null && 'id' in first && typeof first.id === 'number'
      ? first.id
      : undefined
  } catch {
    return undefined
  }
}
