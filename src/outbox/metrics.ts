import { FAILURE_REASONS } from '../lib/errors.ts'
import type { MetricsRegistry, MetricSpec } from '../lib/metrics-registry.ts'
import type { AttemptReport } from './shipping.ts'

/** What is counted about deliveries. The bounds reach from "at once" to "after a night's outage". */
export const OUTBOX_METRICS: readonly MetricSpec[] = [
  {
    name: 'chainwarden_notifications_total',
    type: 'counter',
    help: 'Attempts to deliver, by channel and outcome (accepted, retry, refused, merged).',
  },
  {
    name: 'chainwarden_notification_failures_total',
    type: 'counter',
    help: 'Attempts that were not accepted, by reason.',
  },
  {
    name: 'chainwarden_notification_delivery_seconds',
    type: 'histogram',
    help: 'From the change that caused a notification to its acceptance.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 43_200],
  },
  { name: 'chainwarden_notifications_queued', type: 'gauge', help: 'Notifications that wait to be accepted.' },
]

const OUTCOMES = ['accepted', 'retry', 'refused', 'merged']

/** Makes every series exist at 0 for the kinds of channel in use: a counter that is born as 1 hides its first step. */
export function declareOutboxMetrics(metrics: MetricsRegistry, kinds: readonly string[]): void {
  for (const channel of kinds) {
    for (const outcome of OUTCOMES) metrics.add('chainwarden_notifications_total', 0, { channel, outcome })
  }
  for (const reason of FAILURE_REASONS) metrics.add('chainwarden_notification_failures_total', 0, { reason })
  metrics.set('chainwarden_notifications_queued', 0)
}

/** Counts one attempt. */
export function countAttempt(metrics: MetricsRegistry, report: AttemptReport): void {
  const { kind: channel, outcome, reason, deliverySeconds } = report
  metrics.add('chainwarden_notifications_total', 1, { channel, outcome })
  if (reason !== '') metrics.add('chainwarden_notification_failures_total', 1, { reason })
  if (deliverySeconds !== undefined) metrics.observe('chainwarden_notification_delivery_seconds', deliverySeconds)
}
