import type { MetricDefinition } from '../../core/metric.ts'

/** What is known of a metric that some type of target writes. */
export interface KnownMetric {
  readonly type: MetricDefinition['type']
  /** Beside `target`, `job` and `instance`. */
  readonly labels: readonly string[]
  /** The finite bounds of a histogram, ascending. */
  readonly bounds?: readonly number[]
  /** How often the quickest of the targets that write it does so; undefined where no configured target writes it. */
  readonly intervalMs?: number
}

/** What the rules are read against. */
export interface RuleKnowledge {
  /** Every metric of every type of target, and Chainwarden's own; a histogram under its own name. */
  readonly metrics: ReadonlyMap<string, KnownMetric>
  /** The configuration that the rules belong to; undefined where none was read. */
  readonly configured: ConfiguredKnowledge | undefined
  /** How often a group without an interval is evaluated. */
  readonly defaultIntervalMs: number
}

export interface ConfiguredKnowledge {
  readonly jobs: ReadonlySet<string>
  /** Names of labels that targets bring beside `target`, `job` and `instance`. */
  readonly targetLabels: ReadonlySet<string>
  /** Metrics that configured targets and Chainwarden itself write, a histogram under its own name. */
  readonly written: ReadonlySet<string>
  /** Others write series here too (scraped exporters, remote write): then nothing is known of what is not written. */
  readonly isOpen: boolean
}

const HISTOGRAM_PART = /_(?:bucket|sum|count)$/

/** The histogram that a series name is a part of, else the name itself. */
export function familyOf(name: string, { metrics }: Pick<RuleKnowledge, 'metrics'>): string {
  if (metrics.has(name)) return name
  const family = name.replace(HISTOGRAM_PART, '')
  return metrics.get(family)?.type === 'histogram' ? family : name
}

/** A series' metric; the parts of a histogram count as counters. */
export function metricOf(name: string, knowledge: RuleKnowledge): KnownMetric | undefined {
  const family = familyOf(name, knowledge)
  const known = knowledge.metrics.get(family)
  if (known === undefined || known.type !== 'histogram') return known
  return family === name ? known : { ...known, type: 'counter' }
}
