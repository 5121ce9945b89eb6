import { describe, expect, test } from 'vitest'

import { createRangeLearner } from './range-learner.ts'

const FAST = 50
const SLOW = 5_000

describe('the size of a range', () => {
  test('starts at 2,000 blocks and grows by half after a fast answer', () => {
    const ranges = createRangeLearner()
    expect(ranges.size()).toBe(2_000)

    ranges.onAnswer(2_000, FAST, 10)

    expect(ranges.size()).toBe(3_000)
  })

  test('does not grow after a slow answer, and shrinks after a very slow one', () => {
    const ranges = createRangeLearner()

    ranges.onAnswer(2_000, 1_500, 10)
    expect(ranges.size()).toBe(2_000)
    ranges.onAnswer(2_000, SLOW, 10)
    expect(ranges.size()).toBeLessThan(2_000)
  })

  test('learns nothing from an answer about fewer blocks than it allows', () => {
    const ranges = createRangeLearner()

    ranges.onAnswer(10, FAST, 0)

    expect(ranges.size()).toBe(2_000)
  })

  test('never passes a limit that was named', () => {
    const ranges = createRangeLearner()

    ranges.onRefusal(2_000, { kind: 'limit', blocks: 500 })
    expect(ranges.size()).toBe(500)
    for (let answers = 0; answers < 100; answers++) ranges.onAnswer(ranges.size(), FAST, 0)

    expect(ranges.size()).toBe(500)
  })

  test('is halved by a refusal without a number, and grows past that size again with patience', () => {
    const ranges = createRangeLearner()

    ranges.onRefusal(2_000, { kind: 'smaller' })
    expect(ranges.size()).toBe(1_000)
    for (let answers = 0; answers < 5; answers++) ranges.onAnswer(ranges.size(), FAST, 0)
    expect(ranges.size()).toBe(1_999)
    for (let answers = 0; answers < 20; answers++) ranges.onAnswer(ranges.size(), FAST, 0)

    expect(ranges.size()).toBeGreaterThan(2_000)
  })

  test('takes a suggestion for this once', () => {
    const ranges = createRangeLearner()

    ranges.onRefusal(2_000, { kind: 'try', blocks: 16 })

    expect(ranges.size()).toBe(16)
  })

  test('is halved when the limit that was named would have allowed what was refused', () => {
    const ranges = createRangeLearner()

    ranges.onRefusal(2_000, { kind: 'limit', blocks: 10_000 })

    expect(ranges.size()).toBe(1_000)
  })

  test('follows the density of logs, so that an answer stays small', () => {
    const ranges = createRangeLearner()

    ranges.onAnswer(2_000, FAST, 12_000)
    expect(ranges.size()).toBe(500)
    ranges.onAnswer(500, FAST, 3_000)

    expect(ranges.size()).toBe(500)
  })

  test('never falls below one block', () => {
    const ranges = createRangeLearner()

    for (let blocks = 2_000; blocks >= 1; blocks = Math.floor(blocks / 2)) ranges.onRefusal(blocks, { kind: 'smaller' })

    expect(ranges.size()).toBe(1)
  })
})
