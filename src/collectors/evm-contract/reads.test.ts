import { describe, expect, test } from 'vitest'

import { compileAbi, type EvmAbi, type Hex } from '../../chains/evm/index.ts'
import type { ReadConfig } from './config.ts'
import {
  compileReads,
  findFunction,
  readChanges,
  type ReadOutcome,
  readOutcome,
  readSamples,
  rememberReads,
} from './reads.ts'
import { withPoint } from './with-point.ts'

const ADDRESS: Hex = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
const output = (type: string, name = '') => ({ name, type })
const view = (name: string, inputs: readonly string[], outputs: readonly object[]) => ({
  type: 'function',
  name,
  stateMutability: 'view',
  inputs: inputs.map((type) => ({ name: '', type })),
  outputs,
})

const abi = compiled([
  view('count', [], [output('uint256')]),
  view('paused', [], [output('bool')]),
  view('owner', [], [output('address')]),
  view('title', [], [output('string')]),
  view('balanceOf', ['address'], [output('uint256')]),
  view('balanceOf', ['address', 'uint256'], [output('uint256')]),
  view('pair', [], [output('uint256', 'left'), output('bool', 'right')]),
  { type: 'function', name: 'set', stateMutability: 'nonpayable', inputs: [], outputs: [output('bool')] },
])

function compiled(items: readonly object[]): EvmAbi {
  const result = compileAbi(items)
  if (result.kind === 'faults') throw new Error(result.faults.join())
  return result.abi
}

const read = (name: string, own: Partial<ReadConfig> = {}): ReadConfig => ({
  name,
  args: [],
  decimals: 0,
  as: undefined,
  ...own,
})
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

function outcomeOf(config: ReadConfig, data: Hex): ReadOutcome {
  const [one] = compileReads(abi, ADDRESS, [config])
  if (one === undefined) throw new Error('no read')
  return readOutcome(one, { kind: 'value', data }, () => undefined)
}

describe('what a view function answers', () => {
  test.each([
    [read('count'), word(42n), { function: 'count' }, 42],
    [read('count', { decimals: 18, as: 'deposit' }), word(1_500_000_000_000_000_000n), { function: 'deposit' }, 1.5],
    [read('paused'), word(1n), { function: 'paused' }, 1],
    [read('paused'), word(0n), { function: 'paused' }, 0],
    [read('balanceOf', { args: [ADDRESS] }), word(7n), { function: `balanceOf(${ADDRESS})` }, 7],
  ])('%o is a gauge', (config, data, labels, value) => {
    expect(readSamples([outcomeOf(config, data)])).toEqual([{ name: 'evm_contract_read', labels, value }])
  })

  test('that is a text is a label value of 1', () => {
    expect(readSamples([outcomeOf(read('owner'), word(BigInt(ADDRESS)))])).toEqual([
      {
        name: 'evm_contract_read_info',
        labels: { function: 'owner', value: '0x5FbDB2315678afecb367f032d93F642f64180aa3' },
        value: 1,
      },
    ])
  })

  test('with several outputs is one series for each', () => {
    const data: Hex = `${word(3n)}${word(1n).slice(2)}`

    expect(
      readSamples([outcomeOf(read('pair'), data)]).map(({ labels, value }) => [labels['function'], value]),
    ).toEqual([
      ['pair.left', 3],
      ['pair.right', 1],
    ])
  })

  test('is not supported where the data is not what the ABI promises, and then there is no sample', () => {
    const outcome = outcomeOf(read('count'), '0x')

    expect(outcome.kind).toBe('unsupported')
    expect(readSamples([outcome])).toEqual([])
  })

  test('is cut where it is longer than a label value may be', () => {
    const text = '61'.repeat(1_000)
    const data: Hex = `${word(32n)}${word(1_000n).slice(2)}${text.padEnd(2_048, '0')}`

    expect(readSamples([outcomeOf(read('title'), data)])[0]?.labels['value']).toHaveLength(256)
  })
})

test.each([
  ['1500000000000000000', 18, '1.5'],
  ['1', 18, '0.000000000000000001'],
  ['-25', 1, '-2.5'],
  ['100', 2, '1'],
  [
    '115792089237316195423570985008687907853269984665640564039457584007913129639935',
    0,
    '115792089237316195423570985008687907853269984665640564039457584007913129639935',
  ],
])('%s with %i decimals is %s', (integer, decimals, text) => {
  expect(withPoint(integer, decimals)).toBe(text)
})

describe('a configured function', () => {
  test.each([
    [read('nothing'), 'the ABI has no function nothing'],
    [read('set'), 'set is no view function that returns something'],
    [read('count', { args: [1] }), 'count() takes other arguments than 1'],
    [
      read('balanceOf', { args: ['0x12'] }),
      'balanceOf(address): 0x12 is no address: it has 2 digits after 0x, and an address has 40',
    ],
  ])('%o is refused', (config, fault) => {
    expect(findFunction(abi, config)).toEqual({ fault })
  })

  test('is the overload that takes as many arguments', () => {
    expect(findFunction(abi, read('balanceOf', { args: [ADDRESS, 1] }))).toMatchObject({
      found: { signature: 'balanceOf(address,uint256)' },
    })
  })
})

describe('a change', () => {
  const reads = compileReads(abi, ADDRESS, [read('owner'), read('paused'), read('count')])
  const owner = (value: bigint) => outcomeOf(read('owner'), word(value))

  test('of a text or a truth value is told, of a number it is not', () => {
    const before = rememberReads({}, reads, [
      owner(1n),
      outcomeOf(read('paused'), word(0n)),
      outcomeOf(read('count'), word(1n)),
    ])
    const now = [owner(2n), outcomeOf(read('paused'), word(1n)), outcomeOf(read('count'), word(2n))]

    expect(
      readChanges(before, now).map(({ label, before: old, after }) => [label, old.slice(-1), after.slice(-1)]),
    ).toEqual([
      ['owner', '1', '2'],
      ['paused', 'e', 'e'],
    ])
  })

  test('is measured against the last answer, however long there was none', () => {
    const [first] = reads
    if (first === undefined) throw new Error('no read')
    const silent = readOutcome(first, { kind: 'failed', reason: 'timeout', detail: '' }, () => undefined)
    const before = rememberReads(rememberReads({}, reads, [owner(1n)]), reads, [silent])

    expect(readChanges(before, [silent])).toEqual([])
    expect(readChanges(before, [owner(2n)])).toHaveLength(1)
  })

  test('of a function that is no longer read is forgotten', () => {
    const before = rememberReads({}, reads, [owner(1n)])

    expect(rememberReads(before, reads.slice(1), [])).toEqual({})
  })
})
