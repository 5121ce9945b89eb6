import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import type { EvmBlock } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { blockOrNullSchema } from './wire.ts'

/**
 * The finalized block's number. It is asked of every endpoint, and the lowest answer counts: finality ends the watch for
 * reorgs, so an endpoint that boasts must not decide it. It never goes back. Endpoints that do not know the tag say
 * nothing; where none does, it is undefined.
 */
export interface Finality {
  refresh(endpoints: readonly Endpoint[], head: EvmBlock, signal: AbortSignal): Promise<void>
  number(): number | undefined
}

const EVERY_MS = 5_000
/** A node that does not know the tag will not learn it soon. */
const UNKNOWN_MS = 300_000

export function createFinality(world: Pick<World, 'monotonic'>): Finality {
  let finalized: number | undefined
  let nextAt = Number.NEGATIVE_INFINITY
  return {
    number: () => finalized,
    async refresh(endpoints, head, signal) {
      if (world.monotonic() < nextAt) return
      nextAt = world.monotonic() + EVERY_MS
      const answers = await Promise.all(endpoints.map(async (endpoint) => readFinalized(endpoint, signal)))
      const known = answers.filter((answer) => typeof answer === 'number').filter((answer) => answer <= head.number)
      if (known.length > 0) finalized = Math.max(finalized ?? 0, Math.min(...known))
      else if (answers.every((answer) => answer === 'unknown')) nextAt = world.monotonic() + UNKNOWN_MS
    },
  }
}

async function readFinalized(endpoint: Endpoint, signal: AbortSignal): Promise<number | 'unknown' | undefined> {
  try {
    const answer = await endpoint.ask({ method: 'eth_getBlockByNumber', params: ['finalized', false] }, signal)
    const parsed = blockOrNullSchema.safeParse(answer)
    return parsed.success ? (parsed.data?.number ?? 'unknown') : 'unknown'
  } catch (error) {
    if (!(error instanceof OutsideError)) return undefined
    return ['unsupported', 'rejected', 'behind', 'unknown-block'].includes(error.reason) ? 'unknown' : undefined
  }
}
