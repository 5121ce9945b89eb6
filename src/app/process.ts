import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'

import type { ApiServer } from '../api/index.ts'
import type { Config } from '../config/index.ts'
import { formatDuration } from '../lib/duration.ts'
import { ConfigError, describeFault, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import {
  createOperations,
  type Operations,
  type OperationsPorts,
  type ProcessFacts,
  type ReloadResult,
} from '../operations/index.ts'
import { createCliFiles } from './cli-files.ts'
import { createCore, type Core } from './core-parts.ts'
import { clockOf, createQueries, LOOKBACK_MS, QUERY_LIMITS } from './queries.ts'
import { startSelfMetrics } from './self-metrics.ts'
import { showConfig } from './shown-config.ts'
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
  const live: Live = { config: options.config, isReady: false, configuredAt: startedAt, isConfigurationGood: true }
  const core = await createCore({ config: live.config, world, log })
  const cliFiles = createCliFiles(live.config.storage.path, world)
  const reload = createReload(options, live, core, log)
  const operations = createOperations({
    ...portsOf(core, live, world),
    version,
    startedAt,
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
  await core.alerts.start()
  // Once it is ready, whatever happens is no history: by then each target's first start is stored. Their rounds
  // are not waited for.
  await core.scheduler
    .watch(live.config.targets)
    .catch((error: unknown) => log.error('targets cannot be watched', { error }))
  live.isReady = true
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

/** What changes while the process runs. */
interface Live {
  config: Config
  isReady: boolean
  /** When the configuration was taken over. */
  configuredAt: number
  /** Whether the last reload went well. */
  isConfigurationGood: boolean
}

type ReadPorts = Omit<OperationsPorts, 'version' | 'startedAt' | 'reload' | 'audit'>

function portsOf(core: Core, live: Live, world: World): ReadPorts {
  const { tsdb, state } = core.storage
  return {
    now: () => world.now(),
    clock: clockOf(world),
    isReady: () => live.isReady,
    targets: () => core.scheduler.status(),
    paceOf(target) {
      const configured = live.config.targets.find(({ config }) => config.name === target)?.config
      return configured === undefined ? undefined : { intervalMs: configured.interval, timeoutMs: configured.timeout }
    },
    alerts: () => core.alerts.active(),
    ruleGroups: () => core.alerts.ruleGroups(),
    queued: async () => core.alerts.queued(),
    metricTable: core.metricTable,
    current: () => tsdb.latest(world.now()),
    events: async (filter) => state.events.query(filter),
    queries: (bounds) => createQueries(tsdb, world, bounds),
    series: tsdb,
    facts: () => factsOf(live, tsdb.stats().damagedBlobs),
    configuration: async () => showConfig(live.config),
  }
}

function factsOf({ config, configuredAt, isConfigurationGood }: Live, damagedBlobs: number): ProcessFacts {
  const { server, storage, metrics, log } = config
  return {
    folder: process.cwd(),
    host: hostname(),
    configuredAt,
    isConfigurationGood,
    rawRetentionMs: metrics.retention,
    damagedBlobs,
    flags: {
      'config.file': config.file ?? '',
      'log.level': log.level,
      'query.lookback-delta': formatDuration(LOOKBACK_MS),
      'query.max-samples': String(QUERY_LIMITS.samples),
      'query.timeout': formatDuration(QUERY_LIMITS.timeMs),
      'storage.tsdb.path': storage.path,
      'storage.tsdb.retention.time': formatDuration(metrics.retention),
      'web.external-url': server.external_url ?? '',
      'web.listen-address': server.listen.map(({ host, port }) => `${host}:${port}`).join(','),
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
function createReload(options: ProcessOptions, live: Live, core: Core, log: Logger): () => Promise<ReloadResult> {
  return async () => {
    let next: Config
    try {
      next = await options.load()
      refuseFixed(live.config, next)
    } catch (error) {
      const faults = error instanceof ConfigError ? error.faults.map(describeFault) : [messageOf(error)]
      log.error('the configuration was not reloaded: it has faults', { faults })
      live.isConfigurationGood = false
      return { ok: false, faults }
    }
    const changed = changedKeys(live.config, next)
    await core.alerts.reload(next)
    await core.scheduler.watch(next.targets)
    live.config = next
    live.configuredAt = options.world.now()
    live.isConfigurationGood = true
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

/** Compared as text: what was compiled from it is another function each time. */
function changedKeys(old: Config, next: Config): readonly string[] {
  const before = sectionsOf(old)
  return Object.entries(sectionsOf(next)).flatMap(([key, text]) => (before[key] === text ? [] : [key]))
}

function sectionsOf(config: Config): Readonly<Record<string, string>> {
  const targets = config.targets.map((target) => [target.config, target.labels])
  return {
    targets: JSON.stringify(targets),
    rules: JSON.stringify([config.rules, config.ruleGroups]),
    event_rules: config.eventRulesText,
    alerting: JSON.stringify(config.alerting),
  }
}
