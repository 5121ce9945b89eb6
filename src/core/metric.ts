/** What one metric is. The name is the key of the table. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** A base unit, as the name ends: `seconds`, `bytes`, `blocks`. */
  readonly unit?: string
  /** The label names beside `target`, `job` and `instance`. */
  readonly labels?: readonly string[]
}

/** Every metric of a collector, or of Chainwarden itself, by name. `/metrics`, the reference pages and tests derive from it. */
export type MetricTable = Readonly<Record<string, MetricDefinition>>
