import { labelsKey, METRIC_NAME, type Labels } from '../../core/labels.ts'
import type { Aggregation } from '../syntax/ast.ts'
import { mapLabels, type Run, type Steps, type Vector } from './run.ts'

/** Which group each row belongs to, and the rows of each group. */
export interface Grouping {
  readonly labels: readonly Labels[]
  readonly groupOf: Int32Array
  readonly members: readonly Int32Array[]
}

/** The labels that a row's group has: those listed, or all but those listed and the name. */
export function groupLabels(labels: Labels, { without, labels: listed }: Aggregation): Labels {
  const kept: Record<string, string> = {}
  if (!without) {
    for (const name of listed) {
      const value = labels[name]
      if (value !== undefined && value !== '') kept[name] = value
    }
    return kept
  }
  for (const name of Object.keys(labels)) {
    const value = labels[name]
    if (value !== undefined && name !== METRIC_NAME && !listed.includes(name)) kept[name] = value
  }
  return kept
}

export function* groupRows(run: Run, labels: readonly Labels[], expr: Aggregation): Steps<Grouping> {
  const groups = new Map<string, number>()
  const groupSets: Labels[] = []
  const members: number[][] = []
  const groupOf = yield* mapLabels(run, labels, (set, row) => {
    const kept = groupLabels(set, expr)
    const key = labelsKey(kept)
    let group = groups.get(key)
    if (group === undefined) {
      group = groupSets.push(kept) - 1
      groups.set(key, group)
      members.push([])
    }
    members[group]?.push(row)
    return group
  })
  return {
    labels: groupSets,
    groupOf: Int32Array.from(groupOf),
    members: members.map((rows) => Int32Array.from(rows)),
  }
}

export interface Job {
  readonly expr: Aggregation
  readonly vector: Vector
  readonly grouping: Grouping
  /** The parameter at each step. */
  readonly numbers: Float64Array
}
