import { describe, expect, test } from 'vitest'

import { ADDRESS, contractConfig, createContractWatch } from '../../../test/support/contract-watch.ts'
import { createScriptedChain, type ScriptedLog } from '../../../test/support/scripted-chain.ts'
import { topicOf } from '../../chains/evm/abi.ts'
import type { EvmCallResult, Hex } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { Round } from '../collector.ts'
import { evmContract } from './index.ts'

const GENESIS = Date.UTC(2026, 0, 1)
const BUFFERED = topicOf('TransactionBuffered(bytes32,address,address,uint256)')
const SELECTORS = {
  owner: '0x8da5cb5b',
  paused: '0x5c975abb',
  transaction_count: '0xf7ff50e2',
  get_transaction_state: '0x5742f441',
} as const
const NAMES = ['owner', 'paused', 'transaction_count', 'get_transaction_state'] as const
const UNREACHABLE = new OutsideError('unreachable', 'node:8545 could not be reached: ECONNREFUSED', { retry: true })
const TX_ID = `0x${'ab'.repeat(32)}`

const word = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`
const value = (data: Hex): EvmCallResult => ({ kind: 'value', data })

function buffered(tx: number): ScriptedLog {
  return { tx, topics: [BUFFERED, word(tx), word(0xaa), word(0xbb)], data: word(1) }
}

interface SetUp {
  readonly own?: Readonly<Record<string, unknown>>
  readonly answers?: Partial<Record<keyof typeof SELECTORS, EvmCallResult>>
}

async function setUp({ own = {}, answers = {} }: SetUp = {}) {
  const chain = createScriptedChain({ address: ADDRESS, genesisTimeMs: GENESIS })
  const answering: Partial<Record<keyof typeof SELECTORS, EvmCallResult>> = { ...answers }
  chain.answer = (call, _, blocks) => {
    const selector = call.data.slice(0, 10)
    const scripted = NAMES.map((name) => (SELECTORS[name] === selector ? answering[name] : undefined)).find(Boolean)
    if (scripted !== undefined) return scripted
    if (selector === SELECTORS.transaction_count) return value(word(blocks.flatMap(({ logs }) => logs).length))
    return { kind: 'unsupported', detail: 'execution reverted' }
  }
  const config = await contractConfig({ preset: 'tesseract', start_block: 1, ...own })
  const watch = createContractWatch({ config, follower: chain.follower, firstStartedAt: GENESIS })
  return { chain, watch, answering }
}

function partOf(round: Round, part: string): Readonly<Record<string, number>> | undefined {
  const result = round.parts[part]
  if (result === undefined || 'failed' in result) return undefined
  return Object.fromEntries(
    result.samples.map((sample) => [[sample.name, ...Object.values(sample.labels)].join(' '), sample.value]),
  )
}

describe('view functions', () => {
  test('that a contract does not support are no sample and no failure, but null with the reason', async () => {
    const { watch } = await setUp({ answers: { owner: value(word(0xaa)) } })
    const round = await watch.round()

    expect(partOf(round, 'reads')).toEqual({
      evm_contract_exists: 1,
      'evm_contract_read_info owner 0x00000000000000000000000000000000000000AA': 1,
      'evm_contract_read transaction_count': 0,
      tesseract_transaction_count: 0,
    })
    expect(round.status).toMatchObject({
      paused: null,
      transaction_count: 0,
      reasons: { paused: 'not supported by the contract: execution reverted' },
    })
  })

  test('that cannot be read fail their own part, and take no counter with them', async () => {
    const failed: EvmCallResult = { kind: 'failed', reason: 'timeout', detail: 'no answer within 5000 ms' }
    const { chain, watch } = await setUp({ answers: { owner: value(word(0xaa)), paused: failed } })
    chain.mine([buffered(1)])
    const round = await watch.round()

    expect(round.parts['reads']).toMatchObject({ failed: { reason: 'timeout' } })
    expect(partOf(round, 'chain')).toMatchObject({ 'evm_contract_events_total TransactionBuffered': 1 })
    expect(round.status).toMatchObject({
      owner: '0x00000000000000000000000000000000000000AA',
      paused: null,
      reasons: { paused: 'could not be read: no answer within 5000 ms' },
    })
  })

  test('a change of the owner is an event with the old and the new, once', async () => {
    const { chain, watch, answering } = await setUp({ answers: { owner: value(word(0xaa)) } })
    await watch.round()
    answering.owner = value(word(0xbb))
    chain.mine([])
    const changed = await watch.round()
    const after = await watch.round()

    expect(changed.events).toMatchObject([
      {
        type: 'evm.read_changed',
        args: {
          function: 'owner',
          old: '0x00000000000000000000000000000000000000AA',
          new: '0x00000000000000000000000000000000000000bb',
        },
      },
    ])
    expect(after.events).toEqual([])
  })

  test('where there is no contract nothing is read, and that is said', async () => {
    const { chain, watch } = await setUp({ answers: { transaction_count: value('0x') } })
    chain.hasCode = false
    const round = await watch.round()

    expect(partOf(round, 'reads')).toEqual({ evm_contract_exists: 0 })
    expect(round.status).toMatchObject({ contract_exists: false, notes: [`there is no contract at ${checksummed()}`] })
  })
})

describe('the self-check', () => {
  const name = 'evm_contract_self_check_mismatch TransactionBuffered'

  test('finds nothing where every log is seen, through a reorg as well', async () => {
    const { chain, watch } = await setUp()
    chain.mine([buffered(1)], [buffered(2)], [buffered(3)])
    expect(partOf(await watch.round(), 'self_check')).toEqual({ [name]: 0 })
    chain.rollBack(2)
    chain.mine([], [], [buffered(9)])

    expect(partOf(await watch.round(), 'self_check')).toEqual({ [name]: 0 })
  })

  test('finds the logs that a node left out', async () => {
    const { chain, watch } = await setUp()
    chain.mine([buffered(1)])
    await watch.round()
    chain.isHidingLogs = true
    chain.mine([buffered(2), buffered(3)])
    const round = await watch.round()

    expect(partOf(round, 'self_check')).toEqual({ [name]: 2 })
  })

  test('counts from where following began, not from the first transaction', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 3 } })
    chain.mine([buffered(1)], [buffered(2)], [buffered(3)])

    expect(partOf(await watch.round(), 'self_check')).toEqual({ [name]: 0 })
  })

  test('begins at the head where the node has dropped the state of the start', async () => {
    const { chain, watch } = await setUp({ own: { start_block: 2 } })
    chain.mine([buffered(1)], [buffered(2)])
    const { answer } = chain
    chain.answer = (call, block, blocks) =>
      block.number < 2
        ? { kind: 'failed', reason: 'rejected', detail: 'missing trie node' }
        : answer(call, block, blocks)

    expect(partOf(await watch.round(), 'self_check')).toEqual({ [name]: 0 })
  })

  test('fails as a part of its own where the counter cannot be asked for', async () => {
    const { chain, watch } = await setUp({ own: { confirmations: 1 } })
    chain.mine([buffered(1)], [])
    const { answer } = chain
    await watch.round()
    chain.mine([buffered(2)], [])
    chain.answer = (call, block, blocks) =>
      block.number < 4
        ? { kind: 'failed', reason: 'rejected', detail: 'missing trie node' }
        : answer(call, block, blocks)
    const round = await watch.round()

    expect(round.parts['self_check']).toMatchObject({ failed: { reason: 'rejected' } })
    expect(partOf(round, 'reads')).toBeDefined()
    expect(partOf(round, 'chain')).toBeDefined()
  })
})

async function blind() {
  const scene = await setUp()
  scene.chain.mine([buffered(1)])
  await scene.watch.round()
  scene.chain.failure = UNREACHABLE
  return scene
}

describe('when no endpoint answers', () => {
  test('every part but the endpoints fails, and the cursor stays', async () => {
    const { watch } = await blind()
    const { cursor } = watch
    const round = await watch.round()

    expect(Object.entries(round.parts).map(([part, result]) => [part, 'failed' in result])).toEqual([
      ['chain', true],
      ['endpoints', false],
      ['reads', true],
      ['self_check', true],
    ])
    expect(watch.cursor).toEqual(cursor)
    expect(round.more).toBe(false)
  })

  test('status has null and a reason for all that could not be seen', async () => {
    const { watch } = await blind()
    const { status } = await watch.round()
    const reason = 'node:8545 could not be reached: ECONNREFUSED'

    expect(status).toMatchObject({
      timestamp: new Date(GENESIS).toISOString(),
      connected: false,
      contract_exists: null,
      owner: null,
      paused: null,
      transaction_count: null,
      block_number: null,
      last_block: 1,
      reasons: {
        connected: reason,
        contract_exists: reason,
        owner: reason,
        paused: reason,
        transaction_count: reason,
        block_number: reason,
      },
    })
  })

  test('the very first round keeps a cursor from which following can begin', async () => {
    const { chain, watch } = await setUp()
    chain.mine([buffered(1)])
    chain.failure = UNREACHABLE
    await watch.round()
    chain.failure = undefined
    await watch.round()

    expect(watch.standing.size).toBe(1)
  })
})

describe("the names of a Tesseract transaction's states", () => {
  test.each([
    [1, 'BUFFERED'],
    [2, 'BUFFERED'],
  ])('are known once a transaction was seen to be buffered and in state %i', async (state, name) => {
    const reads = [{ name: 'get_transaction_state', args: [TX_ID], as: 'state' }]
    const { chain, watch } = await setUp({ own: { reads }, answers: { get_transaction_state: value(word(state)) } })
    chain.mine([])
    const before = await watch.round()
    chain.mine([buffered(1)])
    await watch.round()
    const after = await watch.round()

    expect(partOf(before, 'reads')).toMatchObject({ 'evm_contract_read state': state })
    expect(partOf(after, 'reads')).toMatchObject({ [`evm_contract_read_info state ${name}`]: 1 })
  })
})

test('every sample is in the table of metrics, with the labels it says', async () => {
  const { chain, watch } = await setUp({ answers: { owner: value(word(1)), paused: value(word(1)) } })
  chain.mine([buffered(1)])
  const round = await watch.round()
  const samples = Object.values(round.parts).flatMap((part) => ('samples' in part ? part.samples : []))

  expect(samples.length).toBeGreaterThan(30)
  const unlike = samples.filter(({ name, labels }) => {
    const declared = evmContract.metrics[name]
    return declared === undefined || Object.keys(labels).join() !== (declared.labels ?? []).join()
  })
  expect(unlike).toEqual([])
})

test('every event is of a type in the table, and its arguments fit it', async () => {
  const { chain, watch, answering } = await setUp({ answers: { owner: value(word(1)) } })
  chain.mine([buffered(1), { ...buffered(2), data: '0x' }], [])
  await watch.round()
  answering.owner = value(word(2))
  chain.rollBack(1)
  chain.mine([], [])
  await watch.round()
  const events = [...watch.standing.values()]

  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(Object.keys(evmContract.events)))
  expect(events.filter(({ type, args }) => evmContract.events[type]?.args.safeParse(args).success !== true)).toEqual([])
})

function checksummed(): string {
  return '0x5FbDB2315678afecb367f032d93F642f64180aa3'
}
