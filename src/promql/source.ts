import type { Labels } from '../core/labels.ts'
import type { Matcher } from '../core/matcher.ts'

/** A series as the source knows it. The same object for the same series while the generation does not change. */
export interface SeriesRef {
  readonly id: number
  /** With `__name__`. Never changes. */
  readonly labels: Labels
}

/**
 * Samples of one series, ascending by time; `times[i]` in milliseconds UTC belongs to `values[i]`, for `start <= i < end`.
 * Views into the source's own arrays: read at once, never keep, never write.
 */
export interface Points {
  readonly times: Float64Array
  readonly values: Float64Array
  /** 1 where the sample is a staleness marker (its value means nothing); undefined where there is none. */
  readonly stale: Uint8Array | undefined
  /** When the counter of each sample began, 0 where that is not known. A source that knows nothing of it leaves it out. */
  readonly starts?: Float64Array
  readonly start: number
  readonly end: number
}

/** Samples within reach, series by series, in the order asked for. */
export interface LoadedSeries {
  /** All samples of the nth series with from < time <= to, as passed to `load`. May be a wider range than asked. */
  points(index: number): Points
}

/** What PromQL reads from. The embedded store fulfils it; tests use an array. */
export interface SeriesSource {
  /** Grows whenever a series appears or goes, so that a resolved selection can be kept until then. */
  readonly generation: number
  /** Every series that all matchers match, in no particular order. The index is in memory: no waiting. */
  select(matchers: readonly Matcher[]): readonly SeriesRef[]
  /**
   * Brings the samples with `fromMs < time <= toMs` within reach. Returns at once, without a promise, when they are in
   * memory: rules evaluate without waiting.
   */
  load(
    series: readonly SeriesRef[],
    fromMs: number,
    toMs: number,
    signal?: AbortSignal,
  ): LoadedSeries | Promise<LoadedSeries>
}
