import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { Mark } from './cursor.ts'
import { pruneMarks } from './marks.ts'

const markAt = (number: number): Mark => ({ number, hash: `0x${number.toString(16)}` })

/** A chain that grows block by block, or range by range, and is pruned after each. */
function grow(sizes: readonly number[], settledDepth: number): readonly Mark[] {
  let marks: readonly Mark[] = [markAt(0)]
  let head = 0
  for (const size of sizes) {
    head += size
    marks = pruneMarks([...marks, markAt(head)], head - settledDepth)
  }
  return marks
}

test('the newest unsettled blocks are all remembered', () => {
  const marks = grow(
    Array.from({ length: 5_000 }, () => 1),
    64,
  )

  expect(marks.slice(-64).map(({ number }) => number)).toEqual(Array.from({ length: 64 }, (_, index) => 4_937 + index))
})

test('however long and however uneven the chain grew, the marks are few, ordered, and reach to the first', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 50_000 })), { minLength: 1, maxLength: 1_500 }),
      fc.integer({ min: 1, max: 100_000 }),
      (sizes, settledDepth) => {
        const numbers = grow(sizes, settledDepth).map(({ number }) => number)

        expect(numbers.length).toBeLessThanOrEqual(230)
        expect(numbers[0]).toBe(0)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      },
    ),
    { numRuns: 30 },
  )
})

test('what is old is remembered at distances that grow with its age, and no faster', () => {
  const numbers = grow(
    Array.from({ length: 20_000 }, () => 1),
    64,
  ).map(({ number }) => number)

  const gaps = numbers
    .slice(0, -1)
    .map((number, index) => ({ age: 20_000 - number, gap: (numbers[index + 1] ?? 0) - number }))
  expect(gaps.filter(({ age, gap }) => gap > Math.max(1, age))).toEqual([])
  expect(numbers.length).toBeLessThan(140)
})
