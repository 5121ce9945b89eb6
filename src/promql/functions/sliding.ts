import type { Kernel, Window } from '../evaluate/windows.ts'
import { addTo, meanOf, totalOf, type Sum } from './sums.ts'

/**
 * Sums of windows that move: what lies before the middle is kept as sums of every tail, what lies after it as one sum
 * that grows. When the window leaves the middle behind, its samples are summed again from the end. So every sample is
 * added twice, however many windows see it, and nothing is ever subtracted (subtracting would leave rounding behind, and
 * NaN after an infinity).
 */
interface TwoStacks {
  add(window: Window): Sum
}

function createTwoStacks(): TwoStacks {
  let middle = 0
  let end = 0
  let first = 0
  let tails: Float64Array = new Float64Array(0)
  let tailsLost: Float64Array = new Float64Array(0)
  let grown: Sum = { total: 0, lost: 0 }
  let isEmpty = true

  function rebuild({ values, lo, hi }: Window): void {
    if (tails.length < hi - lo) {
      tails = new Float64Array(2 * (hi - lo))
      tailsLost = new Float64Array(2 * (hi - lo))
    }
    const sum = { total: 0, lost: 0 }
    for (let index = hi - 1; index >= lo; index -= 1) {
      addTo(sum, values[index] ?? 0)
      tails[index - lo] = sum.total
      tailsLost[index - lo] = sum.lost
    }
    first = lo
    middle = hi
    end = hi
    grown = { total: 0, lost: 0 }
    isEmpty = false
  }

  return {
    add(window) {
      if (isEmpty || window.lo >= middle) rebuild(window)
      for (; end < window.hi; end += 1) addTo(grown, window.values[end] ?? 0)
      const at = window.lo - first
      const sum = { total: tails[at] ?? 0, lost: tailsLost[at] ?? 0 }
      if (end > middle) {
        addTo(sum, grown.total)
        if (Math.abs(sum.total) !== Infinity) sum.lost += grown.lost
      }
      return sum
    },
  }
}

export function slidingSum(): Kernel {
  const stacks = createTwoStacks()
  return (window) => {
    window.out = totalOf(stacks.add(window))
    return true
  }
}

export function slidingMean(): Kernel {
  const stacks = createTwoStacks()
  return (window) => {
    const sum = stacks.add(window)
    const count = window.hi - window.lo
    // Out of a float's range, or infinite: the slow way knows what to do.
    window.out = Number.isFinite(sum.total)
      ? sum.total / count + sum.lost / count
      : meanOf(window.values, window.lo, window.hi)
    return true
  }
}

/** The largest or smallest of a moving window: candidates in a queue, each better than all that come after it. */
export function slidingExtreme(beats: (a: number, b: number) => boolean): Kernel {
  let queue: number[] = []
  let head = 0
  let end = -1
  return (window) => {
    if (end < window.lo) {
      end = window.lo
      queue = []
      head = 0
    }
    for (; end < window.hi; end += 1) {
      const value = window.values[end] ?? 0
      if (Number.isNaN(value)) continue
      while (queue.length > head && !beats(window.values[queue.at(-1) ?? 0] ?? 0, value)) queue.pop()
      queue.push(end)
    }
    while (head < queue.length && (queue[head] ?? 0) < window.lo) head += 1
    if (head > 1024) {
      queue = queue.slice(head)
      head = 0
    }
    const best = queue[head]
    window.out = best === undefined ? Number.NaN : (window.values[best] ?? 0)
    return true
  }
}
