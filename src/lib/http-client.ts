import { Agent as HttpAgent, type IncomingMessage, request as requestHttp, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/** As much of what fetch is told as is used here. */
export interface FetchOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Redirects are never followed. */
  readonly redirect?: 'manual'
  readonly signal?: AbortSignal
}

/** As much of what fetch answers as is used here. */
export interface FetchAnswer {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  /** Decompressed, as it comes. */
  readonly body: AsyncIterable<Uint8Array> | null
}

/** The global fetch fits, and so does whatever stands in for it in a test. */
export type Fetch = (url: string, options: FetchOptions) => Promise<FetchAnswer>

/** Shorter than servers keep a connection that rests: one that they close at the moment we take it up is an error. */
const IDLE_MS = 4_000
const STANDARD_HEADERS = { accept: '*/*', 'accept-encoding': 'gzip, deflate, br', 'user-agent': 'chainwarden' }

/**
 * Fetch over `node:http`: the global one takes 7 MB of memory from its first use on. Connections are kept and shared.
 * Rejects with the system's error, or with the reason of the signal, also while the body is read.
 */
export function createFetch(): Fetch {
  const kept = { keepAlive: true, timeout: IDLE_MS }
  const httpAgent = new HttpAgent(kept)
  const httpsAgent = new HttpsAgent(kept)
  return async (url, options) => {
    const target = new URL(url)
    const open = (given: RequestOptions) =>
      target.protocol === 'https:'
        ? requestHttps(target, { ...given, agent: httpsAgent })
        : requestHttp(target, { ...given, agent: httpAgent })
    return exchange(open, options, false)
  }
}

type Open = (options: RequestOptions) => ReturnType<typeof requestHttp>

async function exchange(open: Open, options: FetchOptions, isSecondTry: boolean): Promise<FetchAnswer> {
  const { method = 'GET', headers, body, signal } = options
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    let response: IncomingMessage | undefined
    const request = open({ method, headers: { ...STANDARD_HEADERS, ...headers } })
    const abort = () => {
      const reason = asError(signal?.reason)
      response?.destroy(reason)
      request.destroy(reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    request.on('close', () => signal?.removeEventListener('abort', abort))
    request.on('response', (arrived) => {
      response = arrived
      resolve(answerOf(arrived))
    })
    request.on('error', (error) => {
      // A connection that rested was closed by the server as it was taken up again: the request was not read.
      const isStale = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
      if (isStale && !isSecondTry && response === undefined && signal?.aborted !== true) {
        resolve(exchange(open, options, true))
      } else reject(error)
    })
    request.end(body)
  })
}

function answerOf(response: IncomingMessage): FetchAnswer {
  return {
    status: response.statusCode ?? 0,
    headers: { get: (name) => response.headersDistinct[name.toLowerCase()]?.join(', ') ?? null },
    body: decompressed(response),
  }
}

function decompressed(response: IncomingMessage): AsyncIterable<Uint8Array> {
  const decoder = createDecoder(response.headers['content-encoding'])
  // Whoever reads hears of errors from the decoder: the pipeline hands them on, in both directions.
  return decoder === undefined ? response : pipeline(response, decoder, () => {})
}

function createDecoder(encoding = 'identity') {
  switch (encoding.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return undefined
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
