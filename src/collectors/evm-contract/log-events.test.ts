import { describe, expect, test } from 'vitest'

import type { EvmLog, Hex } from '../../chains/evm/index.ts'
import { createEventMaker, isSightingKey, type LogDecoder } from './log-events.ts'

const TEXT_MAX = 16_384

const decoder: LogDecoder = {
  topics: [],
  names: ['Ping'],
  decode: ({ data }) => (data === '0x' ? { kind: 'other' } : { kind: 'event', name: 'Ping', args: { text: data } }),
}
const word = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`

function log(own: Partial<EvmLog>): EvmLog {
  return {
    address: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
    topics: [],
    data: '0x01',
    blockNumber: 7,
    blockHash: word(7),
    transactionHash: word(1),
    transactionIndex: 0,
    logIndex: 0,
    ...own,
  }
}

function make(logs: readonly EvmLog[], history = { head: 0, beforeMs: 0 }) {
  return createEventMaker({ chainId: 5, decoder, history })(logs.map((item) => ({ log: item, timeMs: 1_000 })))
}

describe('an event of a log', () => {
  test('is named by its place for the sighting, and by its transaction for the fact', () => {
    const [event] = make([log({ logIndex: 3 })])

    expect(event).toMatchObject({
      key: `5:${word(7)}:3`,
      id: `5:${word(1)}:Ping:0`,
      height: 7,
      logIndex: 3,
      chainId: 5,
    })
    expect(event?.block).toEqual({ number: '7', hash: word(7), time: 1_000 })
  })

  test('of a name that a transaction emits several times is told apart by its order among them', () => {
    const events = make([
      log({ logIndex: 0 }),
      log({ logIndex: 1, data: '0x' }),
      log({ logIndex: 2 }),
      log({ logIndex: 3, transactionHash: word(2) }),
      log({ logIndex: 0, blockHash: word(8), blockNumber: 8, transactionHash: word(2) }),
    ])

    expect(events.map(({ id }) => id)).toEqual([
      `5:${word(1)}:Ping:0`,
      `5:${word(1)}:Ping:1`,
      `5:${word(2)}:Ping:0`,
      `5:${word(2)}:Ping:0`,
    ])
  })

  test('is another fact when the same transaction does something else to somebody else, but not at another time', () => {
    const about = (who: number, own: Partial<EvmLog> = {}) => log({ topics: [word(9), word(who)], ...own })
    const [first, elsewhere, later] = [[about(1)], [about(2)], [about(1, { blockHash: word(8), data: '0x01' })]].map(
      (logs) => make(logs)[0]?.id,
    )

    expect(elsewhere).not.toBe(first)
    expect(later).toBe(first)
  })

  test.each([
    { head: 7, beforeMs: 1_001, isHistory: true },
    { head: 6, beforeMs: 1_001, isHistory: false },
    { head: 7, beforeMs: 1_000, isHistory: false },
  ])('is history up to the first head and before the first start: $head, $beforeMs', ({ isHistory, ...history }) => {
    expect(make([log({})], history)[0]?.isHistory).toBe(isHistory)
  })

  test('holds no text that is longer than an alert can bear', () => {
    const [event] = make([log({ data: `0x${'ab'.repeat(TEXT_MAX)}` })])

    expect(JSON.stringify(event?.args).length).toBeLessThan(TEXT_MAX + 100)
    expect(event?.args['text']).toContain(`(${TEXT_MAX * 2 + 2} characters)`)
  })
})

test.each([
  [`5:${word(1)}:0`, true],
  [`6:${word(1)}:0`, false],
  [`5:reorg:${word(1)}:${word(2)}`, false],
  [`5:0x5fbdb2315678afecb367f032d93f642f64180aa3:owner:${word(1)}`, false],
])('%s is the key of a log: %s', (key, isOne) => {
  expect(isSightingKey(key, 5)).toBe(isOne)
})
