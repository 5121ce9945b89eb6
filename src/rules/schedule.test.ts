import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createAllowance, nextTick, offsetOf } from './schedule.ts'

describe('ticks', () => {
  test('lie after now, within one interval, and always at the same offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2_000_000_000_000 }),
        fc.integer({ min: 1, max: 86_400_000 }),
        fc.string(),
        (now, interval, group) => {
          const offset = offsetOf('x.yml', group, interval)
          const tick = nextTick(now, interval, offset)

          expect(offset).toBeGreaterThanOrEqual(0)
          expect(offset).toBeLessThan(interval)
          expect(tick).toBeGreaterThan(now)
          expect(tick - now).toBeLessThanOrEqual(interval)
          expect((tick - offset) % interval).toBe(0)
        },
      ),
    )
  })

  test('of many groups are spread over their interval', () => {
    const tenths = Array.from({ length: 1_000 }, (_, index) => Math.floor(offsetOf('x', String(index), 60_000) / 6_000))

    const counts = Array.from({ length: 10 }, (_, tenth) => tenths.filter((one) => one === tenth).length)

    expect(Math.min(...counts)).toBeGreaterThan(50)
  })
})

describe('an allowance', () => {
  test('is open until it is overspent, and opens again when the time was earned', () => {
    let now = 0
    const allowance = createAllowance(() => now, 0.05)

    allowance.spend(60)
    const overspent = { isOpen: allowance.isOpen, opensInMs: allowance.opensInMs }
    now += 201

    expect(overspent).toEqual({ isOpen: false, opensInMs: 200 })
    expect(allowance.isOpen).toBe(true)
  })

  test('never lets through more than its share over a long time', () => {
    let now = 0
    let spent = 0
    const allowance = createAllowance(() => now, 0.05)
    for (; now < 600_000; now += 10) {
      if (!allowance.isOpen) continue
      allowance.spend(7)
      spent += 7
    }

    expect(spent).toBeLessThanOrEqual(600_000 * 0.05 + 60)
    expect(spent).toBeGreaterThan(600_000 * 0.05 - 60)
  })
})
