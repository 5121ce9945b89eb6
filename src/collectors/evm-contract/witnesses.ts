import type { EvmFollower } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { CollectorWorld } from '../collector.ts'
import type { EvmContractConfig } from './config.ts'
import type { Mark } from './cursor.ts'

/**
 * Asks every endpoint by itself whether a block that was final is still on the chain. That it is not is believed when at
 * least two say so and they are more than those who still have it: a node that is still syncing tells of reorgs that
 * never were. A single configured endpoint is believed, for there is nobody else to ask.
 */
export interface Witnesses {
  isReplaced(mark: Mark, signal: AbortSignal): Promise<boolean>
}

export function createWitnesses(config: EvmContractConfig, world: CollectorWorld): Witnesses {
  const urls = [...new Set(config.rpc_urls)]
  return {
    async isReplaced(mark, signal) {
      if (urls.length === 1) return true
      const answers = await Promise.all(
        urls.map(async (url) => {
          const follower = world.chains.evm({ urls: [url], chainId: config.chain_id, timeoutMs: config.timeout })
          return opinion(follower, mark, signal).finally(() => follower.stop())
        }),
      )
      const replaced = answers.filter((answer) => answer === 'replaced').length
      const standing = answers.filter((answer) => answer === 'standing').length
      return replaced >= 2 && replaced > standing
    },
  }
}

async function opinion(
  follower: EvmFollower,
  mark: Mark,
  signal: AbortSignal,
): Promise<'replaced' | 'standing' | 'unknown'> {
  try {
    const view = await follower.look(signal)
    if (view.head === undefined || view.head.number < mark.number) return 'unknown'
    const block = await follower.blockByNumber(mark.number, signal)
    if (block === undefined) return 'unknown'
    return block.hash === mark.hash ? 'standing' : 'replaced'
  } catch (error) {
    if (error instanceof OutsideError) return 'unknown'
    throw error
  }
}
