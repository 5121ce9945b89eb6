import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { contractConfig, type ContractWatch, createContractWatch } from '../../../test/support/contract-watch.ts'
import {
  createScriptedChain,
  type ScriptedBlock,
  type ScriptedChain,
  type ScriptedLog,
} from '../../../test/support/scripted-chain.ts'
import { topicOf } from '../../chains/evm/abi.ts'
import type { Hex } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import { parseCursor } from './cursor.ts'

const GENESIS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const ADDRESS = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
const PING = topicOf('Ping(uint256)')
const ABI = [{ type: 'event', name: 'Ping', inputs: [{ name: 'n', type: 'uint256', indexed: false }] }]

type Step =
  | { readonly kind: 'mine'; readonly blocks: number; readonly txs: readonly number[] }
  | { readonly kind: 'reorg'; readonly depth: number; readonly regrow: number; readonly txs: readonly number[] }
  | { readonly kind: 'replace'; readonly blocks: number }
  | { readonly kind: 'round' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'lag'; readonly blocks: number }
  /** The n-th question from now fails, or finds the chain reorganised. */
  | { readonly kind: 'fail'; readonly after: number }
  | { readonly kind: 'reorg-between'; readonly after: number; readonly depth: number; readonly regrow: number }

const txs = fc.array(fc.nat({ max: 40 }), { maxLength: 6 })
const depth = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 1, max: 260 }))
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('mine'), blocks: fc.integer({ min: 1, max: 5 }), txs }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('mine'), blocks: fc.integer({ min: 50, max: 200 }), txs }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('reorg'), depth, regrow: fc.integer({ min: 0, max: 12 }), txs }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace'), blocks: fc.integer({ min: 0, max: 80 }) }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('round') }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('kill') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lag'), blocks: fc.integer({ min: 0, max: 20 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('fail'), after: fc.nat({ max: 12 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('reorg-between'),
        after: fc.nat({ max: 12 }),
        depth,
        regrow: fc.integer({ min: 0, max: 12 }),
      }),
    },
  ) satisfies fc.Arbitrary<Step>,
  { minLength: 4, maxLength: 40 },
)

describe('following a chain that is reorganised, breaks and is killed at any moment', () => {
  test.each([
    { finalityDepth: 64, confirmations: 0, hasLogTimes: true },
    { finalityDepth: undefined, confirmations: 0, hasLogTimes: false },
    { finalityDepth: 5, confirmations: 3, hasLogTimes: true },
    { finalityDepth: undefined, confirmations: 90, hasLogTimes: true },
  ])(
    'ends with exactly the logs that are on the chain ($finalityDepth, $confirmations)',
    async (variant) => {
      const config = await contractConfig({ abi: ABI, start_block: 1, confirmations: variant.confirmations })

      await fc.assert(
        fc.asyncProperty(steps, async (script) => {
          const chain = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS, ...variant })
          chain.rangeMax = 37
          const watch = createContractWatch({ config, follower: chain.follower, firstStartedAt: GENESIS + 100_000 })
          const totals = { seen: 0, retracted: 0 }
          for (const step of script) {
            await act(step, chain, watch)
            expectGrowing(watch, totals)
          }
          await calmDown(chain, watch)

          expect(standingPlaces(watch)).toEqual(placesOnChain(chain, variant.confirmations))
          const { seen, retracted } = countsOf(watch)
          expect(seen - retracted).toBe(placesOnChain(chain, variant.confirmations).length)
        }),
        { numRuns: 200 },
      )
    },
    60_000,
  )
})

test('following that begins at present ends with every log since the first start, and with none that is not there', async () => {
  const config = await contractConfig({ abi: ABI, start_block: 'latest' })

  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 400 }), async (script, startedAtBlock) => {
      const chain = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS })
      chain.rangeMax = 37
      const firstStartedAt = GENESIS + startedAtBlock * 1_000
      const watch = createContractWatch({ config, follower: chain.follower, firstStartedAt })
      watch.now = GENESIS + DAY_MS
      for (const step of script) await act(step, chain, watch)
      await calmDown(chain, watch)

      const onChain = new Set(placesOnChain(chain, 0))
      const standing = new Set(standingPlaces(watch))
      const sinceStart = chain.blocks.filter(({ timeMs }) => timeMs >= firstStartedAt).flatMap(placesOf)
      expect([...standing].filter((place) => !onChain.has(place))).toEqual([])
      expect(sinceStart.filter((place) => !standing.has(place))).toEqual([])
      expect(countsOf(watch).seen - countsOf(watch).retracted).toBe(standing.size)
    }),
    { numRuns: 200 },
  )
}, 60_000)

async function act(step: Step, chain: ScriptedChain, watch: ContractWatch): Promise<void> {
  switch (step.kind) {
    case 'mine':
      chain.mine(...contents(step.blocks, step.txs))
      return
    case 'reorg':
      chain.rollBack(step.depth)
      chain.mine(...contents(step.regrow, step.txs))
      return
    case 'replace':
      chain.replace()
      chain.mine(...contents(step.blocks, [1, 2]))
      return
    case 'round':
      await watch.round()
      return
    case 'kill':
      await watch.killedRound()
      return
    case 'lag':
      chain.lag = step.blocks
      return
    case 'fail':
      chain.before = onQuestion(step.after, () => {
        throw new OutsideError('rate-limited', '429', { retry: true })
      })
      return
    case 'reorg-between':
      chain.before = onQuestion(step.after, () => {
        chain.rollBack(step.depth)
        chain.mine(...contents(step.regrow, [3, 4, 5]))
      })
  }
}

/** Once, before the n-th question that can fail: a look never does. */
function onQuestion(after: number, action: () => void): (method: string) => void {
  let left = after
  return (method) => {
    if (method === 'look') return
    left -= 1
    if (left === -1) action()
  }
}

let nextValue = 0

/** Blocks with a few transactions at the end of them. */
function contents(blocks: number, included: readonly number[]): readonly (readonly ScriptedLog[])[] {
  return Array.from({ length: blocks }, (_, index) =>
    included.filter((tx) => tx % blocks === index % blocks).map((tx) => ({ tx, topics: [PING], data: word() })),
  )
}

function word(): Hex {
  nextValue += 1
  return `0x${nextValue.toString(16).padStart(64, '0')}`
}

/** The chain grows past everything that was, and nothing fails any more. */
async function calmDown(chain: ScriptedChain, watch: ContractWatch): Promise<void> {
  chain.before = () => undefined
  chain.lag = 0
  chain.mine(...contents(600, [7, 8, 9]))
  await watch.rounds()
  await watch.rounds()
}

function placesOnChain(chain: ScriptedChain, confirmations: number): readonly string[] {
  return chain.blocks
    .slice(1, chain.blocks.length - confirmations)
    .flatMap(placesOf)
    .toSorted()
}

function placesOf(block: ScriptedBlock): readonly string[] {
  return block.logs.map((log) => `31337:${log.blockHash}:${log.logIndex}`)
}

function standingPlaces(watch: ContractWatch): readonly string[] {
  return [...watch.standing.values()]
    .filter((event) => event.type === 'evm.log')
    .map((event) => event.key)
    .toSorted()
}

function countsOf(watch: ContractWatch): { readonly seen: number; readonly retracted: number } {
  return parseCursor(watch.cursor).counts['Ping'] ?? { seen: 0, retracted: 0 }
}

/** Counters never go down, whatever becomes of the chain. */
function expectGrowing(watch: ContractWatch, totals: { seen: number; retracted: number }): void {
  const now = countsOf(watch)
  expect(now.seen).toBeGreaterThanOrEqual(totals.seen)
  expect(now.retracted).toBeGreaterThanOrEqual(totals.retracted)
  Object.assign(totals, now)
}
