import { expect, test } from 'vitest'

import type { Budget } from './evaluate/run.ts'
import { sortSteps } from './sort-steps.ts'

interface Item {
  readonly key: number
  readonly place: number
}

function budgetOf(limit: number): Budget {
  let units = 0
  return {
    isSpent(more) {
      units += more
      if (units < limit) return false
      units = 0
      return true
    },
    hold: () => undefined,
    startSlice: () => undefined,
  }
}

/** Far fewer keys than items, so that the order of equal ones shows. */
function itemsOf(count: number): readonly Item[] {
  return Array.from({ length: count }, (_, place) => ({ key: (place * 7919) % 101, place }))
}

function run(items: readonly Item[]): { readonly sorted: readonly Item[]; readonly pauses: number } {
  const steps = sortSteps(items, (a, b) => a.key - b.key, budgetOf(20_000))
  for (let pauses = 0; ; pauses += 1) {
    const next = steps.next()
    if (next.done === true) return { sorted: next.value, pauses }
  }
}

test.each([0, 1, 999, 1_000, 1_001, 5_500])(
  '%d items come out as toSorted puts them, equal ones in their order',
  (count) => {
    const items = itemsOf(count)

    expect(run(items).sorted).toEqual(items.toSorted((a, b) => a.key - b.key))
  },
)

test('a long list is sorted in many slices', () => {
  expect(run(itemsOf(20_000)).pauses).toBeGreaterThan(50)
})
