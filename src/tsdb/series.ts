import { canonicalLabels, type Labels, METRIC_NAME } from '../core/labels.ts'
import type { Sample } from '../core/sample.ts'
import type { Loose } from './loose.ts'

/** One series: its labels, and where its samples are. A class, because there are many and every append touches them. */
export class Series {
  readonly id: number
  readonly labels: Labels
  /** The scope that writes it. */
  scope: number
  /** Scopes that wrote it before, whose parts may hold samples of it. */
  former: readonly number[]
  /** Its place in the scope's head; -1 while the head holds nothing of it. */
  slot = -1
  /** Whether its scope wrote it last time. */
  isLive = false
  /** The time of its last sample, once it is no longer live. */
  endedAt = 0
  /** Samples at or before this time are not all in the scope's head, because another head had them. */
  floor = Number.NEGATIVE_INFINITY
  /** Samples that do not fit the head: late ones, history, those of another scope. */
  loose: Loose | undefined

  constructor(id: number, labels: Labels, scope: number) {
    this.id = id
    this.labels = labels
    this.scope = scope
    this.former = []
  }

  /** Every scope whose parts may hold samples of it. */
  scopes(): readonly number[] {
    return this.former.includes(this.scope) ? this.former : [...this.former, this.scope]
  }
}

/** The labels of a sample as its series has them: with the name, and those of the target. */
export function seriesLabels(sample: Sample, base: Labels): Labels {
  return canonicalLabels({ ...base, ...sample.labels, [METRIC_NAME]: sample.name })
}

/** 31 bits over names and values, for finding a series without keeping a text of its labels. */
export function hashLabels(labels: Labels): number {
  let hash = 0x811c9dc5
  for (const name of Object.keys(labels)) {
    hash = hashText(hash, name)
    hash = hashText(hash, labels[name] ?? '')
  }
  return hash >>> 1
}

function hashText(start: number, text: string): number {
  let hash = start
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return Math.imul(hash ^ 0xff, 0x01000193)
}

/** Whether two canonical label sets are equal. */
export function equalLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/**
 * Whether `sample` is of `series` again, without building its labels: the way almost every sample takes. `ownCount` is
 * how many labels the series' sample had the last time. False where it is not certain.
 */
export function isSameSeries(series: Series, sample: Sample, base: Labels, ownCount: number): boolean {
  const { labels } = series
  if (labels[METRIC_NAME] !== sample.name) return false
  const own = sample.labels
  let count = 0
  for (const name of Object.keys(own)) {
    // A label that the target has too may win or lose: leave that to the slow way.
    if (labels[name] !== own[name] || base[name] !== undefined) return false
    count++
  }
  return count === ownCount
}
