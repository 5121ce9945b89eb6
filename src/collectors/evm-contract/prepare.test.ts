import { describe, expect, test } from 'vitest'

import { contractConfig } from '../../../test/support/contract-watch.ts'
import { compileAbi } from '../../chains/evm/index.ts'
import { ConfigError } from '../../lib/errors.ts'

const EVENT = { type: 'event', name: 'Started', inputs: [{ name: 'id', type: 'uint256', indexed: true }] }
const END = { type: 'event', name: 'Ended', inputs: [{ name: 'key', type: 'uint256', indexed: true }] }
const HIDDEN = { type: 'event', name: 'Hidden', anonymous: true, inputs: [] }
const COUNT = {
  type: 'function',
  name: 'count',
  stateMutability: 'view',
  inputs: [],
  outputs: [{ name: '', type: 'uint256' }],
}
const OWNER = {
  type: 'function',
  name: 'owner',
  stateMutability: 'view',
  inputs: [],
  outputs: [{ name: '', type: 'address' }],
}
const ABI = [EVENT, END, HIDDEN, COUNT, OWNER]

async function faultsOf(own: Readonly<Record<string, unknown>>, file?: string): Promise<readonly string[]> {
  try {
    await contractConfig({ abi: ABI, ...own }, async (path) => {
      if (file === undefined) throw new ConfigError([{ message: `the file ${path} cannot be read` }])
      return file
    })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
}

describe('what a configuration names is compared with the ABI', () => {
  test.each([
    [{ events: ['Started', 'Gone'] }, 'events[1]: the ABI has no event Gone'],
    [
      { events: ['Hidden'] },
      'events[0]: the event Hidden is anonymous: its logs carry no topic by which they could be found',
    ],
    [{ reads: ['gone'] }, 'reads[0]: the ABI has no function gone'],
    [{ reads: ['count', { name: 'count' }] }, 'reads[1]: count is read twice: give one of them another name with `as`'],
    [
      { journeys: [{ name: 'tx', key: 'id', start: 'Gone', ends: { done: 'Started' } }] },
      'journeys[0].start: the ABI has no event Gone',
    ],
    [
      { journeys: [{ name: 'tx', key: 'id', start: 'Started', ends: { done: 'Ended' } }] },
      'journeys[0].key: Ended(uint256) has no argument id',
    ],
    [{ self_check: { counter: 'gone', event: 'Started' } }, 'self_check.counter: the ABI has no function gone'],
    [{ self_check: { counter: 'owner', event: 'Started' } }, 'self_check.counter: owner() does not return a number'],
    [{ self_check: { counter: 'count', event: 'Gone' } }, 'self_check.event: the ABI has no event Gone'],
    [
      { address: '0x5fbdB2315678afecb367f032d93F642f64180aa3' },
      'address: 0x5fbdB2315678afecb367f032d93F642f64180aa3 has a wrong checksum, so a digit or a capital may be mistyped: if every digit is right, it is written 0x5FbDB2315678afecb367f032d93F642f64180aa3',
    ],
  ])('%o', async (own, fault) => {
    expect(await faultsOf(own)).toEqual([fault])
  })

  test('and every fault is told at once', async () => {
    expect(await faultsOf({ events: ['Gone'], reads: ['gone'] })).toHaveLength(2)
  })
})

describe('a file with the ABI', () => {
  const path = { abi: './x.json' }

  test.each([
    ['an array', JSON.stringify(ABI)],
    ['an artifact', JSON.stringify({ contractName: 'X', abi: ABI, bytecode: '0x' })],
  ])('may be %s', async (_, text) => {
    const config = await contractConfig(path, async () => text)

    expect(config.abi).toEqual(ABI)
  })

  test.each([
    ['{', /^abi: \.\/x\.json is no JSON/],
    ['{"abi": 1}', /^abi: \.\/x\.json is no ABI/],
    ['[1]', /^abi: \.\/x\.json is no ABI/],
    ['[{"type":"event","name":"X","inputs":[{"type":"uint7"}]}]', /uint7/],
    [undefined, /^abi: the file \.\/x\.json cannot be read/],
  ])('%s is refused with a sentence', async (text, sentence) => {
    expect((await faultsOf(path, text)).join('\n')).toMatch(sentence)
  })
})

describe('what stands for itself', () => {
  test('owner, paused and transaction_count are read where the ABI has them', async () => {
    const config = await contractConfig({ abi: ABI, reads: ['count'] })

    expect(config.reads.map(({ name }) => name)).toEqual(['count', 'owner'])
  })

  test('events that a journey needs are followed beside those that were chosen', async () => {
    const config = await contractConfig({
      abi: ABI,
      events: ['Ended'],
      journeys: [{ name: 'tx', key: 'id', start: 'Started', ends: { again: 'Started' } }],
    })

    expect(config.events).toEqual(['Ended', 'Started'])
  })
})

describe('preset: tesseract', () => {
  /** facts of both published generations: the first topics of their logs. */
  const TOPICS = {
    '0x82f04bca3c86d80210a78dfa27d4cb42b598d7affde61ee6023e07d07b94e2d9': 'TransactionBuffered',
    '0x3db219f671440fd1cd8dc231c95535f84e7861603be08ed614224c240b33b32e': 'TransactionBuffered',
    '0x4fe734ce83839d4373098e81ed34170e439d9610e6014da41e0a552835ae0cd5': 'TransactionReady',
    '0xf021a9b06fba27725197cb7b74999e773e9703c15ba4a03179a5cedb0364d329': 'TransactionReady',
    '0xa3897ec9f635f9e079f0cc337815d014bf44b6ea44b6a6fe16660183bf4cf4d8': 'TransactionFailed',
    '0x42b7f8b3da320241d0fa06d1b0739d36ede82cd40b4bfaa12ee25531b907617a': 'TransactionFailed',
    '0x6eae7d8f48015fddc9502717696ac737bec3d20c703c3958a689f8f485747183': 'EmergencyPause',
    '0x3fc6beefa3f4115babe1a3d46940222e37b39b9ef03dc7b79f832dbcc3da6abf': 'EmergencyUnpause',
    '0xb92d650715ff56d9af3c89dc08e4147a609c7fbe071dd579566bae9b298295e8': 'TransactionRevealed',
    '0xbb5f4318b4889dcf512f569fc82fbcbea51ba0418ecb8fb5f7230b1fa02f5d27': 'TransactionRefunded',
    '0x9c7742d412e3073fec7bc51613be7a6ec31e4a93366f6988416a81372aef5044': 'SwapGroupCreated',
    '0x91ed0279dd5202d225cf02767cbbf360e68c542539918dc5e413d43c1d82d4ed': 'SwapGroupCompleted',
    '0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d': 'RoleGranted',
  }

  test('knows both generations of the contract by their topics and selectors', async () => {
    const config = await contractConfig({ preset: 'tesseract' })
    const compiled = compileAbi(config.abi)
    if (compiled.kind === 'faults') throw new Error(compiled.faults.join())

    expect(Object.fromEntries(compiled.abi.events.map(({ topic, name }) => [topic, name]))).toMatchObject(TOPICS)
    expect(Object.fromEntries(compiled.abi.functions.map(({ name, selector }) => [name, selector]))).toMatchObject({
      owner: '0x8da5cb5b',
      paused: '0x5c975abb',
      transaction_count: '0xf7ff50e2',
      coordination_window: '0x779d563c',
      circuit_breaker_active: '0xb7001013',
      get_transaction_state: '0x5742f441',
    })
    expect(new Set(compiled.abi.functions.map(({ signature }) => signature)).size).toBe(compiled.abi.functions.length)
  })

  test('brings its journey, its reads and its self-check; what the operator says of them counts', async () => {
    const config = await contractConfig({ preset: 'tesseract' })
    const own = { name: 'transaction', key: 'tx_id', start: 'TransactionBuffered', ends: { ready: 'TransactionReady' } }
    const changed = await contractConfig({ preset: 'tesseract', journeys: [own], self_check: false })

    expect(config.journeys).toMatchObject([{ name: 'transaction', deadline: 600_000 }])
    expect(config.self_check).toEqual({ counter: 'transaction_count', event: 'TransactionBuffered' })
    expect(config.reads.map(({ name }) => name)).toEqual([
      'owner',
      'paused',
      'transaction_count',
      'coordination_window',
      'circuit_breaker_active',
    ])
    expect(changed.journeys).toHaveLength(1)
    expect(changed.journeys[0]?.deadline).toBeUndefined()
    expect(changed.self_check).toBe(false)
  })

  test("stands behind the operator's own ABI", async () => {
    const own = { ...EVENT, name: 'TransactionReady', inputs: [{ name: 'tx_id', type: 'bytes32', indexed: false }] }
    const config = await contractConfig({ preset: 'tesseract', abi: [own] })

    const ready = (Array.isArray(config.abi) ? config.abi : []).filter((item) => item['name'] === 'TransactionReady')
    expect(ready).toHaveLength(2)
    expect(ready[0]).toEqual(own)
  })
})
