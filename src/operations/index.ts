import type { Alert } from '../core/alert.ts'
import type { StoredEvent } from '../core/event.ts'
import type { Labels } from '../core/labels.ts'
import type { MetricTable } from '../core/metric.ts'
import type { TargetStatus } from '../core/target-status.ts'
import type { QueryResult } from '../promql/index.ts'
import { type Actor, authorise } from './actor.ts'
import {
  type Cardinality,
  findLabelNames,
  findLabelValues,
  findSeries,
  measureCardinality,
  type SeriesFilter,
} from './catalog.ts'
import type {
  CurrentSample,
  EventFilter,
  OperationsPorts,
  ProcessFacts,
  ReloadResult,
  RuleGroupStatus,
  TargetPace,
} from './ports.ts'
import { askInstant, askRange, type InstantQuery, type RangeQuery } from './queries.ts'

export { type Actor, Forbidden, type Role } from './actor.ts'
export type { Cardinality, SeriesFilter } from './catalog.ts'
export type {
  CurrentSample,
  EventFilter,
  OperationsPorts,
  ProcessFacts,
  QueryBounds,
  ReloadResult,
  RuleGroupStatus,
} from './ports.ts'
export type { InstantQuery, RangeQuery } from './queries.ts'
// The language itself asks nobody for leave: those who carry an expression here may read and print it.
export {
  type DurationExpr,
  type Expr,
  formatExpr,
  functionSignature,
  parseExpr,
  placeOf,
  prettyExpr,
  PromqlError,
  type QueryResult,
  typeOf,
} from '../promql/index.ts'

/** The process at a glance. */
export interface ProcessStatus {
  readonly version: string
  readonly at: number
  readonly startedAt: number
  readonly isReady: boolean
  readonly targets: readonly TargetStatus[]
  readonly alerts: readonly Alert[]
  readonly queued: Readonly<Record<string, number>>
}

/** A target, and how often it is asked. */
export interface PacedTarget {
  readonly status: TargetStatus
  /** Undefined for a target that is no longer configured. */
  readonly pace: TargetPace | undefined
}

/** What an operator may do, whoever carries it here: the API, the command line, the bot. */
export interface Operations {
  status(actor: Actor): Promise<ProcessStatus>
  events(actor: Actor, filter: EventFilter): Promise<readonly StoredEvent[]>
  /** @throws PromqlError with the position in the expression */
  query(actor: Actor, asked: InstantQuery, signal: AbortSignal): Promise<QueryResult>
  /** @throws PromqlError with the position in the expression */
  queryRange(actor: Actor, asked: RangeQuery, signal: AbortSignal): Promise<QueryResult>
  series(actor: Actor, filter: SeriesFilter, signal: AbortSignal): Promise<readonly Labels[]>
  labelNames(actor: Actor, filter: SeriesFilter, signal: AbortSignal): Promise<readonly string[]>
  labelValues(actor: Actor, name: string, filter: SeriesFilter, signal: AbortSignal): Promise<readonly string[]>
  cardinality(actor: Actor, limit: number): Promise<Cardinality>
  currentSamples(actor: Actor): { readonly samples: Iterable<CurrentSample>; readonly table: MetricTable }
  targets(actor: Actor): readonly PacedTarget[]
  ruleGroups(actor: Actor): readonly RuleGroupStatus[]
  facts(actor: Actor): ProcessFacts
  /** As YAML, with every secret hidden. */
  configuration(actor: Actor): Promise<string>
  reload(actor: Actor): Promise<ReloadResult>
}

const EVENTS_MAX = 10_000

/** Binds the operations to a process. Each authorises its actor first; what changes something is audited. */
export function createOperations(ports: OperationsPorts): Operations {
  return {
    ...createReadings(ports),
    ...createSeriesReadings(ports),
    async reload(actor) {
      authorise(actor, 'admin')
      const result = await ports.reload()
      ports.audit(actor.name, 'reload', result.ok ? 'done' : 'refused')
      return result
    },
  }
}

/** What the process knows of itself and of what it watches. */
function createReadings(ports: OperationsPorts) {
  return {
    async status(actor: Actor) {
      authorise(actor, 'viewer')
      return {
        version: ports.version,
        at: ports.now(),
        startedAt: ports.startedAt,
        isReady: ports.isReady(),
        targets: ports.targets(),
        alerts: ports.alerts(),
        queued: await ports.queued(),
      }
    },
    async events(actor: Actor, filter: EventFilter) {
      authorise(actor, 'viewer')
      return ports.events({ ...filter, limit: Math.min(filter.limit, EVENTS_MAX) })
    },
    targets(actor: Actor) {
      authorise(actor, 'viewer')
      return ports.targets().map((status) => ({ status, pace: ports.paceOf(status.target) }))
    },
    ruleGroups(actor: Actor) {
      authorise(actor, 'viewer')
      return ports.ruleGroups()
    },
    facts(actor: Actor) {
      authorise(actor, 'viewer')
      return ports.facts()
    },
    async configuration(actor: Actor) {
      authorise(actor, 'viewer')
      return ports.configuration()
    },
  }
}

/** What is stored as samples. */
function createSeriesReadings(ports: OperationsPorts) {
  return {
    async query(actor: Actor, asked: InstantQuery, signal: AbortSignal) {
      authorise(actor, 'viewer')
      return askInstant(ports, asked, signal)
    },
    async queryRange(actor: Actor, asked: RangeQuery, signal: AbortSignal) {
      authorise(actor, 'viewer')
      return askRange(ports, asked, signal)
    },
    async series(actor: Actor, filter: SeriesFilter, signal: AbortSignal) {
      authorise(actor, 'viewer')
      return findSeries(ports, filter, signal)
    },
    async labelNames(actor: Actor, filter: SeriesFilter, signal: AbortSignal) {
      authorise(actor, 'viewer')
      return findLabelNames(ports, filter, signal)
    },
    async labelValues(actor: Actor, name: string, filter: SeriesFilter, signal: AbortSignal) {
      authorise(actor, 'viewer')
      return findLabelValues(ports, name, filter, signal)
    },
    async cardinality(actor: Actor, limit: number) {
      authorise(actor, 'viewer')
      return measureCardinality(ports, limit)
    },
    currentSamples(actor: Actor) {
      authorise(actor, 'viewer')
      return { samples: ports.current(), table: ports.metricTable }
    },
  }
}
