import type { World } from '../../lib/world.ts'
import type { EvmBlock, EvmCall, EvmCallResult } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { callEach, callThroughMulticall, hasMulticall } from './state-questions.ts'

/** Calls view functions, together where the chain has a multicall contract. */
export type Caller = (
  endpoint: Endpoint,
  calls: readonly EvmCall[],
  block: EvmBlock,
  signal: AbortSignal,
) => Promise<readonly EvmCallResult[]>

/** How long a chain is taken to have no multicall contract. */
const MISSING_MS = 3_600_000

export function createCaller(world: Pick<World, 'monotonic'>): Caller {
  let multicall: { readonly isThere: boolean; readonly until: number } | undefined

  async function isThere(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<boolean> {
    if (multicall !== undefined && world.monotonic() < multicall.until) return multicall.isThere
    const found = await hasMulticall(endpoint, block, signal)
    multicall = { isThere: found, until: found ? Number.POSITIVE_INFINITY : world.monotonic() + MISSING_MS }
    return found
  }

  return async (endpoint, calls, block, signal) => {
    const isWorthwhile = calls.length > 1 && (await isThere(endpoint, block, signal))
    const results = isWorthwhile ? await callThroughMulticall(endpoint, calls, block, signal) : undefined
    return results ?? callEach(endpoint, calls, block, signal)
  }
}
