import { labelsKey, METRIC_NAME, type Labels } from '../../core/labels.ts'
import type { Aggregation } from '../syntax/ast.ts'
import type { Vector } from './run.ts'

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

export function groupRows(labels: readonly Labels[], expr: Aggregation): Grouping {
  const groups = new Map<string, number>()
  const groupSets: Labels[] = []
  const members: number[][] = []
  const groupOf = new Int32Array(labels.length)
  for (const [row, set] of labels.entries()) {
    const kept = groupLabels(set, expr)
    const key = labelsKey(kept)
    let group = groups.get(key)
    if (group === undefined) {
      group = groupSets.length
      groups.set(key, group)
      groupSets.push(kept)
      members.push([])
    }
    groupOf[row] = group
    members[group]?.push(row)
  }
  return { labels: groupSets, groupOf, members: members.map((rows) => Int32Array.from(rows)) }
}

export interface Job {
  readonly expr: Aggregation
  readonly vector: Vector
  readonly grouping: Grouping
  /** The parameter at each step. */
  readonly numbers: Float64Array
}
