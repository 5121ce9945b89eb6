import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { DamageError } from './bytes.ts'
import { type EntryKind, LogWriter, readLogRow } from './log-row.ts'

const sample = fc.record({
  id: fc.nat(1_000_000),
  value: fc.oneof(fc.double(), fc.maxSafeInteger()),
  isStale: fc.boolean(),
})
const entry = fc.record({
  kind: fc.constantFrom<EntryKind>('round', 'loose'),
  scope: fc.nat(1000),
  at: fc.maxSafeInteger().filter((at) => Math.abs(at) < 2 ** 50),
  samples: fc.array(sample),
})

describe('a row of the log', () => {
  test('holds every entry as it was written', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const writer = new LogWriter()
        for (const { kind, scope, at, samples } of entries) {
          writer.begin(kind, scope, at, samples.length)
          for (const { id, value, isStale } of samples) {
            if (isStale) writer.marker(id)
            else writer.sample(id, value)
          }
        }
        const read = readLogRow(Uint8Array.from(writer.finish()))

        expect(read).toEqual(
          entries.map(({ kind, scope, at, samples }) => ({
            kind,
            scope,
            at,
            ids: samples.map(({ id }) => id),
            values: samples.map(({ value, isStale }) => (isStale ? 0 : value)),
            stale: samples.map(({ isStale }) => (isStale ? 1 : 0)),
          })),
        )
      }),
    )
  })

  test('is refused when a bit is wrong', () => {
    const writer = new LogWriter()
    writer.begin('round', 1, 1000, 1)
    writer.sample(7, 1.5)
    const row = Uint8Array.from(writer.finish())
    row[row.length - 1] = (row.at(-1) ?? 0) ^ 4

    expect(() => readLogRow(row)).toThrow(DamageError)
  })
})
