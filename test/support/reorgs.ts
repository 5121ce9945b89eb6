import { z } from 'zod'

import type { Anvil } from './anvil.ts'

const blockSchema = z.object({ transactions: z.array(z.string()) })

/** Replaces the newest blocks of a chain. The first block, where contracts under test are, stays. */
export interface Reorgs {
  /** By empty ones: their transactions never happened. */
  drop(blocks: number): Promise<void>
  /** By others, in which each transaction stands a block later, where there is a later one. */
  mineAgain(blocks: number): Promise<void>
}

export function createReorgs(anvil: Anvil): Reorgs {
  async function depthOf(blocks: number): Promise<{ readonly newest: number; readonly depth: number }> {
    const newest = Number(await anvil.rpc('eth_blockNumber'))
    return { newest, depth: Math.min(blocks, newest - 1) }
  }

  async function hashesOf(number: number): Promise<readonly string[]> {
    const block = await anvil.rpc('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
    return blockSchema.parse(block).transactions
  }

  return {
    async drop(blocks) {
      const { depth } = await depthOf(blocks)
      if (depth > 0) await anvil.rpc('anvil_reorg', [depth, []])
    },
    async mineAgain(blocks) {
      const { newest, depth } = await depthOf(blocks)
      const signed: (readonly [unknown, number])[] = []
      for (let index = 0; index < depth; index += 1) {
        for (const hash of await hashesOf(newest - depth + 1 + index)) {
          signed.push([await anvil.rpc('eth_getRawTransactionByHash', [hash]), Math.min(index + 1, depth - 1)])
        }
      }
      if (depth > 0) await anvil.rpc('anvil_reorg', [depth, signed])
    },
  }
}
