import type { Alert } from '../../core/alert.ts'
import type { Labels } from '../../core/labels.ts'
import { isResolvedNotification, type Notification, type NotificationReason } from '../../core/notification.ts'

/** Go's zero time: what Alertmanager writes as the end of what has none. */
const NO_TIME = '0001-01-01T00:00:00Z'

/** How Alertmanager words its reasons (`notify.NotifyReason`); what it does not have is `unknown` there too. */
const REASONS: Readonly<Record<NotificationReason, string>> = {
  first: 'first notification',
  'new-alerts': 'new alerts added',
  'more-severe': 'new alerts added',
  changed: 'unknown',
  resolved: 'some alerts resolved',
  repeat: 'repeat interval elapsed',
  test: 'unknown',
}

/** Alertmanager's webhook message, version 4 (`notify/webhook`, `template.Data`). */
export interface WebhookPayload {
  readonly receiver: string
  readonly status: 'firing' | 'resolved'
  readonly alerts: readonly WebhookAlert[]
  readonly notification_reason: string
  readonly groupLabels: Labels
  readonly commonLabels: Labels
  readonly commonAnnotations: Labels
  readonly externalURL: string
  readonly version: '4'
  readonly groupKey: string
  readonly truncatedAlerts: number
}

interface WebhookAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Labels
  readonly annotations: Labels
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
  readonly fingerprint: string
}

/** @param maxAlerts 0: no limit */
export function webhookPayload(notification: Notification, maxAlerts: number, externalUrl: string): WebhookPayload {
  const { alerts, groupLabels, groupKey, receiver, truncated } = notification
  const shown = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts
  return {
    receiver: quoteMeta(receiver),
    status: isResolvedNotification(notification) ? 'resolved' : 'firing',
    alerts: shown.map(webhookAlert),
    notification_reason: reasonOf(notification),
    groupLabels,
    commonLabels: commonOf(shown.map(({ labels }) => labels)),
    commonAnnotations: commonOf(shown.map(annotationsOf)),
    externalURL: externalUrl,
    version: '4',
    groupKey,
    truncatedAlerts: truncated + alerts.length - shown.length,
  }
}

function webhookAlert(alert: Alert): WebhookAlert {
  const { labels, startsAt, endsAt, generatorUrl, fingerprint } = alert
  return {
    status: endsAt === undefined ? 'firing' : 'resolved',
    labels,
    annotations: annotationsOf(alert),
    startsAt: new Date(startsAt).toISOString(),
    endsAt: endsAt === undefined ? NO_TIME : new Date(endsAt).toISOString(),
    generatorURL: generatorUrl,
    fingerprint,
  }
}

function annotationsOf({ annotations, isUnknown }: Alert): Labels {
  return isUnknown ? { chainwarden_unknown: 'true', ...annotations } : annotations
}

function reasonOf(notification: Notification): string {
  const isOver = notification.reason === 'resolved' && isResolvedNotification(notification)
  return isOver ? 'all alerts resolved' : REASONS[notification.reason]
}

/** What all of them have, with the same value. */
function commonOf(all: readonly Labels[]): Labels {
  const [first = {}, ...others] = all
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((labels) => labels[name] === value)),
  )
}

/** Alertmanager gives the receiver's name as a regular expression that matches it (Go's `regexp.QuoteMeta`). */
function quoteMeta(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}
