import type { Alert } from '../../src/core/alert.ts'
import type { Notification } from '../../src/core/notification.ts'

/** A firing alert of rules, but for what a test says of it. */
export function someAlert(more: Partial<Alert> = {}): Alert {
  return {
    episode: 'e',
    fingerprint: 'f',
    source: 'api',
    labels: { alertname: 'NodeDown' },
    annotations: {},
    startsAt: Date.UTC(2026, 0, 1),
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
    ...more,
  }
}

/** A first notification about some alerts, but for what a test says of it. */
export function someNotification(alerts: readonly Alert[], more: Partial<Notification> = {}): Notification {
  return {
    id: 'n1',
    receiver: 'team',
    destination: 'team/slack/0',
    groupKey: '{}:{}',
    groupLabels: {},
    reason: 'first',
    alerts,
    truncated: 0,
    causedAt: 0,
    ...more,
  }
}
