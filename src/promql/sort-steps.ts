import type { Budget, Steps } from './evaluate/run.ts'

/** So many are sorted in one go: about a millisecond. */
const RUN = 1_000
/** What comparing one element costs, in the units of a budget. */
const UNITS = 20

/** `toSorted` in slices, for lists that are too long to be sorted within one. Stable. */
export function* sortSteps<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  budget: Budget,
): Steps<readonly T[]> {
  let runs: (readonly T[])[] = []
  for (let start = 0; start < items.length; start += RUN) {
    runs.push(items.slice(start, start + RUN).toSorted(compare))
    if (budget.isSpent(RUN * UNITS)) yield undefined
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = []
    for (let index = 0; index < runs.length; index += 2) {
      merged.push(yield* merge(runs[index] ?? [], runs[index + 1] ?? [], { compare, budget }))
    }
    runs = merged
  }
  return runs[0] ?? []
}

interface How<T> {
  readonly compare: (a: T, b: T) => number
  readonly budget: Budget
}

function* merge<T>(left: readonly T[], right: readonly T[], { compare, budget }: How<T>): Steps<readonly T[]> {
  if (right.length === 0) return left
  const merged: T[] = []
  let leftAt = 0
  let rightAt = 0
  for (;;) {
    const a = left[leftAt]
    const b = right[rightAt]
    if (a === undefined || b === undefined) break
    const takesLeft = compare(a, b) <= 0
    merged.push(takesLeft ? a : b)
    if (takesLeft) leftAt += 1
    else rightAt += 1
    if (budget.isSpent(UNITS)) yield undefined
  }
  return merged.concat(left.slice(leftAt), right.slice(rightAt))
}
