import { type FailureReason, messageOf, OutsideError } from './errors.ts'
import type { FetchAnswer } from './http-client.ts'
import { createUrlRedactor, redactUrl } from './secret.ts'
import type { World } from './world.ts'

/** How an answer is asked for and bounded. */
export interface HttpRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Milliseconds until the whole answer must be there. */
  readonly timeoutMs: number
  /** The largest answer that is read. */
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
  /** What errors call the other side; default: the redacted URL. */
  readonly name?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  readonly body: string
  /** The beginning of the body, without whatever of the URL may be a key: fit for messages. */
  readonly said: () => string
}

/** Characters of an answer that are shown; of more than these a key is taken out, so that none is cut in half. */
const SAID_SHOWN = 200
const SAID_MAX = 4_000

/**
 * Asks once and reads the whole answer, whatever its status. Rejects with an `OutsideError` (`unreachable`, `timeout`,
 * `tls`, `too-large`); an abort by the caller's signal passes through as it is. Redirects are not followed: where a
 * secret travels, another host must not get it.
 */
export async function request(world: Pick<World, 'fetch' | 'after'>, asked: HttpRequest): Promise<HttpAnswer> {
  const name = asked.name ?? redactUrl(asked.url)
  const clock = new AbortController()
  const cancel = world.after(asked.timeoutMs, () => clock.abort())
  const signal = asked.signal === undefined ? clock.signal : AbortSignal.any([asked.signal, clock.signal])
  try {
    const response = await world.fetch(asked.url, {
      method: asked.method ?? 'GET',
      redirect: 'manual',
      signal,
      ...(asked.headers === undefined ? {} : { headers: asked.headers }),
      ...(asked.body === undefined ? {} : { body: asked.body }),
    })
    const body = await readBounded(response, asked.maxBytes, name)
    const said = () => createUrlRedactor(asked.url)(body.trim().slice(0, SAID_MAX)).slice(0, SAID_SHOWN)
    return { status: response.status, headers: response.headers, body, said }
  } catch (error) {
    if (asked.signal?.aborted === true || error instanceof OutsideError) throw error
    if (clock.signal.aborted) {
      throw new OutsideError('timeout', `${name} gave no answer within ${asked.timeoutMs} ms`, { retry: true })
    }
    throw connectionError(error, name)
  } finally {
    cancel()
  }
}

/** What a status means, for all who speak HTTP: undefined for 2xx. */
export function statusError(answer: HttpAnswer, name: string, now: number): OutsideError | undefined {
  const { status } = answer
  if (status >= 200 && status < 300) return undefined
  const { reason, retry } = meaningOf(status)
  const retryAfterMs = retryAfter(answer.headers.get('retry-after'), now)
  const said = answer.said()
  return new OutsideError(reason, `${name} answered ${status}${said === '' ? '' : `: ${said}`}`, {
    retry,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function meaningOf(status: number): { readonly reason: FailureReason; readonly retry: boolean } {
  if (status === 401 || status === 403) return { reason: 'auth', retry: false }
  if (status === 404 || status === 410) return { reason: 'not-found', retry: false }
  if (status === 408) return { reason: 'timeout', retry: true }
  if (status === 429) return { reason: 'rate-limited', retry: true }
  if (status >= 500) return { reason: 'server-error', retry: true }
  return { reason: 'rejected', retry: false }
}

/** `Retry-After` in milliseconds from now: seconds, also with a fraction, or an HTTP date. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds * 1000))
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

async function readBounded(response: FetchAnswer, maxBytes: number, name: string): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > maxBytes) {
      throw new OutsideError('too-large', `${name} sent more than ${maxBytes} bytes`, { retry: false })
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

const TLS_CODES = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/

function connectionError(error: unknown, name: string): OutsideError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const reason = TLS_CODES.test(code) ? 'tls' : 'unreachable'
  const words = code === '' ? messageOf(cause) : code
  return new OutsideError(reason, `${name} could not be reached: ${words}`, { retry: true, cause: error })
}
