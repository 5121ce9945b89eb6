import { messageOf } from '../lib/errors.ts'
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

/** Reads parts from disk. A damaged one is named, set aside, and read no more. */
export class Parts {
  readonly #store: Store
  // Insertion order is the order of use: what is read again goes to the end.
  readonly #cache = new Map<number, OpenPart>()
  readonly #lost = new Set<number>()
  #cachedBytes = 0

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * The part of a row; undefined where it is damaged.
   *
   * @throws MovedError
   */
  open(row: PartRow): OpenPart | undefined {
    const known = this.#cache.get(row.id)
    if (known !== undefined) {
      this.#cache.delete(row.id)
      this.#cache.set(row.id, known)
      return known
    }
    if (this.#lost.has(row.id)) return undefined
    const part = this.#read(row)
    if (part !== undefined) this.#remember(row.id, part)
    return part
  }

  #read(row: PartRow): OpenPart | undefined {
    let data: Uint8Array | undefined
    try {
      data = this.#store.storage.partData.get(row.id)?.data
      if (data === undefined) throw new MovedError(`part ${row.id} is gone`)
      return new OpenPart(data)
    } catch (error) {
      if (!(error instanceof DamageError) && !isDamaged(error)) throw error
      this.#setAside(row, error.message, data)
      return undefined
    }
  }

  #remember(id: number, part: OpenPart): void {
    this.#cache.set(id, part)
    this.#cachedBytes += part.sizeBytes
    for (const oldest of this.#cache.keys()) {
      if (this.#cachedBytes <= CACHE_MAX_BYTES || oldest === id) return
      this.forget(oldest)
    }
  }

  /** For a part that is no more. */
  forget(id: number): void {
    this.#cachedBytes -= this.#cache.get(id)?.sizeBytes ?? 0
    this.#cache.delete(id)
  }

  #setAside(row: PartRow, why: string, data: Uint8Array | undefined): void {
    this.#lost.add(row.id)
    this.#store.counts.damagedBlobs++
    this.#store.options.log.error('stored samples are damaged: they were set aside and the rest is served', {
      file: this.#store.storage.name,
      part: row.id,
      scope: this.#store.heads.get(row.scope)?.name,
      from: new Date(row.startAt).toISOString(),
      to: new Date(row.endAt).toISOString(),
      why,
    })
    try {
      this.#store.storage.transaction(() => {
        this.#store.storage.setAside.run('part', row.id, why, data ?? null)
        this.#store.storage.removePart.run(row.id)
      })
    } catch (error) {
      // The disk refuses, or the page itself is damaged: it stays where it is, and `this.#lost` keeps it from being read again.
      this.#store.options.log.warn('a damaged part could not be moved', { part: row.id, error: messageOf(error) })
    }
  }

  /** What parts hold of the series, a list of points for each part, by series. */
  *pointsOf(series: readonly Series[], range: PartRange): Steps<Map<Series, StoredPoints[]>> {
    const found = new Map<Series, StoredPoints[]>()
    for (const [scope, members] of byScope(series)) {
      const rows = this.#store.storage.partsWithin.all(scope, range.level, range.fromMs, range.toMs)
      for (const row of rows) {
        yield
        this.#addPoints(found, row, members, range)
      }
    }
    return found
  }

  /** Adds what one part has of some series, which ascend by id. */
  #addPoints(found: Map<Series, StoredPoints[]>, row: PartRow, members: readonly Series[], range: PartRange): void {
    for (const one of members) {
      if (one.id > row.high) return
      const points = one.id < row.low ? undefined : this.#pointsIn(row, one.id, range)
      const lists = found.get(one)
      if (points === undefined) continue
      if (lists === undefined) found.set(one, [points])
      else lists.push(points)
    }
  }

  #pointsIn(row: PartRow, id: number, range: PartRange): StoredPoints | undefined {
    const part = this.open(row)
    const index = part?.find(id) ?? -1
    if (part === undefined || index < 0) return undefined
    const points = within(pointsOfColumn(part.times, part.column(index, range.field)), range.fromMs, range.toMs)
    return points.start < points.end ? points : undefined
  }

  /** Every id in the rows' parts, ascending. */
  *readAll(rows: readonly PartRow[]): Steps<readonly number[]> {
    const ids = new Set<number>()
    for (const row of rows) {
      yield
      for (const id of this.open(row)?.ids ?? []) ids.add(id)
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
