import { expect, test } from 'vitest'

import type { EvmBlock, EvmFollower } from '../../chains/evm/index.ts'
import { createRangeReader } from './range-reader.ts'

const { signal } = new AbortController()

function blockAt(number: number): EvmBlock {
  const hash = `0x${number.toString(16).padStart(64, '0')}` as const
  return { number, hash, parentHash: hash, timeMs: 0, logsBloom: '0x' }
}

test('stretches up to one block share a guard, and a chain that shrank has a lower one', async () => {
  const asked: number[] = []
  const follower: Pick<EvmFollower, 'blockByNumber' | 'logs'> = {
    async blockByNumber(number) {
      asked.push(number)
      return blockAt(number)
    },
    logs: async (fromBlock) => ({ logs: [], fromBlock, toBlock: fromBlock + 9 }),
  }
  const reader = createRangeReader(follower, { addresses: [], topics: undefined })
  await reader.read({ from: 1, to: 300 }, signal)
  await reader.read({ from: 11, to: 300 }, signal)
  const { guard } = await reader.read({ from: 1, to: 100 }, signal)

  expect(asked).toEqual([300, 100])
  expect(guard.number).toBe(100)
})
