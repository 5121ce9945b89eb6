import type { Scheduler } from '../collectors/index.ts'
import type { Config } from '../config/index.ts'
import type { MetricTable } from '../core/metric.ts'
import type { Logger } from '../lib/log.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { World } from '../lib/world.ts'
import { OUTBOX_METRICS } from '../outbox/index.ts'
import type { QueryEngine } from '../promql/index.ts'
import { createQueries } from './queries.ts'
import { createOwnMetrics } from './self-metrics.ts'
import { type Alerts, wireAlerts } from './wire-alerts.ts'
import { openStorage, type Storage } from './wire-storage.ts'
import { wireTargets } from './wire-targets.ts'

/** Everything between a target and a message, without a server: what `run` and `run --once` share. */
export interface Core {
  readonly storage: Storage
  readonly queries: QueryEngine
  readonly alerts: Alerts
  readonly scheduler: Scheduler
  readonly metrics: MetricsRegistry
  readonly metricTable: MetricTable
  /** Brings what is counted elsewhere up to date. */
  refreshMetrics(metrics: MetricsRegistry): void
  /** Stops rounds, then evaluation, then delivery, then lets go of what is stored. */
  stop(): Promise<void>
}

export interface CoreOptions {
  readonly config: Config
  readonly world: World
  readonly log: Logger
}

/** Opens what is stored and builds everything on it. Nothing is asked, evaluated or sent yet. */
export async function createCore({ config, world, log }: CoreOptions): Promise<Core> {
  const storage = await openStorage(config, world, log)
  try {
    const { metrics, table } = createOwnMetrics(OUTBOX_METRICS)
    const queries = createQueries(storage.tsdb, world)
    const { host, port } = config.server.listen[0] ?? { host: '127.0.0.1', port: 9095 }
    const externalUrl = config.server.external_url?.replace(/\/$/, '') ?? `http://${host}:${port}`
    const alerts = await wireAlerts({ world, log, metrics, storage, queries, config, externalUrl })
    const scheduler = wireTargets({
      world,
      log,
      metrics,
      storage,
      arrived: (arrival) => alerts.arrived(arrival),
      left: (target) => alerts.left(target),
    })
    return {
      storage,
      queries,
      alerts,
      scheduler,
      metrics,
      metricTable: tableOf(config, table),
      refreshMetrics: (registry) => refresh(registry, storage, alerts),
      async stop() {
        await scheduler.stop()
        await alerts.stop()
        await storage.close()
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** What every metric is: our own, and those of the types that are watched. */
function tableOf(config: Config, own: MetricTable): MetricTable {
  const theirs = config.targets.flatMap(({ definition }) => Object.entries(definition.metrics))
  return { ...own, ...Object.fromEntries(theirs) }
}

function refresh(metrics: MetricsRegistry, { tsdb }: Storage, alerts: Alerts): void {
  metrics.set('chainwarden_notifications_queued', alerts.waiting())
  const stats = tsdb.stats()
  metrics.set('chainwarden_series', stats.series)
  metrics.set('chainwarden_storage_bytes', stats.fileBytes, { file: 'samples.db' })
  const counted = {
    duplicate: stats.duplicates,
    too_old: stats.tooOld,
    over_limit: stats.overLimit,
    disk: stats.lostToDisk,
  }
  metrics.raise('chainwarden_samples_appended_total', stats.samplesAppended)
  for (const [reason, count] of Object.entries(counted)) {
    metrics.raise('chainwarden_samples_dropped_total', count, { reason })
  }
}
