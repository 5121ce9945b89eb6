import { type Alerting, createAlerting } from '../alerting/index.ts'
import type { Arrival } from '../collectors/index.ts'
import type { Config } from '../config/index.ts'
import type { Alert } from '../core/alert.ts'
import type { Labels } from '../core/labels.ts'
import type { Logger } from '../lib/log.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { World } from '../lib/world.ts'
import { countAttempt, createOutbox, declareOutboxMetrics, type Outbox } from '../outbox/index.ts'
import type { QueryEngine } from '../promql/index.ts'
import { createEventRules, createRuleEngine, type EventRules, type RuleEngine } from '../rules/index.ts'
import { type AlertPath, createAlertPath } from './alert-path.ts'
import { openChannels, type OpenChannels } from './wire-channels.ts'
import type { Storage } from './wire-storage.ts'

export interface AlertsWiring {
  readonly world: World
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly storage: Storage
  readonly queries: QueryEngine
  readonly config: Config
  /** Where people reach this process, for links in messages. */
  readonly externalUrl: string
}

/** From what arrived to what a person is told. */
export interface Alerts {
  /** A round is stored: what it concerns is evaluated. */
  arrived(arrival: Arrival): void
  /** A target left the configuration: its alerts close. */
  left(target: string): void
  /** Begins to evaluate and to deliver. What was stored is taken up already. */
  start(): Promise<void>
  reload(config: Config): Promise<void>
  active(): readonly Alert[]
  /** Every rule group with its rules and their alerts. */
  ruleGroups(): ReturnType<RuleEngine['status']>
  queued(): Promise<Readonly<Record<string, number>>>
  /** How many notifications wait for destinations that there are. */
  waiting(): number
  /** Evaluates everything once and waits until nothing is owed; false when the signal aborts before. */
  settle(signal: AbortSignal): Promise<boolean>
  stop(): Promise<void>
}

interface Parts {
  readonly alerting: Alerting
  readonly path: AlertPath
  readonly rules: RuleEngine
  readonly eventRules: EventRules
  readonly outbox: Outbox
}

/** How long deliveries that are under way may take when the process stops. */
const HAND_BACK_MS = 3_000

/** Builds the alert path and takes up what was stored. */
export async function wireAlerts(wiring: AlertsWiring): Promise<Alerts> {
  const { storage, world, log } = wiring
  const live = { config: wiring.config, channels: await openChannels(wiring.config, world, log, wiring.externalUrl) }
  const stored = await storage.state.alerts.load()
  const parts = buildParts(wiring, live, await storage.state.events.lastSequence())
  parts.alerting.restore({ groups: stored.groups, episodes: stored.episodes })
  const targets = live.config.targets.map((target) => target.config.name)
  parts.rules.restore(stored.alertStates, targets)
  parts.eventRules.restore(stored.alertStates, stored.eventRules, targets)
  declareOutboxMetrics(wiring.metrics, kindsOf(live.channels))
  return bind(wiring, live, parts)
}

/** What a reload replaces. */
interface Live {
  config: Config
  channels: OpenChannels
}

function buildParts(wiring: AlertsWiring, live: Live, lastSequence: number): Parts {
  const { storage, world, log, metrics, externalUrl } = wiring
  const { state, tsdb } = storage
  const alerting = createAlerting({ config: live.config.alerting, world })
  const outbox = createOutbox({
    store: {
      pending: async (after) => state.outbox.pending(after),
      record: async (entry) => state.outbox.record(entry),
    },
    channels: live.channels.byDestination,
    world,
    log: log.child('outbox'),
    onAttempt: (report) => countAttempt(metrics, report),
  })
  const path = createAlertPath({
    world,
    log: log.child('alerting'),
    pipeline: alerting,
    commit: async (commit) => state.alerts.commit(commit),
    owed: () => outbox.wake(),
  })
  const submit = async (outcome: Parameters<AlertPath['submit']>[0]) => path.submit(outcome)
  const contextOf = (target: string) => contextOfTarget(live.config, target)
  const rules = createRuleEngine({
    world,
    log: log.child('rules'),
    engine: wiring.queries,
    groups: live.config.ruleGroups,
    submit,
    write: (at, scope, samples) => void tsdb.append({ at, scope, samples, labels: {} }),
    contextOf,
    externalLabels: live.config.rules.external_labels,
    externalUrl,
    defaultIntervalMs: live.config.rules.interval,
  })
  const eventRules = createEventRules({
    world,
    log: log.child('event-rules'),
    rules: live.config.eventRules,
    lastSequence,
    read: async (after, limit, types) => {
      const history = live.config.targets.some(({ config }) => config.alert_on_history)
      return state.events.after(after, limit, { types, history })
    },
    submit,
    contextOf,
    alertsOnHistory: (target) => configOf(live.config, target)?.alert_on_history === true,
  })
  return { alerting, path, rules, eventRules, outbox }
}

function bind(wiring: AlertsWiring, live: Live, parts: Parts): Alerts {
  const { alerting, path, rules, eventRules, outbox } = parts
  return {
    arrived(arrival) {
      rules.arrived(arrival)
      if (arrival.lastSequence !== undefined) eventRules.wake()
      if (arrival.height !== undefined) eventRules.height(arrival.target, arrival.height)
    },
    left(target) {
      void rules.removeTarget(target)
      eventRules.removeTarget(target)
    },
    async start() {
      path.start()
      outbox.wake()
      await eventRules.start()
      rules.start()
    },
    reload: async (config) => reload(wiring, live, parts, config),
    ruleGroups: () => rules.status(),
    active: () => alerting.activeAlerts().map(({ alert }) => alert),
    queued: async () => Object.fromEntries(await wiring.storage.state.outbox.queued()),
    waiting: () => outbox.queued(),
    async settle(signal) {
      await rules.evaluateAll()
      await eventRules.idle()
      return outbox.drained(signal)
    },
    async stop() {
      await Promise.all([rules.stop(), eventRules.stop()])
      await path.stop()
      await outbox.stop(HAND_BACK_MS)
      await live.channels.stop()
    },
  }
}

async function reload(wiring: AlertsWiring, live: Live, parts: Parts, config: Config): Promise<void> {
  const { world, log, storage } = wiring
  const old = live.channels
  live.channels = await openChannels(config, world, log, wiring.externalUrl)
  live.config = config
  parts.outbox.reload(live.channels.byDestination)
  await parts.path.exclusively(() => parts.alerting.reload(config.alerting))
  await parts.rules.reload(config.ruleGroups)
  await parts.eventRules.reload(config.eventRules, await storage.state.events.lastSequence())
  declareOutboxMetrics(wiring.metrics, kindsOf(live.channels))
  await old.stop()
}

function kindsOf({ byDestination }: OpenChannels): readonly string[] {
  return [...new Set([...byDestination.values()].map(({ kind }) => kind))]
}

function configOf(config: Config, target: string) {
  return config.targets.find((configured) => configured.config.name === target)?.config
}

/** Who looks after a target, and how, for every message about it. */
function contextOfTarget(config: Config, target: string): Labels {
  const { owner, contact, runbook_url: runbookUrl } = configOf(config, target) ?? {}
  return Object.fromEntries(
    Object.entries({ owner, contact, runbook_url: runbookUrl }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )
}
