import { compareText, METRIC_NAME, type Labels } from '../../core/labels.ts'
import type { Binary, Matching } from '../syntax/ast.ts'
import { createSlot, type Run } from './run.ts'

/** Rows of both sides that may match have the same number. */
export interface Signatures {
  readonly left: Int32Array
  readonly right: Int32Array
  readonly count: number
}

type BySide = Map<readonly Labels[], Signatures>
const SIGNATURES = createSlot<BySide>()

/** How many right sides are remembered for one left side. */
const PAIRS_MAX = 4

export function signaturesOf(run: Run, expr: Binary, left: readonly Labels[], right: readonly Labels[]): Signatures {
  const known = run.remember(SIGNATURES, expr, left, () => new Map())
  const found = known.get(right)
  if (found !== undefined) return found
  if (known.size >= PAIRS_MAX) known.clear()
  const numbers = new Map<string, number>()
  const number = (labels: Labels): number => {
    const key = signature(labels, expr.matching)
    const existing = numbers.get(key)
    if (existing !== undefined) return existing
    numbers.set(key, numbers.size)
    return numbers.size - 1
  }
  const leftIds = Int32Array.from(left, number)
  const rightIds = Int32Array.from(right, number)
  const made = { left: leftIds, right: rightIds, count: numbers.size }
  known.set(right, made)
  return made
}

function signature(labels: Labels, matching: Matching | undefined): string {
  let key = ''
  if (matching?.on === true) {
    for (const name of matching.labels) key += `${labels[name] ?? ''}\u0001`
    return key
  }
  const ignored = matching?.labels ?? []
  for (const name of Object.keys(labels).toSorted(compareText)) {
    const value = labels[name]
    if (value !== undefined && value !== '' && name !== METRIC_NAME && !ignored.includes(name)) {
      key += `${name}\u0001${value}\u0002`
    }
  }
  return key
}

/** The labels that both sides of a match share: what a filled-in element has. */
export function sharedLabels(labels: Labels, matching: Matching): Labels {
  const shared: Record<string, string> = {}
  for (const name of Object.keys(labels)) {
    const value = labels[name]
    const isKept = matching.on
      ? matching.labels.includes(name)
      : name !== METRIC_NAME && !matching.labels.includes(name)
    if (value !== undefined && isKept) shared[name] = value
  }
  return shared
}
