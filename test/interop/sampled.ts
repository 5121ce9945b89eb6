import type { ServedSeries } from '../support/served-samples.ts'

/** When the first sample was taken: a whole hour. */
export const FIRST_MS = 1_767_225_600_000
const STEP_MS = 15_000
const ROUNDS = 240
/** When the last sample was taken. */
export const LAST_MS = FIRST_MS + (ROUNDS - 1) * STEP_MS

/**
 * An hour of samples every 15 seconds. Ask for times that are no multiple of 15 s: Debian's Prometheus still counts a
 * sample on a window's left edge, and 3.x does not.
 */
export function sampleAnHour(): readonly ServedSeries[] {
  return [...counters(), ...histograms(), ...gauges()]
}

function counters(): readonly ServedSeries[] {
  return ['api', 'web'].flatMap((job, jobIndex) =>
    ['a:1', 'b:1', 'c:1'].flatMap((instance, index) =>
      ['200', '500'].map((code) =>
        series({ __name__: 'requests_total', code, instance, job }, (round) => {
          // One of them starts again in the middle.
          const since = index === 1 && round >= 100 ? round - 100 : round
          return Math.floor(since * (3.7 + index + jobIndex * 2) * (code === '500' ? 0.1 : 1))
        }),
      ),
    ),
  )
}

function histograms(): readonly ServedSeries[] {
  const bounds = ['0.1', '0.5', '1', '5', '+Inf']
  return ['api', 'web'].flatMap((job, jobIndex) => {
    const rate = 2 + jobIndex
    const buckets = bounds.map((le, index) =>
      series({ __name__: 'duration_seconds_bucket', job, le }, (round) => round * (index + 1) * rate),
    )
    return buckets.concat(
      series({ __name__: 'duration_seconds_sum', job }, (round) => round * 1.37 * rate),
      series({ __name__: 'duration_seconds_count', job }, (round) => round * bounds.length * rate),
    )
  })
}

function gauges(): readonly ServedSeries[] {
  return [
    series({ __name__: 'temperature', room: 'attic' }, (round) => 20 + 7 * Math.sin(round / 9)),
    series({ __name__: 'temperature', room: 'cellar "deep"\\' }, (round) => (round % 40 === 0 ? NaN : 9.25)),
    // Ends in the middle of the hour.
    series({ __name__: 'temperature', room: 'shed' }, (round) => (round < 80 ? -3.5 : null)),
    series({ __name__: 'temperature', room: 'kiln' }, (round) => (round > 200 ? Infinity : 1e21)),
    series({ __name__: 'tiny', room: 'attic' }, (round) => 1.5e-7 * round),
  ]
}

function series(labels: ServedSeries['labels'], valueAt: (round: number) => number | null): ServedSeries {
  const values = Array.from({ length: ROUNDS }, (_, round) => valueAt(round))
  return { labels, startMs: FIRST_MS, stepMs: STEP_MS, values }
}
