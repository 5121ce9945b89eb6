import type { Labels } from '../core/labels.ts'
import type { SeriesRef } from './source.ts'

export interface VectorElement {
  readonly labels: Labels
  readonly value: number
}

export interface MatrixSeries {
  readonly labels: Labels
  /** Milliseconds UTC, ascending; `values[i]` belongs to `times[i]`. */
  readonly times: Float64Array
  readonly values: Float64Array
}

/** What an expression gives. An instant query of a range selector gives a matrix of raw samples. */
export type Value =
  | { readonly type: 'vector'; readonly elements: readonly VectorElement[] }
  | { readonly type: 'matrix'; readonly series: readonly MatrixSeries[] }
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }

export interface QueryResult<T extends Value = Value> {
  readonly value: T
  /** As Prometheus words them, with the place: `PromQL warning: ... (1:6)`. */
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
  /** The series that each selector chose, whether or not they had samples; the same arrays while nothing changes. */
  readonly reads: readonly (readonly SeriesRef[])[]
}
