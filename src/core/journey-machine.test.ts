import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  factsOf,
  noTotals,
  outcomesOf,
  type PlacedStep,
  resultOf,
  withBounds,
  withDuration,
  withEnd,
  withRetraction,
} from './journey-machine.ts'

function step(kind: 'start' | 'end', time: number, outcome = ''): PlacedStep {
  return { kind, outcome, time, place: { height: time, position: 0, step: time } }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('start' as const, 'end' as const),
    outcome: fc.constantFrom('ready', 'failed'),
    time: fc.nat(50),
    height: fc.nat(5),
    position: fc.nat(3),
  }),
  { maxLength: 12 },
)

function withNumber(
  { height, position, ...rest }: { height: number; position: number } & Omit<PlacedStep, 'place'>,
  number: number,
): PlacedStep {
  return { ...rest, place: { height, position, step: number } }
}

describe('what becomes of a journey', () => {
  test('nothing is known of one without steps', () => {
    expect(resultOf(factsOf([]), Infinity)).toEqual({ outcome: undefined, seconds: undefined })
  })

  test.each([
    ['before its deadline is over', 1_000, undefined],
    ['when the clock has passed it', 1_001, 'expired'],
  ])('a start is in flight, or expired: %s', (_, expiredBefore, outcome) => {
    expect(resultOf(factsOf([step('start', 1_000)]), expiredBefore).outcome).toBe(outcome)
  })

  test('it takes from the first start to the last end, and an end beats the deadline', () => {
    const facts = factsOf([
      step('end', 9_000, 'ready'),
      step('start', 2_000),
      step('start', 1_000),
      step('end', 3_000, 'failed'),
    ])

    expect(resultOf(facts, Infinity)).toEqual({ outcome: 'ready', seconds: 8 })
  })

  test('an end before its start on a chain with a crooked clock takes no time', () => {
    expect(resultOf(factsOf([step('start', 5_000), step('end', 4_000, 'ready')]), undefined).seconds).toBe(0)
  })

  test('the order in which its steps are seen makes no difference', () => {
    const both = steps
      .map((list) => list.map(withNumber))
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
    fc.assert(
      fc.property(both, ([list, shuffled]) => {
        expect(factsOf(shuffled)).toEqual(factsOf(list))
      }),
    )
  })

  test('it can expire only where it has a deadline', () => {
    const definition = { name: 'j', outcomes: ['ready'], bucketsSeconds: [] }

    expect(outcomesOf({ ...definition, deadlineMs: 1 })).toEqual(['ready', 'expired'])
    expect(outcomesOf({ ...definition, deadlineMs: undefined })).toEqual(['ready'])
  })
})

describe('totals', () => {
  test('buckets are cumulative and include their bound', () => {
    const totals = [10, 10.5, 99].reduce(
      (sum, seconds) => withDuration(sum, [10, 60], seconds),
      noTotals('ready', [10, 60]),
    )

    expect(totals).toMatchObject({ buckets: [1, 2, 3], sumSeconds: 119.5 })
    expect(withRetraction(withEnd(totals))).toMatchObject({ ended: 1, retracted: 1 })
  })

  test('under other bounds nothing is lost, nothing goes down on the way up, and what is stored is exact', () => {
    const bounds = fc
      .uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 6 })
      .map((list) => list.toSorted((a, b) => a - b))
    const durations = fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 20 })
    fc.assert(
      fc.property(bounds, bounds, durations, durations, (from, to, stored, gone) => {
        const counted = [...stored, ...gone].reduce(
          (sum, seconds) => withDuration(sum, from, seconds),
          noTotals('ready', from),
        )

        const { buckets } = withBounds(counted, { from, to }, stored)

        expect(buckets).toHaveLength(to.length + 1)
        expect(buckets.at(-1)).toBe(stored.length + gone.length)
        expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
        to.forEach((bound, index) => {
          const atLeast = stored.filter((seconds) => seconds <= bound).length
          const atMost = atLeast + gone.filter((seconds) => seconds <= bound).length
          expect(buckets[index]).toBeGreaterThanOrEqual(atLeast)
          expect(buckets[index]).toBeLessThanOrEqual(atMost)
        })
        const kept = to.flatMap((bound, index) => (from.includes(bound) ? [[bound, buckets[index]]] : []))
        expect(kept).toEqual(
          kept.map(([bound = 0]) => [bound, [...stored, ...gone].filter((seconds) => seconds <= bound).length]),
        )
      }),
    )
  })
})
