import type { Labels } from '../core/labels.ts'
import type { RoundCommitted } from '../core/records.ts'
import type { Sample } from '../core/sample.ts'
import { assert } from '../lib/errors.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { CollectorDefinition, Round, TargetConfig } from './collector.ts'
import type { PartArrival, SampleStore } from './ports.ts'

/** A round and what its commit said; without a commit where there was nothing to commit. */
export interface Outcome {
  readonly round: Round
  readonly committed: RoundCommitted | undefined
}

export interface OutcomeOptions {
  readonly definition: CollectorDefinition
  readonly config: TargetConfig
  readonly labels: Labels
  readonly metrics: MetricsRegistry
  readonly samples: SampleStore
}

/**
 * Writes the samples of an outcome: each part under a scope of its own, so that a series which the part no longer brings
 * ends; a part that failed ends whole. Beside them what every target has: `up`, its parts and its thresholds.
 */
export function storeOutcome(options: OutcomeOptions, outcome: Outcome): readonly PartArrival[] {
  const { definition, config, labels, samples } = options
  const { at, parts: results } = outcome.round
  const journeys = definition.journeySamples?.(config, outcome.committed?.journeys ?? []) ?? []
  const parts = definition.parts.map((part, index) => {
    const result = results[part]
    assert(result !== undefined, `the round of ${config.name} lacks the part ${part}`)
    if ('failed' in result) return failPart(options, part, { at, reason: result.failed.reason })
    const written = index === 0 ? [...result.samples, ...journeys] : result.samples
    samples.append({ at, scope: `${config.name}/${part}`, labels, samples: written })
    return { part, ok: true, metricNames: [...new Set(written.map((sample) => sample.name))] }
  })
  samples.append({ at, scope: `${config.name}/`, labels, samples: ownSamples(definition, config, parts) })
  return parts
}

function failPart(
  { config, samples, metrics }: OutcomeOptions,
  part: string,
  failure: { readonly at: number; readonly reason: string },
): PartArrival {
  samples.endScope(`${config.name}/${part}`, failure.at)
  metrics.add('chainwarden_collect_failures_total', 1, { target: config.name, part, reason: failure.reason })
  return { part, ok: false, metricNames: [] }
}

/** `up` says whether the first part could be read: it is what the target is, the others are what it has. */
function ownSamples(
  definition: CollectorDefinition,
  config: TargetConfig,
  parts: readonly PartArrival[],
): readonly Sample[] {
  const thresholds = Object.entries(definition.thresholds(config))
  return [
    { name: 'up', labels: {}, value: parts[0]?.ok === true ? 1 : 0 },
    ...parts.map(({ part, ok }) => ({ name: 'chainwarden_part_up', labels: { part }, value: ok ? 1 : 0 })),
    ...thresholds.map(([name, value]) => ({ name: 'chainwarden_threshold', labels: { name }, value })),
  ]
}
