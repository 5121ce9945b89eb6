import type { Alert } from '../core/alert.ts'
import type { StoredEvent } from '../core/event.ts'
import type { Labels } from '../core/labels.ts'
import type { MetricTable } from '../core/metric.ts'
import type { TargetStatus } from '../core/target-status.ts'
import type { QueryResult } from '../promql/index.ts'

/** Which events are asked for. Times in milliseconds UTC. */
export interface EventFilter {
  readonly target?: string | undefined
  readonly name?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly afterSequence?: number | undefined
  readonly limit: number
}

/** A series as it stands now. */
export interface CurrentSample {
  readonly labels: Labels
  readonly value: number
  /** Milliseconds UTC. */
  readonly time: number
}

/** What became of a reload. */
export type ReloadResult =
  | { readonly ok: true; readonly changed: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] }

/** What the operations need of the running process. `app` fulfils it. */
export interface OperationsPorts {
  readonly version: string
  readonly startedAt: number
  now(): number
  isReady(): boolean
  targets(): readonly TargetStatus[]
  alerts(): readonly Alert[]
  /** Notifications that wait, by destination. */
  queued(): Promise<Readonly<Record<string, number>>>
  readonly metricTable: MetricTable
  current(): Iterable<CurrentSample>
  events(filter: EventFilter): Promise<readonly StoredEvent[]>
  query(expr: string, atMs: number, signal: AbortSignal): Promise<QueryResult>
  reload(): Promise<ReloadResult>
  /** One line of the audit: who did what. */
  audit(actor: string, operation: string, outcome: string): void
}
