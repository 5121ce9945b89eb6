import { compareText, METRIC_NAME, type Labels } from '../../core/labels.ts'
import type { Matching } from '../syntax/ast.ts'
import { createSlot, mapLabels, rememberPair, type Pair, type PairSlot, type Steps } from './run.ts'

/** Rows of both sides that may match have the same number. */
export interface Signatures {
  readonly left: Int32Array
  readonly right: Int32Array
  readonly count: number
}

const SIGNATURES: PairSlot<Signatures> = createSlot()

export function* signaturesOf(pair: Pair, matching: Matching | undefined): Steps<Signatures> {
  return yield* rememberPair(SIGNATURES, pair, function* sign() {
    const numbers = new Map<string, number>()
    const number = (labels: Labels): number => {
      const key = signature(labels, matching)
      const existing = numbers.get(key)
      if (existing !== undefined) return existing
      numbers.set(key, numbers.size)
      return numbers.size - 1
    }
    const left = Int32Array.from(yield* mapLabels(pair.run, pair.left, number))
    const right = Int32Array.from(yield* mapLabels(pair.run, pair.right, number))
    return { left, right, count: numbers.size }
  })
}

function signature(labels: Labels, matching: Matching | undefined): string {
  let key = ''
  if (matching?.on === true) {
    for (const name of matching.labels) key += `${labels[name] ?? ''}\u0001`
    return key
  }
  const ignored = matching?.labels ?? []
  for (const name of sortedNames(labels)) {
    const value = labels[name]
    if (value !== undefined && value !== '' && name !== METRIC_NAME && !ignored.includes(name)) {
      key += `${name}\u0001${value}\u0002`
    }
  }
  return key
}

/** Most label sets are sorted already: then nothing is moved. */
function sortedNames(labels: Labels): readonly string[] {
  const names = Object.keys(labels)
  const isSorted = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name)
  return isSorted ? names : names.toSorted(compareText)
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
