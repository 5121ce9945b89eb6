import type { Labels } from '../core/labels.ts'

/** A query's answer, in the words of Prometheus' HTTP API. Times in milliseconds UTC. */
export interface QueryAnswer {
  readonly result:
    | { readonly type: 'vector'; readonly elements: readonly { readonly labels: Labels; readonly value: number }[] }
    | {
        readonly type: 'matrix'
        readonly series: readonly { readonly labels: Labels; readonly points: readonly (readonly [number, number])[] }[]
      }
    | { readonly type: 'scalar'; readonly value: number }
    | { readonly type: 'string'; readonly value: string }
  readonly atMs: number
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
}
