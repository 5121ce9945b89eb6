import { isDeepStrictEqual } from 'node:util'

import type { ApiServer } from '../api/index.ts'
import type { Config } from '../config/index.ts'
import { ConfigError, describeFault, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import { createOperations, type Operations, type ReloadResult } from '../operations/index.ts'
import { parseExpr } from '../promql/index.ts'
import { createCliFiles } from './cli-files.ts'
import { createCore, type Core } from './core-parts.ts'
import { startSelfMetrics } from './self-metrics.ts'
import { urlOf, wireApi } from './wire-api.ts'
import { wireLog } from './wire-log.ts'
import { startMaintenance } from './wire-storage.ts'

export interface ProcessOptions {
  readonly config: Config
  /** Reads the configuration again, for a reload. */
  readonly load: () => Promise<Config>
  readonly world: World
  readonly console: { readonly isTerminal: boolean; readonly hasColour: boolean }
  readonly version: string
}

/** A running Chainwarden. */
export interface RunningProcess {
  /** Where this machine reaches it. */
  readonly url: string
  readonly operations: Operations
  reload(): Promise<ReloadResult>
  /** Stops rounds, hands back what is in flight, and lets go of everything. */
  stop(): Promise<void>
}

/**
 * Builds everything from the configuration and starts it. It is ready when this resolves: the state is restored and the
 * server listens; targets are not waited for.
 *
 * @throws ConfigError, AlreadyRunning or OutsideError with a sentence; then nothing is left running
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { config, world } = options
  const wired = wireLog(config, world, options.console)
  try {
    return await start(options, wired.log, async () => wired.close())
  } catch (error) {
    await wired.close()
    throw error
  }
}

async function start(options: ProcessOptions, log: Logger, closeLog: () => Promise<void>): Promise<RunningProcess> {
  const { world, version } = options
  const startedAt = world.now()
  const live = { config: options.config, isReady: false }
  const core = await createCore({ config: live.config, world, log })
  const cliFiles = createCliFiles(live.config.storage.path, world)
  const reload = createReload(options, live, core, log)
  const operations = createOperations({
    version,
    startedAt,
    now: () => world.now(),
    isReady: () => live.isReady,
    targets: () => core.scheduler.status(),
    alerts: () => core.alerts.active(),
    queued: async () => core.alerts.queued(),
    metricTable: core.metricTable,
    current: () => core.storage.tsdb.latest(world.now()),
    events: async (filter) => core.storage.state.events.query(filter),
    query: async (expr, atMs, signal) => core.queries.instant(parseExpr(expr), atMs, { signal }),
    reload,
    audit: (actor, operation, outcome) => log.child('audit').info('operation', { actor, operation, outcome }),
  })
  let api: ApiServer
  try {
    api = await wireApi({ config: live.config, world, log, operations, cliFiles, isReady: () => live.isReady })
  } catch (error) {
    await core.stop()
    throw error
  }
  const cancels = startTimers(options, core, log, startedAt)
  live.isReady = true
  await core.alerts.start()
  void core.scheduler
    .watch(live.config.targets)
    .catch((error: unknown) => log.error('targets cannot be watched', { error }))
  return {
    url: urlOf(api.addresses, live.config.server.tls !== undefined),
    operations,
    reload,
    async stop() {
      live.isReady = false
      for (const cancel of cancels) cancel()
      await api.stop()
      await core.stop()
      cliFiles.remove()
      log.info('stopped')
      await closeLog()
    },
  }
}

function startTimers(
  { config, world, version }: ProcessOptions,
  core: Core,
  log: Logger,
  startedAt: number,
): readonly Cancel[] {
  return [
    startMaintenance(core.storage, config, world, log.child('storage')),
    startSelfMetrics(core.metrics, {
      world,
      version,
      startedAt,
      labels: { job: 'chainwarden', instance: 'chainwarden' },
      samples: core.storage.tsdb,
      refresh: (metrics) => core.refreshMetrics(metrics),
      onClockJump: (ms) => log.warn('the wall clock jumped; timers go on without it', { by_ms: Math.round(ms) }),
    }),
  ]
}

/** Reads the configuration again and restarts only what changed; a bad one changes nothing and says so. */
function createReload(
  options: ProcessOptions,
  live: { config: Config },
  core: Core,
  log: Logger,
): () => Promise<ReloadResult> {
  return async () => {
    let next: Config
    try {
      next = await options.load()
      refuseFixed(live.config, next)
    } catch (error) {
      const faults = error instanceof ConfigError ? error.faults.map(describeFault) : [messageOf(error)]
      log.error('the configuration was not reloaded: it has faults', { faults })
      return { ok: false, faults }
    }
    const changed = changedKeys(live.config, next)
    await core.alerts.reload(next)
    await core.scheduler.watch(next.targets)
    live.config = next
    log.info('configuration reloaded', { changed })
    return { ok: true, changed }
  }
}

/** What a running process cannot change. */
const FIXED = ['server', 'storage', 'metrics', 'log'] as const

function refuseFixed(old: Config, next: Config): void {
  const faults = FIXED.filter((key) => !isDeepStrictEqual(old[key], next[key])).map((key) => ({
    path: key,
    message: 'this takes effect at the next start only: put it back, or restart Chainwarden',
  }))
  if (faults.length > 0) throw new ConfigError(faults)
}

function changedKeys(old: Config, next: Config): readonly string[] {
  const keys = ['targets', 'rules', 'ruleGroups', 'eventRules', 'alerting'] as const
  return keys.filter((key) => !isDeepStrictEqual(old[key], next[key]))
}
