/** One measured figure beside its goal. Smaller is better, for all of them. */
export interface Figure {
  readonly name: string
  /** What was measured, in words for the table. */
  readonly what: string
  readonly value: number
  readonly goal: number
  readonly unit: 'x' | 'ms' | 's' | 'MB'
  /** How often, how long, against what; and what was left out by a quick run. */
  readonly how: string
}

export interface BenchmarkOptions {
  /** Fewer repetitions and shorter waits: to see that it runs, not for the record. */
  readonly isQuick: boolean
  /** How long memory is watched. */
  readonly minutes: number
  /** A folder of this benchmark's own; it goes away afterwards. */
  readonly folder: string
  readonly say: (what: string) => void
}

export interface Benchmark {
  readonly name: string
  readonly run: (options: BenchmarkOptions) => Promise<readonly Figure[]>
}

/** The value that this share of all values does not exceed (the nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new Error('nothing was measured')
  return value
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}
