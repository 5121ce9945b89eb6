import { labelsKey, type Labels } from '../../../src/core/labels.ts'
import { matchesAll } from '../../../src/core/matcher.ts'
import type { Points, SeriesLine, SeriesRef, SeriesSource } from '../../../src/promql/index.ts'

interface Sample {
  readonly value: number
  readonly isStale: boolean
  readonly start: number
}

interface StoredSeries extends SeriesRef {
  readonly samples: Map<number, Sample>
  points: Points | undefined
}

/** Samples in memory, as the scripts load them. */
export interface ScriptStore extends SeriesSource {
  load(series: readonly SeriesRef[]): { points(index: number): Points }
  /** Adds the lines of one `load`: the nth point stands at n times the step. */
  add(lines: readonly SeriesLine[], stepMs: number): void
}

export function createScriptStore(): ScriptStore {
  const byKey = new Map<string, StoredSeries>()
  let generation = 0

  function seriesOf(labels: Labels): StoredSeries {
    const key = labelsKey(labels)
    const known = byKey.get(key)
    if (known !== undefined) return known
    const kept = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
    const made = { id: byKey.size, labels: kept, samples: new Map<number, Sample>(), points: undefined }
    byKey.set(key, made)
    generation += 1
    return made
  }

  function addLine({ labels, points }: SeriesLine, stepMs: number, starts: SeriesLine | undefined): void {
    const series = seriesOf(labels)
    series.points = undefined
    for (const [index, point] of points.entries()) {
      if (point === 'gap' || point === 'native') continue
      const time = index * stepMs
      const offset = starts?.points[index]
      const start = typeof offset === 'number' ? time + offset : 0
      series.samples.set(time, { value: point === 'stale' ? 0 : point, isStale: point === 'stale', start })
    }
  }

  return {
    get generation() {
      return generation
    },
    select: (matchers) => [...byKey.values()].filter((series) => matchesAll(matchers, series.labels)),
    load: (series) => ({ points: (index) => pointsOf(byKey.get(labelsKey(series[index]?.labels ?? {}))) }),
    add(lines, stepMs) {
      for (const line of lines) {
        if (line.isStarts) continue
        const key = labelsKey(line.labels)
        const starts = lines.find((other) => other.isStarts && labelsKey(other.labels) === key)
        addLine(line, stepMs, starts)
      }
    },
  }
}

const EMPTY: Points = {
  times: new Float64Array(0),
  values: new Float64Array(0),
  stale: undefined,
  start: 0,
  end: 0,
}

function pointsOf(series: StoredSeries | undefined): Points {
  if (series === undefined) return EMPTY
  series.points ??= buildPoints(series.samples)
  return series.points
}

function buildPoints(samples: ReadonlyMap<number, Sample>): Points {
  const sorted = [...samples].toSorted(([a], [b]) => a - b)
  const starts = Float64Array.from(sorted, ([, sample]) => sample.start)
  return {
    times: Float64Array.from(sorted, ([time]) => time),
    values: Float64Array.from(sorted, ([, sample]) => sample.value),
    stale: sorted.some(([, sample]) => sample.isStale)
      ? Uint8Array.from(sorted, ([, sample]) => (sample.isStale ? 1 : 0))
      : undefined,
    ...(starts.some((start) => start !== 0) ? { starts } : {}),
    start: 0,
    end: sorted.length,
  }
}
