import fc from 'fast-check'
import { decodeAbiParameters, encodeAbiParameters, encodeEventTopics, encodeFunctionData, parseAbi } from 'viem/utils'
import { describe, expect, test } from 'vitest'

import type { Json } from '../../lib/json.ts'
import { topicOf } from './abi.ts'
import {
  type AbiEvent,
  type AbiFunction,
  compileAbi,
  decodeResult,
  encodeCall,
  type EvmAbi,
  eventDecoder,
  type Hex,
} from './index.ts'

/** A value of some type in three writings: the ABI's parameter, what viem takes for it, and what we make of it. */
interface Sample {
  readonly parameter: { readonly type: string; readonly components?: readonly Component[] }
  readonly native: unknown
  readonly json: Json
}

interface Component {
  readonly name: string
  readonly type: string
  readonly components?: readonly Component[]
}

const hexText = (size: { minLength: number; maxLength: number }) =>
  fc.uint8Array(size).map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)

const integers = fc.integer({ min: 1, max: 32 }).chain((bytes) => {
  const bits = bytes * 8
  const half = 2n ** BigInt(bits - 1)
  const sample = (type: string) => (value: bigint) => ({
    parameter: { type },
    // viem takes and gives numbers up to 48 bits.
    native: bits <= 48 ? Number(value) : value,
    json: value.toString(),
  })
  return fc.oneof(
    fc.bigInt({ min: 0n, max: half * 2n - 1n }).map(sample(`uint${bits}`)),
    fc.bigInt({ min: -half, max: half - 1n }).map(sample(`int${bits}`)),
  )
})

const leaves: fc.Arbitrary<Sample> = fc.oneof(
  integers,
  fc.boolean().map((value) => ({ parameter: { type: 'bool' }, native: value, json: value })),
  fc.string({ maxLength: 80 }).map((value) => ({ parameter: { type: 'string' }, native: value, json: value })),
  hexText({ minLength: 0, maxLength: 80 }).map((value) => ({
    parameter: { type: 'bytes' },
    native: value,
    json: value,
  })),
  fc.integer({ min: 1, max: 32 }).chain((size) =>
    hexText({ minLength: size, maxLength: size }).map((value) => ({
      parameter: { type: `bytes${size}` },
      native: value,
      json: value,
    })),
  ),
)

const samples: fc.Arbitrary<Sample> = fc.letrec<{ sample: Sample; list: Sample; tuple: Sample }>((tie) => ({
  sample: fc.oneof({ maxDepth: 3 }, leaves, tie('list'), tie('tuple')),
  list: fc.tuple(tie('sample'), fc.integer({ min: 0, max: 4 }), fc.boolean()).map(([element, length, isFixed]) => ({
    parameter: { ...element.parameter, type: `${element.parameter.type}[${isFixed && length > 0 ? length : ''}]` },
    native: Array.from({ length }, () => element.native),
    json: Array.from({ length }, () => element.json),
  })),
  tuple: fc.array(tie('sample'), { minLength: 1, maxLength: 3 }).map((fields) => ({
    parameter: {
      type: 'tuple',
      components: fields.map(({ parameter }, index) => ({ ...parameter, name: `f${index}` })),
    },
    native: Object.fromEntries(fields.map(({ native }, index) => [`f${index}`, native])),
    json: Object.fromEntries(fields.map(({ json }, index) => [`f${index}`, json])),
  })),
})).sample

function compiled(abi: unknown): EvmAbi {
  const result = compileAbi(abi)
  if (result.kind === 'faults') throw new Error(result.faults.join('\n'))
  return result.abi
}

function eventOf(signature: string): AbiEvent {
  const [event] = compiled(parseAbi([signature])).events
  if (event === undefined) throw new Error(`no event in ${signature}`)
  return event
}

function functionOf(abi: unknown): AbiFunction {
  const [found] = compiled(abi).functions
  if (found === undefined) throw new Error('no function')
  return found
}

function isHexText(text: string): text is Hex {
  return text.startsWith('0x')
}

function hex(text: string): Hex {
  if (!isHexText(text)) throw new Error(text)
  return text
}

describe('values of any type', () => {
  test('are read as viem wrote them, and written as viem writes them', () => {
    fc.assert(
      fc.property(fc.array(samples, { minLength: 1, maxLength: 4 }), (values) => {
        const parameters = values.map(({ parameter }, index) => ({ ...parameter, name: `v${index}` }))
        const encoded = encodeAbiParameters(
          parameters,
          values.map(({ native }) => native),
        )
        const called = functionOf([{ type: 'function', name: 'f', inputs: parameters, outputs: parameters }])

        const written = encodeCall(
          called,
          values.map(({ json }) => json),
        )
        const read = decodeResult(called, encoded)

        expect(`0x${written.slice(10)}`).toBe(encoded)
        expect(read).toEqual({
          kind: 'values',
          values: Object.fromEntries(values.map(({ json }, index) => [`v${index}`, json])),
        })
      }),
      { numRuns: 400 },
    )
  })

  test('cut off anywhere are a fault or another value, never an exception', () => {
    fc.assert(
      fc.property(samples, fc.nat({ max: 400 }), (sample, cut) => {
        const parameters = [{ ...sample.parameter, name: 'v' }]
        const encoded = encodeAbiParameters(parameters, [sample.native])
        const called = functionOf([{ type: 'function', name: 'f', outputs: parameters }])

        expect(['values', 'fault']).toContain(decodeResult(called, hex(encoded.slice(0, 2 + cut * 2))).kind)
      }),
      { numRuns: 300 },
    )
  })

  test('of random bytes are a fault or a value, never an exception', () => {
    const called = functionOf(parseAbi(['function f() view returns (string[][] a, (bytes b, uint8[3][] c)[] d)']))
    fc.assert(
      fc.property(hexText({ minLength: 0, maxLength: 600 }), (data) => {
        expect(['values', 'fault']).toContain(decodeResult(called, data).kind)
      }),
    )
  })

  test('that unfold into more than a few words promise are refused', () => {
    const called = functionOf(parseAbi(['function f() view returns (uint256[][][][][] bomb)']))
    // Every word is the length of a list of 32 whose elements all lie at the next word: 32^5 values out of 2.5 kB.
    const data = hex(`0x${(32).toString(16).padStart(64, '0').repeat(80)}`)

    expect(decodeResult(called, data).kind).toBe('fault')
  })

  test('keep addresses checksummed', () => {
    const called = functionOf(parseAbi(['function owner() view returns (address)']))
    const data = hex(`0x${'5ff137d4b0fdcd49dca30c7cf57e578a026d2789'.padStart(64, '0')}`)

    expect(decodeResult(called, data)).toEqual({
      kind: 'values',
      values: { arg0: decodeAbiParameters([{ type: 'address' }], data)[0] },
    })
  })
})

describe('arguments of a call', () => {
  const called = functionOf(parseAbi(['function f(uint8 small, address who, bytes4 tag, bool[2] flags) view']))
  const who = '0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789'

  test('give the call data viem gives', () => {
    const ours = encodeCall(called, [255, who, '0x01020304', [true, false]])

    const abi = parseAbi(['function f(uint8 small, address who, bytes4 tag, bool[2] flags) view'])
    expect(ours).toBe(encodeFunctionData({ abi, args: [255, who, '0x01020304', [true, false]] }))
  })

  test.each<readonly [string, readonly Json[]]>([
    ['256 is no uint8', [256, who, '0x01020304', [true, false]]],
    ['-1 is no uint8', [-1, who, '0x01020304', [true, false]]],
    ['"abc" is no uint8', ['abc', who, '0x01020304', [true, false]]],
    ['an address starts with 0x', [1, 'somebody', '0x01020304', [true, false]]],
    ['wrong checksum', [1, who.replace('FF', 'fF'), '0x01020304', [true, false]]],
    ['"0x01" is no bytes4', [1, who, '0x01', [true, false]]],
    ['[true] is no bool[2]', [1, who, '0x01020304', [true]]],
    ['4 values are needed and 1 are given', [1]],
  ])('that do not fit say so: %s', (words, args) => {
    expect(() => encodeCall(called, args)).toThrow(words)
  })
})

describe('an event', () => {
  const event = eventOf(
    'event Moved(address indexed who, string indexed label, int16 indexed by, uint256 amount, string note)',
  )
  const [topic, ...topics] = encodeEventTopics({
    abi: parseAbi([
      'event Moved(address indexed who, string indexed label, int16 indexed by, uint256 amount, string note)',
    ]),
    args: { who: '0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789', label: 'a label', by: -3 },
  })
  const indexed = topics.map((text) => hex(String(text)))
  const data = encodeAbiParameters([{ type: 'uint256' }, { type: 'string' }], [10n ** 30n, 'ünïcode'])

  test('is read in the order of its inputs, with the hash of an indexed text', () => {
    const decoded = eventDecoder(event)({ topics: [topic, ...indexed], data })

    expect(decoded).toEqual({
      kind: 'values',
      values: {
        who: '0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789',
        label: indexed[1],
        by: '-3',
        amount: '1000000000000000000000000000000',
        note: 'ünïcode',
      },
    })
    expect(Object.keys(decoded.kind === 'values' ? decoded.values : {})).toEqual([
      'who',
      'label',
      'by',
      'amount',
      'note',
    ])
  })

  test('with fewer topics than its inputs is a fault in words', () => {
    const decoded = eventDecoder(event)({ topics: [event.topic, ...indexed.slice(1)], data })

    expect(decoded).toEqual({ kind: 'fault', fault: `the log has 3 topics, and ${event.signature} has 4` })
  })

  test('with data that is cut off is a fault in words', () => {
    expect(eventDecoder(event)({ topics: [event.topic, ...indexed], data: hex(data.slice(0, 100)) })).toMatchObject({
      kind: 'fault',
    })
  })

  test.each([
    [
      'event TransactionBuffered(bytes32 indexed tx_id, address indexed origin_rollup, address indexed target_rollup, uint256 timestamp)',
      '0x82f04bca3c86d80210a78dfa27d4cb42b598d7affde61ee6023e07d07b94e2d9',
    ],
    [
      'event TransactionReady(bytes32 indexed tx_id)',
      '0x4fe734ce83839d4373098e81ed34170e439d9610e6014da41e0a552835ae0cd5',
    ],
  ])('%s has its topic', (signature, expected) => {
    expect(eventOf(signature).topic).toBe(expected)
    expect(topicOf(eventOf(signature).signature)).toBe(expected)
  })
})

describe('an ABI', () => {
  test('may be an artifact', () => {
    const abi = parseAbi(['event A(uint256 x)', 'function b() view returns (bool)', 'error C()'])

    expect(compiled({ contractName: 'X', abi, bytecode: '0x' })).toEqual(compiled(abi))
  })

  test('may leave inputs unnamed, or give two of them one name', () => {
    const event = eventOf('event A(uint256, uint256 x, bool)')
    const [twice] = compiled([
      {
        type: 'event',
        name: 'B',
        inputs: [
          { name: 'x', type: 'bool' },
          { name: 'x', type: 'bool' },
        ],
      },
    ]).events

    expect(event.inputs.map((input) => input.name)).toEqual(['arg0', 'x', 'arg2'])
    expect(twice?.inputs.map((input) => input.name)).toEqual(['x', 'arg1'])
  })

  test('leaves anonymous events out, which have no topic to know them by', () => {
    const abi = [
      { type: 'event', name: 'A', inputs: [], anonymous: true },
      { type: 'event', name: 'B', inputs: [] },
    ]

    expect(compiled(abi).events.map((event) => event.name)).toEqual(['B'])
  })

  test.each<readonly [string, unknown, string]>([
    ['a number', 7, 'this is no ABI'],
    ['an object', { abi: 'x' }, 'this is no ABI'],
    ['nothing', [], 'neither a function nor an event'],
    [
      'a wrong type',
      [{ type: 'event', name: 'A', inputs: [{ type: 'uint265' }] }],
      '(event A): the type uint265 does not exist',
    ],
    ['no name', [{ type: 'event', inputs: [] }], '(event ?): it has no name'],
    ['no inputs list', [{ type: 'event', name: 'A', inputs: 'x' }], 'entry 1 of the ABI is not understood: inputs'],
    [
      'nesting without end',
      [{ type: 'function', name: 'f', inputs: [{ type: `uint${'[]'.repeat(60)}` }] }],
      'nested deeper',
    ],
    [
      'four indexed',
      [{ type: 'event', name: 'A', inputs: Array.from({ length: 4 }, () => ({ type: 'bool', indexed: true })) }],
      'at most 3 indexed',
    ],
  ])('of %s is refused in words', (_, abi, words) => {
    const result = compileAbi(abi)

    expect(result.kind).toBe('faults')
    expect(result.kind === 'faults' ? result.faults.join('\n') : '').toContain(words)
  })

  test('tells every fault, not only the first', () => {
    const result = compileAbi([
      { type: 'event', name: 'A', inputs: [{ type: 'x' }] },
      { type: 'event', name: 'B', inputs: [{ type: 'y' }] },
    ])

    expect(result.kind === 'faults' ? result.faults : []).toHaveLength(2)
  })
})
