import type { Arena } from './arena.ts'
import type { StoredPoints } from './contract.ts'
import type { Parts } from './parts.ts'
import { mergePoints, pointsOfColumn, within } from './points.ts'
import type { Steps } from './slices.ts'
import type { PartRow } from './storage.ts'

export interface CollectRequest {
  readonly rows: readonly PartRow[]
  /** Ascending. */
  readonly ids: readonly number[]
  readonly fromMs: number
  readonly toMs: number
  readonly field: number
  /** What is read lives until its next reset. */
  readonly arena: Arena
}

/** What the parts of some rows hold of some series, merged, by series id. For those who write parts anew. */
export function* collect(parts: Parts, request: CollectRequest): Steps<Map<number, StoredPoints>> {
  const { rows, ids, fromMs, toMs, field, arena } = request
  const low = ids[0] ?? 0
  const high = ids.at(-1) ?? -1
  const lists = new Map<number, StoredPoints[]>(ids.map((id) => [id, []]))
  for (const row of rows) {
    if (row.low > high || row.high < low) continue
    yield
    const part = parts.open(row)
    if (part === undefined) continue
    for (const [id, list] of lists) {
      const index = part.find(id)
      if (index < 0) continue
      const points = pointsOfColumn(part.times, part.column(index, field, arena.allocate))
      list.push(within(points, fromMs, toMs))
    }
  }
  return new Map([...lists].map(([id, list]) => [id, mergePoints(list, arena.allocate)]))
}
