import { DamageError } from './bytes.ts'
import type { StoredPoints } from './contract.ts'
import { OpenPart } from './part.ts'
import { pointsOfColumn, within } from './points.ts'
import type { Series } from './series.ts'
import type { Steps } from './slices.ts'
import { isDamaged, type Level, type PartRow } from './storage.ts'
import type { Store } from './store.ts'

/** What stays unpacked for the next reader: a rule that looks far back reads the same parts each time. */
const CACHE_MAX_BYTES = 6 * 2 ** 20

export interface PartRange {
  readonly level: Level
  readonly fromMs: number
  readonly toMs: number
  /** Which column of a series: 0 for samples, one of five for history. */
  readonly field: number
}

/** A part that was listed is gone: compaction or retention took it between two steps. Whoever reads begins again. */
export class MovedError extends Error {
  override readonly name = 'MovedError'
}

export type Parts = ReturnType<typeof createParts>

/** Reads parts from disk. A damaged one is named, set aside, and read no more. */
export function createParts(store: Store) {
  // Insertion order is the order of use: what is read again goes to the end.
  const cache = new Map<number, OpenPart>()
  const lost = new Set<number>()
  let cachedBytes = 0

  return { open, forget, pointsOf, readAll }

  /**
   * The part of a row; undefined where it is damaged.
   *
   * @throws MovedError
   */
  function open(row: PartRow): OpenPart | undefined {
    const known = cache.get(row.id)
    if (known !== undefined) {
      cache.delete(row.id)
      cache.set(row.id, known)
      return known
    }
    if (lost.has(row.id)) return undefined
    const part = read(row)
    if (part !== undefined) remember(row.id, part)
    return part
  }

  function read(row: PartRow): OpenPart | undefined {
    let data: Uint8Array | undefined
    try {
      data = store.storage.partData.get(row.id)?.data
      if (data === undefined) throw new MovedError(`part ${row.id} is gone`)
      return new OpenPart(data)
    } catch (error) {
      if (!(error instanceof DamageError) && !isDamaged(error)) throw error
      setAside(row, error.message, data)
      return undefined
    }
  }

  function remember(id: number, part: OpenPart): void {
    cache.set(id, part)
    cachedBytes += part.sizeBytes
    for (const oldest of cache.keys()) {
      if (cachedBytes <= CACHE_MAX_BYTES || oldest === id) return
      forget(oldest)
    }
  }

  /** For a part that is no more. */
  function forget(id: number): void {
    cachedBytes -= cache.get(id)?.sizeBytes ?? 0
    cache.delete(id)
  }

  function setAside(row: PartRow, why: string, data: Uint8Array | undefined): void {
    lost.add(row.id)
    store.counts.damagedBlobs++
    store.options.log.error('stored samples are damaged: they were set aside and the rest is served', {
      file: store.storage.name,
      part: row.id,
      scope: store.heads.get(row.scope)?.name,
      from: new Date(row.startAt).toISOString(),
      to: new Date(row.endAt).toISOString(),
      why,
    })
    try {
      store.storage.transaction(() => {
        store.storage.setAside.run('part', row.id, why, data ?? null)
        store.storage.removePart.run(row.id)
      })
    } catch (error) {
      // The disk refuses, or the page itself is damaged: it stays where it is, and `lost` keeps it from being read again.
      store.options.log.warn('a damaged part could not be moved', { part: row.id, error })
    }
  }

  /** What parts hold of the series, a list of points for each part, by series. */
  function* pointsOf(series: readonly Series[], range: PartRange): Steps<Map<Series, StoredPoints[]>> {
    const found = new Map<Series, StoredPoints[]>()
    for (const [scope, members] of byScope(series)) {
      const rows = store.storage.partsWithin.all(scope, range.level, range.fromMs, range.toMs)
      for (const row of rows) {
        yield
        for (const one of members) {
          if (one.id < row.low) continue
          if (one.id > row.high) break
          const points = pointsIn(row, one.id, range)
          if (points === undefined) continue
          const lists = found.get(one)
          if (lists === undefined) found.set(one, [points])
          else lists.push(points)
        }
      }
    }
    return found
  }

  function pointsIn(row: PartRow, id: number, range: PartRange): StoredPoints | undefined {
    const part = open(row)
    const index = part?.find(id) ?? -1
    if (part === undefined || index < 0) return undefined
    const points = within(pointsOfColumn(part.times, part.column(index, range.field)), range.fromMs, range.toMs)
    return points.start < points.end ? points : undefined
  }

  /** Every id in the rows' parts, ascending. */
  function* readAll(rows: readonly PartRow[]): Steps<readonly number[]> {
    const ids = new Set<number>()
    for (const row of rows) {
      yield
      for (const id of open(row)?.ids ?? []) ids.add(id)
    }
    return [...ids].toSorted((a, b) => a - b)
  }
}

/** Series by each scope that ever wrote them, ascending by id. */
function byScope(series: readonly Series[]): Map<number, Series[]> {
  const groups = new Map<number, Series[]>()
  for (const one of series.toSorted((a, b) => a.id - b.id)) {
    for (const scope of one.scopes()) {
      const group = groups.get(scope)
      if (group === undefined) groups.set(scope, [one])
      else group.push(one)
    }
  }
  return groups
}
