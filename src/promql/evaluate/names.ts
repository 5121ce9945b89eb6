import { labelsKey, METRIC_NAME, type Labels } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import type { Expr } from '../syntax/ast.ts'
import { createSlot, type Scope, type Vector } from './run.ts'

/** Labels that say what a metric is, not which one: what is computed from it has them no more. */
const METADATA = [METRIC_NAME, '__type__', '__unit__']

export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset'

/** New labels for the rows of a vector, and into which row each goes; undefined where each stays its own. */
export interface Regrouping {
  readonly labels: readonly Labels[]
  readonly rowOf: Int32Array | undefined
}

export function withoutMetadata(labels: Labels): Labels {
  if (!METADATA.some((name) => labels[name] !== undefined)) return labels
  const rest: Record<string, string> = {}
  for (const name of Object.keys(labels)) {
    const value = labels[name]
    if (value !== undefined && !METADATA.includes(name)) rest[name] = value
  }
  return rest
}

/** Rows whose labels are equal become one row. */
export function regroup(labels: readonly Labels[], isDistinct: boolean): Regrouping {
  if (isDistinct || labels.length < 2) return { labels, rowOf: undefined }
  const rows = new Map<string, number>()
  const kept: Labels[] = []
  const rowOf = new Int32Array(labels.length)
  for (const [index, set] of labels.entries()) {
    const key = labelsKey(set)
    let row = rows.get(key)
    if (row === undefined) {
      row = kept.length
      rows.set(key, row)
      kept.push(set)
    }
    rowOf[index] = row
  }
  return kept.length === labels.length ? { labels, rowOf: undefined } : { labels: kept, rowOf }
}

/**
 * Gives the rows their new labels. Rows that become the same are laid over each other.
 *
 * @throws PromqlError when two of them have an element at the same time
 */
export function applyRegrouping(vector: Vector, { labels, rowOf }: Regrouping, count: number): Vector {
  if (rowOf === undefined) return { ...vector, labels }
  const values = new Float64Array(labels.length * count)
  const present = new Uint8Array(labels.length * count)
  const dropName = vector.dropName === undefined ? undefined : new Uint8Array(labels.length)
  for (let row = 0; row < rowOf.length; row += 1) {
    const target: number = rowOf[row] ?? 0
    if (dropName !== undefined && vector.dropName?.[row] === 1) dropName[target] = 1
    for (let step = 0; step < count; step += 1) {
      const from = row * count + step
      if (vector.present[from] !== 1) continue
      const to = target * count + step
      if (present[to] === 1) throw new PromqlError(SAME_LABELSET)
      present[to] = 1
      values[to] = vector.values[from] ?? 0
    }
  }
  return { kind: 'vector', labels, values, present, dropName, distinct: vector.distinct }
}

const NAMELESS = createSlot<Regrouping>()

/** The metric's name goes: at once, or at the very end where name removal is delayed. */
export function dropNames(scope: Scope, expr: Expr, vector: Vector): Vector {
  if (scope.run.options.delayedNameRemoval) {
    return { ...vector, dropName: new Uint8Array(vector.labels.length).fill(1) }
  }
  const regrouping = scope.run.remember(NAMELESS, expr, vector.labels, () =>
    regroup(vector.labels.map(withoutMetadata), vector.distinct),
  )
  return applyRegrouping(vector, regrouping, scope.grid.count)
}

/** Takes off the names that were to go at the very end. */
export function removeDelayedNames(vector: Vector, count: number): Vector {
  const { dropName } = vector
  if (dropName === undefined || !dropName.includes(1)) return vector
  const labels = vector.labels.map((set, row) => (dropName[row] === 1 ? withoutMetadata(set) : set))
  return { ...applyRegrouping(vector, regroup(labels, false), count), dropName: undefined }
}
