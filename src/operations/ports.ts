import type { Alert } from '../core/alert.ts'
import type { StoredEvent } from '../core/event.ts'
import type { Labels } from '../core/labels.ts'
import type { MetricTable } from '../core/metric.ts'
import type { TargetStatus } from '../core/target-status.ts'
import type { SliceClock } from '../lib/slices.ts'
import type { QueryEngine, SeriesSource } from '../promql/index.ts'
import type { RuleEngine } from '../rules/index.ts'

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

/** In what one query differs from how rules ask. */
export interface QueryBounds {
  /** How far an instant selector looks back, milliseconds. */
  readonly lookbackMs?: number | undefined
  /** How long the query may take, milliseconds; never longer than any query may. */
  readonly timeoutMs?: number | undefined
}

/** Every series that is stored, by its labels. */
export interface SeriesCatalog extends Pick<SeriesSource, 'select' | 'load'> {
  /** Sorted. */
  labelNames(): readonly string[]
  /** Sorted; empty for a name that no series has. */
  labelValues(name: string): readonly string[]
}

/** A rule group with its rules and their alerts. */
export type RuleGroupStatus = ReturnType<RuleEngine['status']>[number]

/** How often a target is asked, and how long one answer may take; milliseconds. */
export interface TargetPace {
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** What the process says of itself. Times in milliseconds UTC. */
export interface ProcessFacts {
  /** The folder it was started in. */
  readonly folder: string
  readonly host: string
  /** When the configuration was last taken over. */
  readonly configuredAt: number
  /** Whether the last attempt to take one over went well. */
  readonly isConfigurationGood: boolean
  /** How long raw samples are kept, milliseconds. */
  readonly rawRetentionMs: number
  readonly damagedBlobs: number
  /** How it was set up, under the names of Prometheus' flags. */
  readonly flags: Readonly<Record<string, string>>
}

/** What the operations need of the running process. `app` fulfils it. */
export interface OperationsPorts {
  readonly version: string
  readonly startedAt: number
  now(): number
  readonly clock: SliceClock
  isReady(): boolean
  targets(): readonly TargetStatus[]
  /** Undefined for a target that is no longer configured. */
  paceOf(target: string): TargetPace | undefined
  alerts(): readonly Alert[]
  ruleGroups(): readonly RuleGroupStatus[]
  /** Notifications that wait, by destination. */
  queued(): Promise<Readonly<Record<string, number>>>
  readonly metricTable: MetricTable
  current(): Iterable<CurrentSample>
  events(filter: EventFilter): Promise<readonly StoredEvent[]>
  queries(bounds: QueryBounds): Pick<QueryEngine, 'instant' | 'range'>
  readonly series: SeriesCatalog
  facts(): ProcessFacts
  /** The configuration that is in force, as YAML, with every secret hidden. */
  configuration(): Promise<string>
  reload(): Promise<ReloadResult>
  /** One line of the audit: who did what. */
  audit(actor: string, operation: string, outcome: string): void
}
