import type { Alert } from '../core/alert.ts'
import type { StoredEvent } from '../core/event.ts'
import type { MetricTable } from '../core/metric.ts'
import type { TargetStatus } from '../core/target-status.ts'
import type { QueryResult } from '../promql/index.ts'
import { type Actor, authorise } from './actor.ts'
import type { CurrentSample, EventFilter, OperationsPorts, ReloadResult } from './ports.ts'

export { type Actor, Forbidden, type Role } from './actor.ts'
export type { CurrentSample, EventFilter, OperationsPorts, ReloadResult } from './ports.ts'
export { PromqlError, type QueryResult } from '../promql/index.ts'

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

/** What an operator may do, whoever carries it here: the API, the command line, the bot. */
export interface Operations {
  status(actor: Actor): Promise<ProcessStatus>
  events(actor: Actor, filter: EventFilter): Promise<readonly StoredEvent[]>
  /** @throws PromqlError with the position in the expression */
  query(actor: Actor, expr: string, atMs: number, signal: AbortSignal): Promise<QueryResult>
  currentSamples(actor: Actor): { readonly samples: Iterable<CurrentSample>; readonly table: MetricTable }
  reload(actor: Actor): Promise<ReloadResult>
}

export const EVENTS_MAX = 10_000

/** Binds the operations to a process. Each authorises its actor first; what changes something is audited. */
export function createOperations(ports: OperationsPorts): Operations {
  return {
    async status(actor) {
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
    async events(actor, filter) {
      authorise(actor, 'viewer')
      return ports.events({ ...filter, limit: Math.min(filter.limit, EVENTS_MAX) })
    },
    async query(actor, expr, atMs, signal) {
      authorise(actor, 'viewer')
      return ports.query(expr, atMs, signal)
    },
    currentSamples(actor) {
      authorise(actor, 'viewer')
      return { samples: ports.current(), table: ports.metricTable }
    },
    async reload(actor) {
      authorise(actor, 'admin')
      const result = await ports.reload()
      ports.audit(actor.name, 'reload', result.ok ? 'done' : 'refused')
      return result
    },
  }
}
