import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { ByteReader, ByteWriter, DamageError } from './bytes.ts'
import { type Column, ColumnWriter, readColumn } from './column.ts'
import { PRESENT } from './head.ts'
import { OpenPart, PartEncoder } from './part.ts'

const decimal = fc
  .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 6 }))
  .map(([n, p]) => n / 10 ** p)
const natural = fc.integer({ min: 0, max: 2 ** 53 - 1 })
const values = fc.oneof(
  fc.array(fc.double(), { minLength: 1, maxLength: 60 }),
  fc.array(decimal, { minLength: 1, maxLength: 60 }),
  fc.array(natural, { minLength: 1, maxLength: 60 }),
  fc.array(fc.oneof(decimal, fc.constantFrom(Number.NaN, -0, 0, Infinity, -Infinity, 5e-324)), {
    minLength: 1,
    maxLength: 60,
  }),
)
const column = values.chain((list) =>
  fc
    .option(fc.array(fc.constantFrom(0, 1, 2), { minLength: list.length, maxLength: list.length }))
    .map((states): Column => ({
      values: Float64Array.from(list),
      states: states === null ? undefined : Uint8Array.from(states),
    })),
)

/** What a reader must get: the value where there is one, else what stands there instead. */
function meaning({ values: list, states }: Column): readonly (number | string)[] {
  return Array.from(list, (value, index) => {
    const state = states?.[index] ?? PRESENT
    return state === PRESENT ? value : `state ${state}`
  })
}

describe('a column', () => {
  test('comes back bit for bit, whatever its values and gaps', () => {
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 4 }), (columns) => {
        const writer = new ByteWriter(1)
        const columnWriter = new ColumnWriter()
        for (const one of columns) columnWriter.write(writer, one)
        const reader = new ByteReader(writer.written())

        for (const one of columns) expect(meaning(readColumn(reader, one.values.length))).toEqual(meaning(one))
        expect(reader.isAtEnd).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('a counter takes a byte a sample before deflate', () => {
    const writer = new ByteWriter()
    const counter = Float64Array.from({ length: 100 }, (_, index) => 1e12 + index * 200)
    new ColumnWriter().write(writer, { values: counter, states: undefined })

    expect(writer.length).toBeLessThan(112)
  })
})

describe('a part', () => {
  const part = new PartEncoder().encode({
    times: Float64Array.from([1000, 2000, 3001]),
    ids: [3, 9],
    columns: [
      { values: Float64Array.from([1, 2, 3]), states: undefined },
      { values: Float64Array.from([0.1, 0, 0.3]), states: Uint8Array.from([0, 1, 0]) },
    ],
    fields: 1,
  })

  test('gives back times, ids and columns', () => {
    const open = new OpenPart(part)

    expect([...open.times]).toEqual([1000, 2000, 3001])
    expect([open.find(3), open.find(9), open.find(4)]).toEqual([0, 1, -1])
    expect(meaning(open.column(1, 0))).toEqual([0.1, 'state 1', 0.3])
  })

  test('with any one bit flipped is refused', () => {
    fc.assert(
      fc.property(fc.nat(part.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(part)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))

        expect(() => new OpenPart(flipped)).toThrow(DamageError)
      }),
    )
  })

  test('cut short anywhere is refused', () => {
    for (let length = 0; length < part.length; length++) {
      expect(() => new OpenPart(part.subarray(0, length))).toThrow(DamageError)
    }
  })
})
