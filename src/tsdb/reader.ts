import { OutsideError } from '../lib/errors.ts'
import type { HistoryPoint, HistoryResolution, StoredPoints, StoredSamples, StoredSeries } from './contract.ts'
import type { Head } from './head.ts'
import { MovedError, type Parts } from './parts.ts'
import { headPoints, mergePoints, NO_POINTS, runPoints } from './points.ts'
import type { Series } from './series.ts'
import { finishNow, inSlices, type Steps } from './slices.ts'
import { LEVELS, type Level } from './storage.ts'
import type { Store } from './store.ts'

/** The most samples one `load` from disk holds at once: 256 MB. */
const SAMPLES_MAX = 16_000_000
/** Series read together from disk, so that what is held beside the answer stays small. */
const BATCH = 128
/** How often a read begins again before it is done in one go. */
const ATTEMPTS_MAX = 4
/** The column `last` of a history part. */
export const LAST_FIELD = 4

interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** The way out. */
export class Reader {
  readonly #store: Store
  readonly #parts: Parts

  constructor(store: Store, parts: Parts) {
    this.#store = store
    this.#parts = parts
  }

  async history(
    series: StoredSeries,
    asked: Range & { readonly resolution: HistoryResolution },
    signal?: AbortSignal,
  ): Promise<readonly HistoryPoint[]> {
    const known = this.#store.index.byId(series.id)
    return known === undefined ? [] : inSlices(this.#store.options.world, this.#historyOf(known, asked), signal)
  }

  *#historyOf(
    series: Series,
    { fromMs, toMs, resolution }: Range & { readonly resolution: HistoryResolution },
  ): Steps<readonly HistoryPoint[]> {
    const level = resolution === '5m' ? LEVELS.fiveMinutes : LEVELS.hour
    const fields: StoredPoints[] = []
    for (let field = 0; field <= LAST_FIELD; field++) {
      const found = yield* this.#parts.pointsOf([series], { level, fromMs, toMs, field })
      fields.push(mergePoints(found.get(series) ?? []))
    }
    const at = (field: number, index: number) => {
      const points = fields[field]
      return points?.values[points.start + index] ?? 0
    }
    const { times, start, end } = fields[0] ?? NO_POINTS
    return Array.from(times.subarray(start, end), (time, index) => ({
      time,
      min: at(0, index),
      max: at(1, index),
      sum: at(2, index),
      count: at(3, index),
      last: at(LAST_FIELD, index),
    }))
  }

  load(asked: readonly StoredSeries[], range: Range, signal?: AbortSignal): StoredSamples | Promise<StoredSamples> {
    const series = asked.map(({ id }) => this.#store.index.byId(id))
    if (series.every((one) => one === undefined || this.#isInMemory(one, range.fromMs))) {
      return { points: (index) => this.#pointsNow(series[index], range) }
    }
    return this.#loadFromDisk(series, range, signal)
  }

  /** Points as they are now. What has left memory since `load` is read back at once: it is little. */
  #pointsNow(series: Series | undefined, range: Range): StoredPoints {
    if (series === undefined) return NO_POINTS
    const head = this.#store.heads.get(series.scope)
    if (head === undefined || !this.#isInMemory(series, range.fromMs)) {
      return finishNow(this.#gather([series], range)).get(series) ?? NO_POINTS
    }
    return inMemory(series, head, range)
  }

  #isInMemory(series: Series, fromMs: number): boolean {
    const head = this.#store.heads.get(series.scope)
    return head !== undefined && fromMs >= head.floor && fromMs >= series.floor
  }

  async #loadFromDisk(
    series: readonly (Series | undefined)[],
    range: Range,
    signal: AbortSignal | undefined,
  ): Promise<StoredSamples> {
    const known = series.filter((one) => one !== undefined)
    const loaded = await inSlices(this.#store.options.world, this.#gatherAll(known, range), signal)
    return {
      points(index) {
        const one = series[index]
        return (one === undefined ? undefined : loaded.get(one)) ?? NO_POINTS
      },
    }
  }

  *#gatherAll(series: readonly Series[], range: Range): Steps<Map<Series, StoredPoints>> {
    const ordered = series.toSorted((a, b) => a.scope - b.scope || a.id - b.id)
    const all = new Map<Series, StoredPoints>()
    let samples = 0
    for (let start = 0; start < ordered.length; start += BATCH) {
      const batch = yield* this.#gather(ordered.slice(start, start + BATCH), range)
      for (const [one, points] of batch) {
        all.set(one, points)
        samples += points.end - points.start
      }
      if (samples > SAMPLES_MAX) throw tooLarge(series.length, range)
      yield
    }
    return all
  }

  /**
   * Everything there is of some series, from disk and from memory, copied so that it stays as it is. What moves from one
   * to the other between two steps could be missed: then it is read again.
   */
  *#gather(series: readonly Series[], range: Range): Steps<Map<Series, StoredPoints>> {
    const heads = new Set(series.map((one) => this.#store.heads.get(one.scope)))
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const floors = [...heads].map((head) => head?.floor)
      try {
        const merged = yield* this.#gatherOnce(series, range)
        if ([...heads].every((head, index) => head?.floor === floors[index])) return merged
      } catch (error) {
        if (!(error instanceof MovedError)) throw error
      }
    }
    return finishNow(this.#gatherOnce(series, range))
  }

  *#gatherOnce(series: readonly Series[], range: Range): Steps<Map<Series, StoredPoints>> {
    const rawFrom = this.#rawStart(series, range)
    const lists = new Map<Series, StoredPoints[]>(series.map((one) => [one, []]))
    for (const { level, fromMs, toMs } of this.#levelsOf(range, rawFrom)) {
      const field = level >= LEVELS.fiveMinutes ? LAST_FIELD : 0
      const found = yield* this.#parts.pointsOf(series, { level, fromMs, toMs, field })
      for (const [one, more] of found) lists.get(one)?.push(...more)
    }
    const merged = new Map<Series, StoredPoints>()
    for (const [one, found] of lists) {
      const head = this.#store.heads.get(one.scope)
      if (head !== undefined) found.push(copied(inMemory(one, head, range)))
      merged.set(one, mergePoints(found))
    }
    return merged
  }

  /** Where raw samples begin, for a range that reaches back past them: before it the history stands in. */
  #rawStart(series: readonly Series[], { fromMs, toMs }: Range): number {
    const { rawMs, maxBytes } = this.#store.options.retention
    if (maxBytes === undefined && fromMs >= this.#store.options.world.now() - rawMs) return fromMs
    let start = toMs
    for (const scope of new Set(series.flatMap((one) => one.scopes()))) {
      for (const level of [LEVELS.folded, LEVELS.merged]) {
        start = Math.min(start, this.#store.storage.oldestPart.get(scope, level)?.startAt ?? start)
      }
      const head = this.#store.heads.get(scope)
      if (head !== undefined && head.rounds > 0) start = Math.min(start, head.times[0] ?? start)
    }
    return Math.max(fromMs, start - 1)
  }

  #levelsOf({ fromMs, toMs }: Range, rawFrom: number): readonly (Range & { readonly level: Level })[] {
    const raw = [
      { level: LEVELS.folded, fromMs: rawFrom, toMs },
      { level: LEVELS.merged, fromMs: rawFrom, toMs },
    ]
    if (rawFrom <= fromMs) return raw
    const { rawMs, historyMs } = this.#store.options.retention
    const fineFrom = Math.max(fromMs, this.#store.options.world.now() - fineHistoryMs(rawMs, historyMs))
    return [
      ...raw,
      { level: LEVELS.fiveMinutes, fromMs: Math.min(fineFrom, rawFrom), toMs: rawFrom },
      { level: LEVELS.hour, fromMs, toMs: Math.min(fineFrom, rawFrom) },
    ]
  }
}

/** How long the history of 5 minutes is kept: a quarter of the whole, so that a year of trends stays small. */
export function fineHistoryMs(rawMs: number, historyMs: number): number {
  return Math.max(rawMs, Math.ceil(historyMs / 4))
}

function inMemory(series: Series, head: Head, { fromMs, toMs }: Range): StoredPoints {
  const points = series.slot < 0 ? NO_POINTS : headPoints(head, series.slot, fromMs, toMs)
  const { loose } = series
  if (loose === undefined) return points
  return mergePoints([points, runPoints(loose.kept, fromMs, toMs), runPoints(loose.fresh, fromMs, toMs)])
}

function copied({ times, values, stale, start, end }: StoredPoints): StoredPoints {
  return {
    times: times.slice(start, end),
    values: values.slice(start, end),
    stale: stale?.slice(start, end),
    start: 0,
    end: end - start,
  }
}

function tooLarge(series: number, { fromMs, toMs }: Range): OutsideError {
  const hours = ((toMs - fromMs) / 3_600_000).toFixed(1)
  return new OutsideError(
    'too-large',
    `${series} series over ${hours} h are more than ${SAMPLES_MAX} samples: ask for fewer series or a shorter time`,
    { retry: false },
  )
}
