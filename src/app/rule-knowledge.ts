import { type CollectorDefinition, collectors } from '../collectors/index.ts'
import type { Config, ConfiguredTarget } from '../config/index.ts'
import type { MetricDefinition } from '../core/metric.ts'
import { OUTBOX_METRICS } from '../outbox/index.ts'
import type { ConfiguredKnowledge, KnownMetric, RuleKnowledge } from '../rules/index.ts'
import { createOwnMetrics } from './self-metrics.ts'

/** What the process writes about itself has this job. */
const OWN_JOB = 'chainwarden'
const DEFAULT_INTERVAL_MS = 15_000
/** A target of this type brings series that only it knows. */
const SCRAPES = 'prometheus'

/**
 * What rules can be read against: the tables of every type of target, and what this configuration makes of them.
 *
 * @param config undefined where there is none: then nothing is said of what is not written
 */
export function ruleKnowledge(config: Config | undefined): RuleKnowledge {
  const own = createOwnMetrics(OUTBOX_METRICS).table
  const targets = config?.targets ?? []
  const metrics = new Map<string, KnownMetric>()
  for (const [name, definition] of Object.entries(own)) {
    // Of what the process counts about itself the table says no labels.
    if (name === 'up' || definition.labels !== undefined) metrics.set(name, known(definition, targets))
  }
  for (const definition of collectors) {
    const watched = targets.filter((target) => target.definition.type === definition.type)
    for (const [name, metric] of Object.entries(definition.metrics)) metrics.set(name, known(metric, watched))
  }
  return {
    metrics,
    configured: config === undefined ? undefined : configuredKnowledge(targets, Object.keys(own)),
    defaultIntervalMs: config?.rules.interval ?? DEFAULT_INTERVAL_MS,
  }
}

function known(definition: MetricDefinition, targets: readonly ConfiguredTarget[]): KnownMetric {
  const intervals = targets.map(({ config }) => config.interval)
  const bounds = definition.type === 'histogram' ? targets.flatMap(boundsOf) : []
  return {
    type: definition.type,
    labels: definition.labels ?? [],
    ...(intervals.length === 0 ? {} : { intervalMs: Math.min(...intervals) }),
    ...(bounds.length === 0 ? {} : { bounds: [...new Set(bounds)].toSorted((a, b) => a - b) }),
  }
}

/** The histograms of targets are those of their journeys. */
function boundsOf({ definition, config }: ConfiguredTarget): readonly number[] {
  return definition.journeys?.(config).flatMap(({ bucketsSeconds }) => bucketsSeconds) ?? []
}

const OF_EVERY_TARGET = new Set(['target', 'job', 'instance'])

function configuredKnowledge(targets: readonly ConfiguredTarget[], own: readonly string[]): ConfiguredKnowledge {
  const definitions = new Set<CollectorDefinition>(targets.map(({ definition }) => definition))
  return {
    jobs: new Set([OWN_JOB, ...targets.flatMap(({ labels }) => labels['job'] ?? [])]),
    targetLabels: new Set(
      targets.flatMap(({ labels }) => Object.keys(labels)).filter((label) => !OF_EVERY_TARGET.has(label)),
    ),
    written: new Set([...own, ...[...definitions].flatMap(({ metrics }) => Object.keys(metrics))]),
    isOpen: targets.some(({ definition }) => definition.type === SCRAPES),
  }
}
