import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { type EvmContractConfig, evmContractSchema, instanceOf, subjectOf, thresholdsOf } from './config.ts'

const MINIMAL = {
  type: 'evm-contract',
  name: 'tesseract',
  rpc_urls: ['http://127.0.0.1:8545'],
  address: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  abi: './abi.json',
}

function parse(own: Readonly<Record<string, unknown>> = {}): EvmContractConfig {
  return evmContractSchema.parse({ ...MINIMAL, ...own })
}

describe('the keys of a contract', () => {
  test('have defaults for all but what it is and where', () => {
    expect(parse()).toMatchObject({
      interval: 2_000,
      timeout: 5_000,
      confirmations: 0,
      reorg_depth: 64,
      start_block: 'latest',
      events: 'all',
      reads: [],
      journeys: [],
      depends_on: [],
      alert_on_history: false,
    })
  })

  test('may be written short', () => {
    const config = parse({
      reads: ['owner', { name: 'balanceOf', args: ['0x01'], decimals: 18, as: 'deposit' }],
      journeys: [{ name: 'tx', key: 'id', start: 'A', ends: { done: 'B', lost: ['C', 'D'] }, deadline: '10m' }],
    })

    expect(config.reads).toEqual([
      { name: 'owner', args: [], decimals: 0, as: undefined },
      { name: 'balanceOf', args: ['0x01'], decimals: 18, as: 'deposit' },
    ])
    expect(config.journeys[0]).toMatchObject({ ends: { done: ['B'], lost: ['C', 'D'] }, deadline: 600_000 })
  })

  test.each([
    [{ rpc_urls: [] }, 'rpc_urls'],
    [{ rpc_urls: ['ftp://x'] }, 'rpc_urls.0'],
    [{ address: '0x12' }, 'address'],
    [{ abi: undefined }, 'abi'],
    [{ interval: '5m' }, 'interval'],
    [{ timeout: '11s' }, 'timeout'],
    [{ confirmation: 1 }, ''],
    [{ labels: { target: 'x' } }, 'labels'],
    [{ start_block: -1 }, 'start_block'],
    [{ journeys: [{ name: 'tx', key: 'id', start: 'A', ends: {} }] }, 'journeys.0.ends'],
    [{ journeys: [{ name: 'tx', key: 'id', start: 'A', ends: { expired: 'B' } }] }, 'journeys.0.ends.expired'],
    [{ journeys: [{ name: 'tx', key: 'id', start: 'A', ends: { b: 'B' }, buckets: [2, 1] }] }, 'journeys.0.buckets'],
    [{ reads: ['not a name'] }, 'reads.0'],
  ])('refuse %o at %s', (own, path) => {
    const parsed = evmContractSchema.safeParse({ ...MINIMAL, ...own })

    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
  })

  test('two journeys of one name are refused', () => {
    const journey = { name: 'tx', key: 'id', start: 'A', ends: { b: 'B' } }
    const parsed = evmContractSchema.safeParse({ ...MINIMAL, journeys: [journey, journey] })

    expect(parsed.error?.issues).toMatchObject([{ path: ['journeys', 1, 'name'], message: 'this name stands twice' }])
  })

  test('can be told as a JSON Schema, each with its description', () => {
    const schema = z.toJSONSchema(evmContractSchema, { io: 'input' })
    const lacking = Object.entries(schema.properties ?? {}).filter(
      ([, property]) => typeof property !== 'object' || property.description === undefined,
    )

    expect(lacking.map(([name]) => name)).toEqual([])
  })
})

test.each([
  ['http://127.0.0.1:8545', '127.0.0.1:8545'],
  ['https://rpc.example.org/v3/0123456789abcdef', 'rpc.example.org:443'],
  ['ws://node', 'node:80'],
  ['https://user:password@rpc.example.org', 'rpc.example.org:443'],
])('the instance of %s is %s', (url, instance) => {
  expect(instanceOf(parse({ rpc_urls: [url] }))).toBe(instance)
})

test('the subject changes with the chain and the address, and with nothing else', () => {
  const subject = subjectOf(parse({ chain_id: 1 }))

  expect(subject).toBe('1:0x5fbdb2315678afecb367f032d93f642f64180aa3')
  expect(subjectOf(parse({ chain_id: 1, address: MINIMAL.address.toLowerCase(), name: 'other' }))).toBe(subject)
  expect(subjectOf(parse({ chain_id: 2 }))).not.toBe(subject)
})

describe('thresholds', () => {
  test('watch the age of the head, but on development chains, which seal blocks on demand', () => {
    expect(thresholdsOf(parse({ chain_id: 1 }))['head_age_seconds']).toBe(300)
    expect(thresholdsOf(parse({ chain_id: 31_337 }))).not.toHaveProperty('head_age_seconds')
    expect(thresholdsOf(parse({ chain_id: 31_337, thresholds: { head_age: '30s' } }))['head_age_seconds']).toBe(30)
    expect(thresholdsOf(parse({ chain_id: 1, thresholds: { head_age: 0 } }))).not.toHaveProperty('head_age_seconds')
  })

  test('of a preset stand beside the common ones only with the preset', () => {
    expect(Object.keys(thresholdsOf(parse())).toSorted()).toEqual(['head_age_seconds', 'head_lag_blocks'])
    expect(thresholdsOf(parse({ preset: 'tesseract' }))).toMatchObject({
      tesseract_failure_ratio: 0.1,
      tesseract_success_ratio: 0.95,
      tesseract_resolution_seconds: 60,
      tesseract_transactions_per_minute: 1,
    })
  })
})
