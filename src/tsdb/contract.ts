import type { Labels } from '../core/labels.ts'
import type { Matcher } from '../core/matcher.ts'
import type { Sample } from '../core/sample.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

export interface TsdbOptions {
  /** The SQLite file; undefined keeps everything in memory and loses it with the process. */
  readonly file: string | undefined
  readonly world: Pick<World, 'now' | 'monotonic' | 'yield'>
  readonly log: Logger
  readonly limits: {
    /** Series being written at the same time, over all scopes. What comes on top is dropped, counted and said once. */
    readonly maxSeries: number
    readonly maxSeriesPerScope: number
  }
  readonly retention: {
    /** How long every sample is kept, milliseconds. */
    readonly rawMs: number
    /** How long the downsampled history is kept, milliseconds; never less than `rawMs`. */
    readonly historyMs: number
    /** The largest size of the file; the oldest goes first. Undefined: age alone decides. */
    readonly maxBytes?: number | undefined
  }
  /** How far behind the newest sample of its scope a late one may be. Default 10 minutes. */
  readonly outOfOrderMs?: number
}

/** What one part of one target, one rule group or one sender brings at one instant. */
export interface AppendRequest {
  /** Milliseconds UTC; the one timestamp of all samples. */
  readonly at: number
  /**
   * Who writes. A series that a scope wrote in its previous append and leaves out of the next one ends with a staleness
   * marker. Letters are free; the text is kept on disk.
   */
  readonly scope: string
  readonly samples: readonly Sample[]
  /** Merged into the labels of each sample; a label that the sample has itself wins. */
  readonly labels: Labels
}

/** What became of the samples of one append. */
export interface AppendResult {
  /** Samples that are visible now. */
  readonly appended: number
  /** Series that ended, because they were missing. */
  readonly ended: number
  /** Samples of a series and time that were there already: ignored. */
  readonly duplicates: number
  /** Samples older than the window for late ones, or than the retention: dropped. */
  readonly tooOld: number
  /** Samples of series that would have been one too many: dropped. */
  readonly overLimit: number
}

/** A series as the store knows it; the same object while the generation stays. */
export interface StoredSeries {
  readonly id: number
  /** With `__name__`, sorted by name. */
  readonly labels: Labels
}

/** See `Points` in promql's `source.ts`, whose shape this is. */
export interface StoredPoints {
  readonly times: Float64Array
  readonly values: Float64Array
  /** 1 where the sample is a staleness marker; its value means nothing. */
  readonly stale: Uint8Array | undefined
  readonly start: number
  readonly end: number
}

export interface StoredSamples {
  /** Of the nth series asked for. Views: read at once, never keep, never write. */
  points(index: number): StoredPoints
}

/** One bucket of the downsampled history. Buckets are open at `time - resolutionMs` and closed at `time`. */
export interface HistoryPoint {
  /** The end of the bucket, milliseconds UTC, a multiple of the resolution. */
  readonly time: number
  readonly min: number
  readonly max: number
  readonly sum: number
  readonly count: number
  readonly last: number
}

/** Two resolutions are kept: 5 minutes for the first quarter of the history's time, 1 hour for all of it. */
export type HistoryResolution = '5m' | '1h'

/** The last sample of a series that is being written. */
export interface LatestSample {
  readonly labels: Labels
  readonly value: number
  /** Milliseconds UTC. */
  readonly time: number
}

/** Counts since the start, and sizes as they are. All are fit for `/metrics`. */
export interface TsdbStats {
  /** Series with samples within the retention. */
  readonly series: number
  /** Series that are being written. */
  readonly liveSeries: number
  readonly scopes: number
  readonly samplesAppended: number
  readonly staleMarkers: number
  readonly duplicates: number
  readonly tooOld: number
  /** Samples dropped because their series would have been one too many. */
  readonly overLimit: number
  /** Samples that left memory before a failing disk could take them. */
  readonly lostToDisk: number
  /** Blobs whose checksum was wrong; they are kept apart. */
  readonly damagedBlobs: number
  readonly flushFailures: number
  /** Bytes of samples appended and not durable yet. */
  readonly unflushedBytes: number
  /** Bytes of uncompressed samples in memory. */
  readonly rawBytes: number
  /** Bytes of the file that hold something; 0 in memory. */
  readonly fileBytes: number
}

/** The embedded time-series store. Fulfils promql's `SeriesSource`. */
export interface Tsdb {
  /** Grows whenever a series appears or goes. */
  readonly generation: number
  /** In memory and visible to queries when it returns; durable after the next `flush`. */
  append(request: AppendRequest): AppendResult
  /**
   * Writes samples at a time of their own, as far back as the history goes: what happened before the first start.
   * Nothing becomes stale by it, and the window for late samples does not hold.
   */
  appendAt(request: AppendRequest): AppendResult
  /** Ends every series the scope wrote last: a part failed, a target left. Returns how many. */
  endScope(scope: string, at: number): number
  /**
   * Makes durable all that was appended before the call. Callers that wait together commit together.
   *
   * @throws OutsideError `local` with a sentence when the disk refuses; samples stay in memory and the next flush tries
   *   again
   */
  flush(): Promise<void>
  /** Series that all matchers match, in no particular order. */
  select(matchers: readonly Matcher[]): readonly StoredSeries[]
  /**
   * Brings samples with `fromMs < time <= toMs` within reach: at once when they are in memory, else from disk in slices.
   * Where raw samples have gone, the last value of each 5 minutes (later of each hour) stands for them.
   *
   * @throws OutsideError `too-large` when more samples would have to be held than fit, as a rejection
   */
  load(
    series: readonly StoredSeries[],
    fromMs: number,
    toMs: number,
    signal?: AbortSignal,
  ): StoredSamples | Promise<StoredSamples>
  /** The downsampled history of one series, ascending. Days that are not over are not in it. */
  history(
    series: StoredSeries,
    range: { readonly fromMs: number; readonly toMs: number; readonly resolution: HistoryResolution },
    signal?: AbortSignal,
  ): Promise<readonly HistoryPoint[]>
  /** Every series with a sample in the 5 minutes before `atMs` that did not end. */
  latest(atMs: number): Iterable<LatestSample>
  /** Sorted. */
  labelNames(): readonly string[]
  /** Sorted; empty for a name that no series has. */
  labelValues(name: string): readonly string[]
  stats(): TsdbStats
  /** One run of compaction, downsampling and retention, in slices of a few milliseconds. Call it about once a minute. */
  maintain(signal?: AbortSignal): Promise<void>
  /** Flushes and lets go of the file. */
  close(): Promise<void>
}
