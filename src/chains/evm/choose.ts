import { OutsideError } from '../../lib/errors.ts'
import type { Endpoint } from './endpoint.ts'

/** What a question needs of the endpoint that answers it. */
export interface Need {
  /** Its own head must have reached this height: an endpoint is never asked for blocks beyond its head. */
  readonly height: number
  /** The block is named by its hash, so an endpoint whose head is lower as far as we know may be asked last. */
  readonly isByHash: boolean
}

/** A failing endpoint rests longer and longer, but the last usable one never for longer than this. Rounds add theirs. */
const LAST_USABLE_REST_MS = 3_000
/** Enough to fail over once; more would hold the caller up for many timeouts. */
const TIMEOUTS_MAX = 2

/** The endpoints to ask now: those that are not resting; if all are, those that were left alone long enough. */
export function readyEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const rested = endpoints.filter((endpoint) => endpoint.isReady(Number.POSITIVE_INFINITY))
  return rested.length > 0 ? rested : endpoints.filter((endpoint) => endpoint.isReady(LAST_USABLE_REST_MS))
}

/**
 * Asks one endpoint after the other, best first, until one answers.
 *
 * @throws OutsideError the most telling of the failures
 */
export async function firstAnswer<T>(
  endpoints: readonly Endpoint[],
  need: Need,
  signal: AbortSignal,
  ask: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const failures: OutsideError[] = []
  for (const endpoint of candidates(endpoints, need)) {
    try {
      return await ask(endpoint)
    } catch (error) {
      if (!(error instanceof OutsideError) || signal.aborted) throw error
      failures.push(error)
      if (error.reason === 'malformed') endpoint.suspect(error.message)
      if (failures.filter((failure) => failure.reason === 'timeout').length >= TIMEOUTS_MAX) break
    }
  }
  throw mostTelling(failures) ?? nobody(endpoints, need)
}

/** Best first: not suspected, at the height, quick. */
function candidates(endpoints: readonly Endpoint[], need: Need): readonly Endpoint[] {
  const ready = readyEndpoints(endpoints)
  const high = ready.filter((endpoint) => heightOf(endpoint) >= need.height)
  const low = need.isByHash ? ready.filter((endpoint) => heightOf(endpoint) < need.height) : []
  return [...high.toSorted(byMerit), ...low.toSorted(byMerit)]
}

export function heightOf(endpoint: Endpoint): number {
  return endpoint.head()?.block.number ?? -1
}

function byMerit(left: Endpoint, right: Endpoint): number {
  return (
    Number(left.suspicion() !== undefined) - Number(right.suspicion() !== undefined) ||
    Number(right.isUp()) - Number(left.isUp()) ||
    (left.latencyMs() ?? 0) - (right.latencyMs() ?? 0)
  )
}

/** An answer about the block says more than a broken connection. */
const TELLING = ['reverted', 'range-too-large', 'unknown-block', 'unsupported', 'rejected', 'behind'] as const

export function mostTelling(failures: readonly OutsideError[]): OutsideError | undefined {
  for (const reason of TELLING) {
    const found = failures.find((failure) => failure.reason === reason)
    if (found !== undefined) return found
  }
  return failures[0]
}

function nobody(endpoints: readonly Endpoint[], need: Need): OutsideError {
  const failing = endpoints.flatMap((endpoint) => endpoint.failure() ?? [])
  const working = endpoints.filter((endpoint) => endpoint.failure() === undefined)
  const highest = Math.max(-1, ...working.map(heightOf))
  if (highest >= 0 && highest < need.height) {
    const message = `no endpoint has block ${need.height} yet: the highest is at ${highest}`
    return new OutsideError('behind', message, { retry: true })
  }
  const [first] = failing
  if (first === undefined) return new OutsideError('unreachable', 'no endpoint has answered yet', { retry: true })
  return new OutsideError(first.reason, `${first.message} (it is left alone for a moment)`, {
    retry: true,
    cause: first,
  })
}
