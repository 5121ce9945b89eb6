import { compareText, labelsKey, type Labels } from '../../core/labels.ts'
import { reorder } from '../evaluate/aggregate-elements.ts'
import type { Scope, Steps, Vector } from '../evaluate/run.ts'
import type { Call } from '../syntax/ast.ts'
import { stringArgument, vectorArgument } from './histograms.ts'

/** sort and its kin order the answer of an instant query; a range query's answer is ordered by labels whatever they say. */
export function* sortVector(scope: Scope, call: Call): Steps<Vector> {
  if (scope.run.isRange) {
    scope.run.notes.warn('sort is ineffective for range queries since results are always ordered by labels', call)
  }
  const vector = yield* vectorArgument(scope, call.args[0])
  const names: string[] = []
  for (const arg of call.args.slice(1)) names.push(yield* stringArgument(scope, arg))
  if (scope.grid.count !== 1) return vector
  const sign = call.name.endsWith('_desc') ? -1 : 1
  const byLabel = call.name.startsWith('sort_by_label')
  const compare = byLabel
    ? (a: number, b: number) => sign * compareByLabels(vector.labels[a] ?? {}, vector.labels[b] ?? {}, names)
    : (a: number, b: number) => compareValues((vector.values[a] ?? 0) * sign, (vector.values[b] ?? 0) * sign)
  return reorder(vector, [...vector.labels.keys()].toSorted(compare))
}

/** NaN comes last, whichever way. */
function compareValues(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a === b ? 0 : a < b ? -1 : 1
}

/** By these labels in natural order (`pod2` before `pod10`), then by all. */
function compareByLabels(a: Labels, b: Labels, names: readonly string[]): number {
  for (const name of names) {
    const order = compareNaturally(a[name] ?? '', b[name] ?? '')
    if (order !== 0) return order
  }
  return compareText(labelsKey(a), labelsKey(b))
}

function compareNaturally(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? []
  const right = b.match(/\d+|\D+/g) ?? []
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const order = compareChunks(left[index] ?? '', right[index] ?? '')
    if (order !== 0) return order
  }
  return left.length === right.length ? compareText(a, b) : left.length - right.length
}

function compareChunks(a: string, b: string): number {
  const areNumbers = /^\d/.test(a) && /^\d/.test(b)
  if (!areNumbers) return compareText(a, b)
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  return left.length === right.length ? compareText(left, right) : left.length - right.length
}
