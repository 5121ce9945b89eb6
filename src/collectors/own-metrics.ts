import type { MetricSpec } from '../lib/metrics-registry.ts'

/** What the scheduler measures of every target. */
export const COLLECT_METRICS: readonly MetricSpec[] = [
  {
    name: 'chainwarden_collect_duration_seconds',
    type: 'histogram',
    help: 'How long one round of a target took, from asking to durable.',
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30],
  },
  { name: 'chainwarden_collect_rounds_total', type: 'counter', help: 'Rounds of a target that were finished.' },
  {
    name: 'chainwarden_collect_failures_total',
    type: 'counter',
    help: 'Parts of a target that could not be read, by reason.',
  },
  { name: 'chainwarden_events_total', type: 'counter', help: 'Events that a target brought.' },
]
