import type { ProcessStatus } from '../operations/index.ts'
import type { StatusAnswer } from './contract/index.ts'
import type { Routes } from './routes.ts'

/** `GET /api/status`: the process at a glance. */
export function registerStatus({ app, options, actor }: Routes): void {
  app.get('/api/status', async (request) => statusOf(await options.operations.status(actor(request))))
}

function statusOf(status: ProcessStatus): StatusAnswer {
  return {
    version: status.version,
    timestamp: iso(status.at),
    started_at: iso(status.startedAt),
    ready: status.isReady,
    targets: status.targets.map((target) => ({
      ...target.values,
      name: target.target,
      type: target.type,
      up: Object.values(target.parts)[0]?.ok ?? null,
      caught_up: target.isCaughtUp,
      last_round: target.lastRoundAt === undefined ? null : iso(target.lastRoundAt),
      last_duration_seconds: target.lastDurationMs === undefined ? null : target.lastDurationMs / 1000,
      parts: target.parts,
    })),
    alerts: status.alerts.map((alert) => ({
      episode: alert.episode,
      fingerprint: alert.fingerprint,
      source: alert.source,
      state: alert.isUnknown ? 'unknown' : 'firing',
      labels: alert.labels,
      annotations: alert.annotations,
      starts_at: iso(alert.startsAt),
    })),
    queued: status.queued,
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
