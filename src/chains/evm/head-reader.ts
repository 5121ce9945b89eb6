import { readBlockByNumber } from './block-questions.ts'
import type { Endpoint } from './endpoint.ts'
import type { ChainIdentity } from './identity.ts'

/**
 * Asks an endpoint for its head, once at a time: one that is slow to answer is not asked again meanwhile. Never rejects:
 * the endpoint keeps the reason of a failure.
 */
export type HeadReader = (endpoint: Endpoint) => Promise<void>

export function createHeadReader(identity: ChainIdentity, life: AbortSignal): HeadReader {
  const asking = new Map<Endpoint, Promise<void>>()
  const askedForGenesis = new Set<Endpoint>()

  async function read(endpoint: Endpoint): Promise<void> {
    try {
      await endpoint.readHead(life)
      await readGenesis(endpoint)
    } catch {
      // It is part of the view by way of the endpoint's health.
    } finally {
      asking.delete(endpoint)
    }
  }

  /** Asked of each endpoint once at most: a node that has thrown away its oldest blocks will not find them again. */
  async function readGenesis(endpoint: Endpoint): Promise<void> {
    if (identity.genesis !== undefined || askedForGenesis.has(endpoint)) return
    askedForGenesis.add(endpoint)
    identity.genesis ??= (await readBlockByNumber(endpoint, 0, life))?.hash
  }

  return async (endpoint) => {
    const flight = asking.get(endpoint) ?? read(endpoint)
    asking.set(endpoint, flight)
    return flight
  }
}
