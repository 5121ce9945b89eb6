import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import { NodeError } from './rpc-errors.ts'

/** How one endpoint has been doing: whether it answers, how fast, and when it may be asked again. */
export interface EndpointHealth {
  /** It answered its last question. */
  isUp(): boolean
  failure(): OutsideError | undefined
  /** A moving average over its answers. */
  latencyMs(): number | undefined
  /** Whether it may be asked now; a failing one is left alone for a while, `restMaxMs` at the longest. */
  isReady(restMaxMs: number): boolean
  /** Does one piece of work with it, and takes note of how that went. */
  measured<T>(work: () => Promise<T>, weight?: Weight): Promise<T>
}

/**
 * Whether a failure may be the question's own fault (`question`), or what was asked is so basic that any failure of it is
 * the endpoint's (`basics`: which chain, which block).
 */
export type Weight = 'question' | 'basics'

const REST_FIRST_MS = 250
const REST_MAX_MS = 60_000
/** Nobody asks for more in good faith. */
const RETRY_AFTER_MAX_MS = 3_600_000
/** Weight of the newest answer in the moving average. */
const LATENCY_WEIGHT = 0.2

export function createEndpointHealth(
  world: Pick<World, 'monotonic' | 'random'>,
  onFailure: (error: OutsideError) => void,
): EndpointHealth {
  let latencyMs: number | undefined
  let failure: OutsideError | undefined
  let hasAnswered = false
  let failuresInRow = 0
  let restUntil = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY

  function noteAnswer(startedAt: number): void {
    const took = world.monotonic() - startedAt
    latencyMs = latencyMs === undefined ? took : latencyMs + (took - latencyMs) * LATENCY_WEIGHT
    failure = undefined
    failuresInRow = 0
    restUntil = Number.NEGATIVE_INFINITY
    hasAnswered = true
  }

  function noteFailure(error: OutsideError): void {
    failure = error
    failuresInRow += 1
    const backoffMs = Math.min(REST_MAX_MS, REST_FIRST_MS * 2 ** (failuresInRow - 1)) * (0.8 + 0.4 * world.random())
    const askedForMs = Math.min(error.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS)
    restUntil = world.monotonic() + Math.max(backoffMs, askedForMs)
    onFailure(error)
  }

  return {
    isUp: () => hasAnswered && failure === undefined,
    failure: () => failure,
    latencyMs: () => latencyMs,
    isReady: (restMaxMs) => world.monotonic() >= Math.min(restUntil, askedAt + restMaxMs),
    async measured(work, weight = 'question') {
      const startedAt = world.monotonic()
      askedAt = startedAt
      try {
        const result = await work()
        noteAnswer(startedAt)
        return result
      } catch (error) {
        if (error instanceof OutsideError) {
          if (weight === 'basics' || isAgainstEndpoint(error)) noteFailure(error)
          else noteAnswer(startedAt)
        }
        throw error
      }
    },
  }
}

/**
 * Whether a failure concerns every question to this endpoint, and not only the one that was asked. A node's own error is
 * an answer, but for those that mean "not now" and "not you"; too large an answer is the question's fault.
 */
export function isAgainstEndpoint(error: OutsideError): boolean {
  if (!(error instanceof NodeError)) return error.reason !== 'too-large'
  return error.reason === 'rate-limited' || error.reason === 'auth'
}
