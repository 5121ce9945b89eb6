import { labelsKey, METRIC_NAME, type Labels } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import type { Expr } from '../syntax/ast.ts'
import { createSlot, mapLabels, remember, type Run, type Scope, type Steps, type Vector } from './run.ts'

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
  const { __name__: _name, __type__: _type, __unit__: _unit, ...rest } = labels
  return rest
}

/** Rows whose labels are equal become one row. */
export function* regroup(run: Run, labels: readonly Labels[], isDistinct = false): Steps<Regrouping> {
  if (isDistinct || labels.length < 2) return { labels, rowOf: undefined }
  const rows = new Map<string, number>()
  const kept: Labels[] = []
  const rowOf = yield* mapLabels(run, labels, (set) => {
    const key = labelsKey(set)
    const known = rows.get(key)
    if (known !== undefined) return known
    rows.set(key, kept.length)
    return kept.push(set) - 1
  })
  return kept.length === labels.length ? { labels, rowOf: undefined } : { labels: kept, rowOf: Int32Array.from(rowOf) }
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
export function* dropNames({ run, grid }: Scope, expr: Expr, vector: Vector): Steps<Vector> {
  if (run.options.delayedNameRemoval) {
    return { ...vector, dropName: new Uint8Array(vector.labels.length).fill(1) }
  }
  // A rule on one series, thousands of times.
  if (vector.labels.length === 1) return { ...vector, labels: vector.labels.map(withoutMetadata) }
  const regrouping = yield* remember(NAMELESS, { run, expr, key: vector.labels }, function* nameless() {
    return yield* regroup(run, yield* mapLabels(run, vector.labels, withoutMetadata), vector.distinct)
  })
  return applyRegrouping(vector, regrouping, grid.count)
}

/** Takes off the names that were to go at the very end. */
export function* removeDelayedNames({ run, grid }: Scope, vector: Vector): Steps<Vector> {
  const { dropName } = vector
  if (dropName === undefined || !dropName.includes(1)) return vector
  const labels = vector.labels.map((set, row) => (dropName[row] === 1 ? withoutMetadata(set) : set))
  return { ...applyRegrouping(vector, yield* regroup(run, labels), grid.count), dropName: undefined }
}
