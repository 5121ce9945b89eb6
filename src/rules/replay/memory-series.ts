import { canonicalLabels, labelsKey, type Labels, METRIC_NAME } from '../../core/labels.ts'
import { matchesAll } from '../../core/matcher.ts'
import type { Sample } from '../../core/sample.ts'
import type { Points, SeriesRef, SeriesSource } from '../../promql/index.ts'

interface StoredSeries extends SeriesRef {
  times: number[]
  values: number[]
  /** Times of staleness markers, among `times`. */
  readonly stale: Set<number>
  /** Built when read, undefined after a change. */
  points: Points | undefined
}

/** Series in memory, for rules that are tried out: what was, and what the rules write on top of it. */
export interface MemorySeries extends SeriesSource {
  load(series: readonly SeriesRef[]): { points(index: number): Points }
  /** Adds one sample; one at the same time is replaced. `stale` ends the series there. */
  add(labels: Labels, atMs: number, value: number | 'stale'): void
  /** Adds what a rule gives at one time. What its scope wrote the time before, and not now, ends. */
  write(scope: string, atMs: number, samples: readonly Sample[]): void
  /** Forgets what is older, and series of which nothing is left. */
  trim(beforeMs: number): void
  /** How many samples are held. */
  readonly size: number
}

export function createMemorySeries(): MemorySeries {
  const byKey = new Map<string, StoredSeries>()
  const scopes = new Map<string, ReadonlyMap<string, Labels>>()
  let generation = 0
  let nextId = 0
  let size = 0

  function seriesOf(labels: Labels): StoredSeries {
    const key = labelsKey(labels)
    const known = byKey.get(key)
    if (known !== undefined) return known
    const made = {
      id: nextId,
      labels: canonicalLabels(labels),
      times: [],
      values: [],
      stale: new Set<number>(),
      points: undefined,
    }
    nextId += 1
    generation += 1
    byKey.set(key, made)
    return made
  }

  function add(labels: Labels, atMs: number, value: number | 'stale'): void {
    if (insert(seriesOf(labels), atMs, value)) size += 1
  }

  return {
    get generation() {
      return generation
    },
    get size() {
      return size
    },
    select: (matchers) => [...byKey.values()].filter((series) => matchesAll(matchers, series.labels)),
    load: (series) => ({ points: (index) => pointsOf(byKey.get(labelsKey(series[index]?.labels ?? {}))) }),
    add,
    write(scope, atMs, samples) {
      const written = new Map<string, Labels>()
      for (const { name, labels, value } of samples) {
        const named = { ...labels, [METRIC_NAME]: name }
        written.set(labelsKey(named), named)
        add(named, atMs, value)
      }
      for (const [key, labels] of scopes.get(scope) ?? []) if (!written.has(key)) add(labels, atMs, 'stale')
      scopes.set(scope, written)
    },
    trim(beforeMs) {
      for (const [key, series] of byKey) {
        size -= dropBefore(series, beforeMs)
        if (series.times.length > 0) continue
        byKey.delete(key)
        generation += 1
      }
    },
  }
}

/** @returns whether there was no sample at that time */
function insert(series: StoredSeries, atMs: number, value: number | 'stale'): boolean {
  const place = placeOf(series.times, atMs)
  const isThere = series.times[place] === atMs
  series.times.splice(place, isThere ? 1 : 0, atMs)
  series.values.splice(place, isThere ? 1 : 0, value === 'stale' ? 0 : value)
  if (value === 'stale') series.stale.add(atMs)
  else series.stale.delete(atMs)
  series.points = undefined
  return !isThere
}

/** @returns how many samples are gone */
function dropBefore(series: StoredSeries, beforeMs: number): number {
  const gone = placeOf(series.times, beforeMs)
  if (gone === 0) return 0
  for (const time of series.times.slice(0, gone)) series.stale.delete(time)
  series.times = series.times.slice(gone)
  series.values = series.values.slice(gone)
  series.points = undefined
  return gone
}

/** Where a time stands, or would stand. Nearly always at the end. */
function placeOf(times: readonly number[], time: number): number {
  const last = times.at(-1)
  if (last === undefined || last < time) return times.length
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? 0) < time) low = middle + 1
    else high = middle
  }
  return low
}

const EMPTY: Points = { times: new Float64Array(0), values: new Float64Array(0), stale: undefined, start: 0, end: 0 }

function pointsOf(series: StoredSeries | undefined): Points {
  if (series === undefined) return EMPTY
  series.points ??= {
    times: Float64Array.from(series.times),
    values: Float64Array.from(series.values),
    stale:
      series.stale.size === 0 ? undefined : Uint8Array.from(series.times, (time) => (series.stale.has(time) ? 1 : 0)),
    start: 0,
    end: series.times.length,
  }
  return series.points
}
