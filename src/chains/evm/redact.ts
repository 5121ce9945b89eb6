import { OutsideError } from '../../lib/errors.ts'
import { createUrlRedactor } from '../../lib/secret.ts'
import { NodeError } from './rpc-errors.ts'

/**
 * Names for endpoints, `host:port`, unique within a pool: `host:port#2` where the same host stands in two URLs. Nothing
 * else of the URL is shown: providers put keys into paths and queries.
 */
export function endpointNames(urls: readonly string[]): readonly string[] {
  const seen = new Map<string, number>()
  return urls.map((url) => {
    const { protocol, hostname, port } = new URL(url)
    const isTls = protocol === 'https:' || protocol === 'wss:'
    const host = `${hostname}:${port === '' ? (isTls ? '443' : '80') : port}`
    const count = (seen.get(host) ?? 0) + 1
    seen.set(host, count)
    return count === 1 ? host : `${host}#${count}`
  })
}

/** Takes whatever of the URL may be a key out of errors: providers like to quote it back. */
export function createRedactor(url: string): (error: OutsideError) => OutsideError {
  const redacted = createUrlRedactor(url)
  return (error) => {
    const message = redacted(error.message)
    if (message === error.message) return error
    if (error instanceof NodeError) return new NodeError(error.reason, message, error.rpc)
    const { reason, retry, retryAfterMs } = error
    return new OutsideError(reason, message, { retry, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
  }
}
