import { describe, expect, test } from 'vitest'

import {
  ADDRESS,
  contractConfig,
  type ContractWatch,
  createContractWatch,
} from '../../../test/support/contract-watch.ts'
import { createScriptedChain, type ScriptedLog } from '../../../test/support/scripted-chain.ts'
import { topicOf } from '../../chains/evm/abi.ts'
import type { Hex } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { Round } from '../collector.ts'
import { parseCursor } from './cursor.ts'

const GENESIS = Date.UTC(2026, 0, 1)
const PING = topicOf('Ping(uint256)')
const ABI = [{ type: 'event', name: 'Ping', inputs: [{ name: 'n', type: 'uint256', indexed: false }] }]
const URLS = ['http://a:1', 'http://b:1', 'http://c:1']

function ping(tx: number): ScriptedLog {
  return { tx, topics: [PING], data: `0x${tx.toString(16).padStart(64, '0')}` }
}

function empty(blocks: number): readonly (readonly ScriptedLog[])[] {
  return Array.from({ length: blocks }, () => [])
}

interface SetUp {
  readonly own?: Readonly<Record<string, unknown>>
  readonly finalityDepth?: number
  readonly firstStartedAt?: number
}

async function setUp({ own = {}, finalityDepth, firstStartedAt = GENESIS }: SetUp = {}) {
  const chain = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS, finalityDepth })
  const config = await contractConfig({ abi: ABI, start_block: 1, ...own })
  const watch = createContractWatch({ config, follower: chain.follower, firstStartedAt })
  return { chain, watch, config }
}

function pings(watch: ContractWatch): readonly unknown[] {
  return [...watch.standing.values()].filter(({ type }) => type === 'evm.log').map(({ args }) => args['n'])
}

function sample(round: Round, name: string): number | undefined {
  const samples = Object.values(round.parts).flatMap((part) => ('samples' in part ? part.samples : []))
  return samples.find((candidate) => candidate.name === name)?.value
}

function idsOf(round: Round): readonly string[] {
  return round.events.filter(({ args }) => args['n'] === '2').map(({ id }) => id)
}

/** Does something once, before the nth question of a kind is answered. */
function onceAt(asked: string, nth: number, action: () => void): (method: string) => void {
  let count = 0
  return (method) => {
    if (method !== asked) return
    count += 1
    if (count === nth) action()
  }
}

describe('a reorg', () => {
  test('keeps the id of a transaction that is mined again elsewhere, under another key', async () => {
    const { chain, watch } = await setUp()
    chain.mine([ping(1)], [ping(2), ping(2)])
    const before = await watch.round()
    chain.rollBack(1)
    chain.mine([], [ping(9), ping(2), ping(2)])
    const after = await watch.round()

    expect(idsOf(after)).toEqual(idsOf(before))
    expect(idsOf(after)).toHaveLength(2)
    expect(after.retracted).toEqual(before.events.slice(1).map(({ key }) => key))
  })

  test('is counted and told as an event, with its depth', async () => {
    const { chain, watch } = await setUp()
    chain.mine(...empty(5))
    await watch.round()
    chain.rollBack(2)
    chain.mine(...empty(4))
    const round = await watch.round()

    expect(round.events).toMatchObject([{ type: 'evm.reorg', args: { depth: 2, from_block: 4 } }])
    expect(sample(round, 'evm_contract_reorgs_total')).toBe(1)
    expect(sample(round, 'evm_contract_deep_reorgs_total')).toBe(0)
  })

  test('is not concluded from a head that is merely lower', async () => {
    const { chain, watch } = await setUp()
    chain.mine([ping(1)], [ping(2)], [ping(3)])
    await watch.round()
    chain.lag = 2
    const behind = await watch.round()
    chain.rollBack(1)
    const rolledBack = await watch.round()

    expect(behind.retracted).toEqual([])
    expect(rolledBack.retracted).toEqual([])
    expect(pings(watch)).toEqual(['1', '2', '3'])
  })

  test('is seen on a lower head by another hash at a height that was read', async () => {
    const { chain, watch } = await setUp()
    chain.mine([ping(1)], [ping(2)], [ping(3)], [ping(4)])
    await watch.round()
    chain.rollBack(3)
    chain.mine([ping(5)])
    await watch.round()

    expect(pings(watch)).toEqual(['1', '5'])
  })

  test('from one genesis to another starts all over', async () => {
    const { chain, watch } = await setUp()
    chain.mine(...empty(300), [ping(1)])
    await watch.rounds()
    chain.replace()
    chain.mine([ping(2)], [ping(3)])
    const round = await watch.round()

    expect(pings(watch)).toEqual(['2', '3'])
    expect(round.height).toBe(2)
  })

  test('that comes between the questions of a round does not mix two branches', async () => {
    const { chain, watch } = await setUp()
    chain.mine(...empty(3))
    await watch.round()
    chain.mine([ping(1)], [ping(2)])
    let isDone = false
    chain.before = (method) => {
      if (method !== 'logsOfBlock' || isDone) return
      isDone = true
      chain.rollBack(2)
      chain.mine([ping(3)], [ping(4)])
    }
    const between = await watch.round()
    await watch.round()

    expect(between.parts['chain']).toHaveProperty('samples')
    expect(pings(watch)).toEqual(['3', '4'])
  })
})

/** A block with a log was final, and one of three endpoints says it was replaced. */
async function deep(own: Readonly<Record<string, unknown>>) {
  const { chain, config } = await setUp({ own, finalityDepth: 3 })
  const old = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS, finalityDepth: 3 })
  for (const one of [chain, old]) one.mine(...empty(10), [ping(1)], ...empty(5))
  const followers = { [`${URLS[0]}`]: chain.follower, [`${URLS[1]}`]: old.follower, [`${URLS[2]}`]: old.follower }
  const watch = createContractWatch({ config, follower: chain.follower, firstStartedAt: GENESIS, followers })
  await watch.round()
  chain.rollBack(10)
  chain.mine(...empty(20))
  return { chain, old, watch }
}

describe('a reorg of blocks that were final', () => {
  test('is believed of a single endpoint, and counted as deep', async () => {
    const { watch } = await deep({})
    const round = await watch.round()

    expect(pings(watch)).toEqual([])
    expect(sample(round, 'evm_contract_deep_reorgs_total')).toBe(1)
  })

  test('is not believed while one of several endpoints alone says so: nothing is retracted, and it is said', async () => {
    const { watch } = await deep({ rpc_urls: URLS })
    const round = await watch.round()

    expect(pings(watch)).toEqual(['1'])
    expect(sample(round, 'evm_contract_reorg_disputed')).toBe(1)
    expect(JSON.stringify(round.status?.['notes'])).toContain('no other confirms it')
    expect(watch.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  test('is believed once most endpoints say so', async () => {
    const { watch, old } = await deep({ rpc_urls: URLS })
    await watch.round()
    old.rollBack(10)
    old.mine(...empty(20))
    const round = await watch.round()

    expect(pings(watch)).toEqual([])
    expect(sample(round, 'evm_contract_reorg_disputed')).toBe(0)
  })
})

describe('a backlog', () => {
  test('is read in bounded rounds, each of which says how much is left', async () => {
    const { chain, watch } = await setUp()
    chain.mine(
      ...Array.from({ length: 30 }, () => Array.from({ length: 1_000 }, (_, index) => ping(index))),
      ...empty(70),
    )
    chain.rangeMax = 5
    const rounds = await watch.rounds()

    expect(rounds.map((round) => sample(round, 'evm_contract_backfill_remaining_blocks'))).toEqual([80, 0])
    expect(rounds.map((round) => round.more)).toEqual([true, false])
    expect(pings(watch)).toHaveLength(30_000)
    expect(watch.standing.size).toBe(30_000)
  })

  test('that breaks off keeps what was read, and fails its part', async () => {
    const { chain, watch } = await setUp()
    chain.mine([ping(1)], ...empty(200), [ping(2)])
    chain.rangeMax = 50
    let asked = 0
    chain.before = (method) => {
      if (method !== 'logs') return
      asked += 1
      if (asked > 2) throw new OutsideError('rate-limited', 'too many requests', { retry: true })
    }
    const round = await watch.round()

    expect(round.parts['chain']).toMatchObject({ failed: { reason: 'rate-limited' } })
    expect(round.parts['endpoints']).toHaveProperty('samples')
    expect(round.height).toBe(100)
    expect(pings(watch)).toEqual(['1'])

    chain.before = () => undefined
    await watch.rounds()
    expect(pings(watch)).toEqual(['1', '2'])
  })

  test.each([
    { moment: 'after the position was found on the chain', question: 2, keeps: 50 },
    { moment: 'after the logs of a range were read', question: 3, keeps: 150 },
  ])('is not read from two branches when a reorg comes $moment', async ({ question, keeps }) => {
    const { chain, watch } = await setUp()
    chain.mine(...empty(300))
    chain.rangeMax = 100
    let asked = 0
    chain.before = (method) => {
      if (method !== 'logs') return
      asked += 1
      if (asked > 1) throw new OutsideError('rate-limited', 'too many requests', { retry: true })
    }
    expect((await watch.round()).height).toBe(100)
    // One more block, so that a guard is asked for anew: the second question, after that for the position.
    chain.mine([])
    chain.before = onceAt('blockByNumber', question, () => {
      chain.rollBack(301 - keeps)
      chain.mine(...empty(9), [ping(1)], ...empty(300))
    })
    await watch.rounds()
    await watch.rounds()

    expect([...watch.standing.values()].filter(({ name }) => name === 'Ping').map(({ height }) => height)).toEqual([
      keeps + 10,
    ])
  })

  test('asks for times only where logs bring none', async () => {
    const times = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS, hasLogTimes: false })
    const config = await contractConfig({ abi: ABI, start_block: 1 })
    const watch = createContractWatch({ config, follower: times.follower, firstStartedAt: GENESIS })
    times.mine([ping(1)], ...empty(100))
    await watch.rounds()

    expect([...watch.standing.values()].map(({ time }) => time)).toEqual([GENESIS + 1_000])
  })
})

describe('where following begins', () => {
  test('at present: what happened since the process started is read, although the node answered only now', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 'latest' }, firstStartedAt: GENESIS + 500_700 })
    chain.mine(...empty(499), [ping(1)], [ping(2)], ...empty(400), [ping(3)])
    watch.now = GENESIS + 903_000
    await watch.rounds()

    expect([...watch.standing.values()].map(({ args, isHistory }) => [args['n'], isHistory])).toEqual([
      ['1', false],
      ['2', false],
      ['3', false],
    ])
  })

  test('at present: what was there before is not read', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 'latest' }, firstStartedAt: GENESIS + 900_000 })
    chain.mine(...empty(499), [ping(1)])
    await watch.rounds()
    chain.mine([ping(2)])
    await watch.rounds()

    expect(pings(watch)).toEqual(['2'])
  })

  test('at present: a reorg below the start finds what moved there', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 'latest' }, firstStartedAt: GENESIS + 50_000 })
    chain.mine(...empty(49))
    await watch.round()
    chain.mine([ping(1)])
    await watch.round()
    chain.rollBack(5)
    chain.mine([ping(1)], ...empty(6))
    await watch.round()

    expect(pings(watch)).toEqual(['1'])
  })

  test('at a block: what is older than the first start is history', async () => {
    const { chain, watch } = await setUp({ firstStartedAt: GENESIS + 3_900 })
    chain.mine([ping(1)], [ping(2)], [ping(3)], [ping(4)])
    watch.now = GENESIS + 10_000
    await watch.round()
    chain.mine([ping(5)])
    await watch.round()

    expect([...watch.standing.values()].map(({ isHistory }) => isHistory)).toEqual([true, true, false, false, false])
  })

  test("at a block: a chain whose clock runs ahead has its history by the chain's clock", async () => {
    const { chain, watch } = await setUp({ firstStartedAt: GENESIS + 2_000 })
    chain.mine([ping(1)], ...empty(98), [ping(2)])
    watch.now = GENESIS + 2_500
    await watch.rounds()
    chain.mine([ping(3)])
    await watch.round()

    expect([...watch.standing.values()].map(({ isHistory }) => isHistory)).toEqual([true, false, false])
  })

  test('at a block: a clock that ran ahead before a late first contact makes no history of what happened since', async () => {
    const { chain, watch } = await setUp({ firstStartedAt: GENESIS + 2_000 })
    chain.mine([ping(1)], ...empty(2), [ping(2)], ...empty(60))
    watch.now = GENESIS + 12_000
    await watch.rounds()

    expect([...watch.standing.values()].map(({ isHistory }) => isHistory)).toEqual([true, false])
  })

  test('what a reorg brings below the first head is no history, but for what had been there before', async () => {
    const { chain, watch } = await setUp({ firstStartedAt: GENESIS + 2_000 })
    chain.mine(...empty(95), [ping(1)], [ping(2)], ...empty(2))
    watch.now = GENESIS + 2_500
    await watch.rounds()
    chain.rollBack(5)
    chain.mine([ping(3)], [ping(2)], ...empty(4))
    await watch.rounds()

    const found = [...watch.standing.values()].filter(({ name }) => name === 'Ping')
    expect(found.map(({ args, isHistory }) => [args['n'], isHistory])).toEqual([
      ['3', false],
      ['2', true],
    ])
  })

  test('at a block above the head: it says so, and goes on when the chain is there', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 5 } })
    chain.mine([ping(1)])
    const waiting = await watch.round()
    chain.mine(...empty(2), [ping(4)], [ping(5)])
    await watch.round()

    expect(waiting.status).toMatchObject({
      last_block: null,
      notes: ['start_block 5 is above the head: waiting for it'],
    })
    expect(pings(watch)).toEqual(['5'])
  })

  test('at genesis', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 0 } })
    chain.mine([ping(1)])
    await watch.round()

    expect(pings(watch)).toEqual(['1'])
  })
})

test('with confirmations the head is followed from behind, and a shallow reorg is never seen', async () => {
  const { chain, watch } = await setUp({ own: { confirmations: 3 } })
  chain.mine([ping(1)], [ping(2)], [ping(3)], [ping(4)])
  const round = await watch.round()
  expect(pings(watch)).toEqual(['1'])
  expect(round.height).toBe(1)

  chain.rollBack(3)
  chain.mine([ping(5)], ...empty(4))
  const after = await watch.round()

  expect(pings(watch)).toEqual(['1', '5'])
  expect(sample(after, 'evm_contract_reorgs_total')).toBe(0)
})

test('an ABI without events is followed without asking for logs', async () => {
  const owner = {
    type: 'function',
    name: 'owner',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
    stateMutability: 'view',
  }
  const { chain, watch } = await setUp({ own: { abi: [owner] } })
  chain.mine(...empty(200))
  const [round] = await watch.rounds()

  expect(round?.height).toBe(200)
  expect(chain.asked.get('logs')).toBeUndefined()
  expect(chain.asked.get('logsOfBlock')).toBeUndefined()
})

test('a log that does not fit the ABI is kept, counted and said', async () => {
  const { chain, watch } = await setUp()
  const short: Hex = '0x01'
  chain.mine([{ tx: 1, topics: [PING], data: short }, ping(2)])
  const round = await watch.round()

  expect(round.events).toMatchObject([
    { type: 'evm.undecodable', name: 'log_not_decoded', args: { event: 'Ping', topics: [PING], data: short } },
    { type: 'evm.log', name: 'Ping' },
  ])
  expect(sample(round, 'evm_contract_undecodable_logs_total')).toBe(1)
  expect(watch.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { message: 'logs do not fit the ABI' },
  ])
})

test('the cursor of a chain with thousands of unsettled blocks stays below 64 kB', async () => {
  const { chain, watch } = await setUp({ own: { reorg_depth: 100_000 } })
  for (let round = 0; round < 40; round += 1) {
    chain.mine(...empty(60))
    await watch.round()
  }

  const { marks } = parseCursor(watch.cursor)
  expect(JSON.stringify(watch.cursor).length).toBeLessThan(64_000)
  expect(marks.length).toBeGreaterThan(160)
  expect(marks[0]?.number).toBe(0)
})

test('a cursor that is not ours is refused rather than begun anew', () => {
  expect(() => parseCursor({ version: 2 })).toThrow(/version/)
})
