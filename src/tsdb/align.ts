import type { Column } from './column.ts'
import type { StoredPoints } from './contract.ts'
import { ABSENT, PRESENT, STALE } from './head.ts'

/** Points of several series on one list of times. */
export interface Aligned {
  readonly times: Float64Array
  readonly columns: readonly Column[]
}

/** Puts points on the union of their times. Series of one scope mostly have the same times, which costs a comparison. */
export function align(lists: readonly StoredPoints[]): Aligned {
  const times = unionOfTimes(lists)
  return { times, columns: lists.map((points) => columnOn(times, points)) }
}

function unionOfTimes(lists: readonly StoredPoints[]): Float64Array {
  let union: Float64Array = new Float64Array(0)
  for (const { times, start, end } of lists) {
    if (!covers(union, times.subarray(start, end))) union = merged(union, times.subarray(start, end))
  }
  return union
}

/** Whether every one of `times` is in `grid`; both ascend. */
function covers(grid: Float64Array, times: Float64Array): boolean {
  let position = 0
  for (const time of times) {
    while (position < grid.length && (grid[position] ?? 0) < time) position++
    if (grid[position] !== time) return false
  }
  return true
}

function merged(a: Float64Array, b: Float64Array): Float64Array {
  return Float64Array.from(new Set([...a, ...b])).toSorted()
}

function columnOn(grid: Float64Array, { times, values, stale, start, end }: StoredPoints): Column {
  if (end - start === grid.length) {
    const states = stale?.subarray(start, end)
    return { values: values.subarray(start, end), states: states?.includes(STALE) === true ? states : undefined }
  }
  const states = new Uint8Array(grid.length).fill(ABSENT)
  const placed = new Float64Array(grid.length)
  let position = 0
  for (let index = start; index < end; index++) {
    while (grid[position] !== times[index]) position++
    states[position] = stale?.[index] === STALE ? STALE : PRESENT
    placed[position] = values[index] ?? 0
  }
  return { values: placed, states }
}
