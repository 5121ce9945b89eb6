import type { Labels } from './labels.ts'

/** One value of one series at the time of its round. The collector leaves out `target`, `job` and `instance`. */
export interface Sample {
  /** The metric's name; a histogram's parts are `x_bucket` (with `le`), `x_sum` and `x_count`. */
  readonly name: string
  readonly labels: Labels
  readonly value: number
}
