import { expect, test } from 'vitest'

import { compileAbi, type EvmBlock, type EvmCallResult, type EvmView, type Hex } from '../../chains/evm/index.ts'
import { createReadPart } from './read-part.ts'
import { compileReads } from './reads.ts'

const ADDRESS: Hex = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
const HASH: Hex = `0x${'ab'.repeat(32)}`
const HEAD: EvmBlock = { number: 7, hash: HASH, parentHash: HASH, timeMs: 7_000, logsBloom: '0x' }
const VIEW: EvmView = { endpoints: [], chainId: 1, head: HEAD, finalized: undefined, failure: undefined }

const view = (name: string) => ({
  type: 'function',
  name,
  stateMutability: 'view',
  inputs: [],
  outputs: [{ type: 'uint256' }],
})

/** What a round makes of a contract whose `count` answers 42 and whose `price` answers as given. */
async function readWith(price: EvmCallResult) {
  const compiled = compileAbi([view('count'), view('price')])
  if (compiled.kind === 'faults') throw new Error(compiled.faults.join('\n'))
  const configs = ['count', 'price'].map((name) => ({ name, args: [], decimals: 0, as: undefined }))
  const reads = compileReads(compiled.abi, ADDRESS, configs)
  const count: EvmCallResult = { kind: 'value', data: `0x${(42).toString(16).padStart(64, '0')}` }
  const follower = { calls: async () => [count, price], hasCode: async () => true }
  const part = createReadPart({ address: ADDRESS, reads }, follower, false)
  return part.read(VIEW, () => undefined, new AbortController().signal)
}

test('a function that reverts, with a reason or without, has no sample and hides no other', async () => {
  const answers: readonly EvmCallResult[] = [
    { kind: 'failed', reason: 'reverted', detail: 'it reverts: the price is stale' },
    { kind: 'unsupported', detail: 'it reverts without a reason' },
  ]
  for (const answer of answers) {
    const { part, outcomes } = await readWith(answer)

    expect(part).toEqual({
      samples: [
        { name: 'evm_contract_exists', labels: {}, value: 1 },
        { name: 'evm_contract_read', labels: { function: 'count' }, value: 42 },
      ],
    })
    expect(outcomes?.map(({ kind }) => kind)).toEqual(['values', 'unsupported'])
  }
})

test('a function that could not be asked fails the part: what it would have said is not known', async () => {
  const { part } = await readWith({ kind: 'failed', reason: 'timeout', detail: 'no answer' })

  expect(part).toMatchObject({ failed: { reason: 'timeout' } })
})
