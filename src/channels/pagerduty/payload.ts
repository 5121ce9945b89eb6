import { createHash } from 'node:crypto'

import type { Alert } from '../../core/alert.ts'
import { isResolvedNotification, type Notification } from '../../core/notification.ts'
import { clip, type MessageEntry, mostSevere, renderMessage } from '../message.ts'
import type { PagerdutyConfig } from './config.ts'

const SUMMARY_MAX = 1_024
/** PagerDuty's limit on a whole event. */
const EVENT_BYTES_MAX = 512_000
const LISTED_MAX = 100
const LINKS_MAX = 20

/** One event of Events API v2, without the key that says whose it is. */
export interface PagerdutyEvent {
  readonly event_action: 'trigger' | 'resolve'
  readonly dedup_key: string
  readonly payload: {
    readonly summary: string
    readonly source: string
    readonly severity: 'critical' | 'error' | 'warning' | 'info'
    readonly timestamp: string
    readonly class?: string
    readonly component?: string
    readonly group?: string
    readonly custom_details: Readonly<Record<string, string>>
  }
  readonly client: string
  readonly client_url?: string
  readonly links: readonly { readonly href: string; readonly text: string }[]
}

export interface PagerdutyOptions {
  readonly timeZone: string
  readonly externalUrl: string
}

/**
 * The events that tell a notification. One, as a rule: a group is one incident, and its key is the SHA-256 of
 * Alertmanager's group key, so that incidents opened by an Alertmanager are the same incidents. What fired and ended
 * before PagerDuty heard of it is opened and resolved: resolving alone would leave no trace of it.
 */
export function pagerdutyEvents(
  notification: Notification,
  config: PagerdutyConfig,
  options: PagerdutyOptions,
): readonly PagerdutyEvent[] {
  if (!isResolvedNotification(notification)) return [eventOf('trigger', notification, config, options)]
  const resolve = eventOf('resolve', notification, config, options)
  const isUnheardOf = (notification.untold ?? []).length > 0
  return isUnheardOf ? [eventOf('trigger', notification, config, options), resolve] : [resolve]
}

function eventOf(
  action: PagerdutyEvent['event_action'],
  notification: Notification,
  config: PagerdutyConfig,
  { timeZone, externalUrl }: PagerdutyOptions,
): PagerdutyEvent {
  const { alerts, groupKey } = notification
  const message = renderMessage(notification, { timeZone, alertsMax: LISTED_MAX })
  const firing = alerts.filter(({ endsAt }) => endsAt === undefined)
  const startedAt = alerts.reduce((earliest, { startsAt }) => Math.min(earliest, startsAt), Infinity)
  const clientUrl = config.client_url ?? externalUrl
  const { class: kind, component, group } = config
  return withinLimit({
    event_action: action,
    dedup_key: createHash('sha256').update(groupKey).digest('hex'),
    payload: {
      summary: clip(config.description ?? summaryOf(message.title, message.entries), SUMMARY_MAX),
      source: config.source ?? sourceOf(alerts),
      severity: config.severity ?? mostSevere(firing.length > 0 ? firing : alerts),
      timestamp: new Date(startedAt).toISOString(),
      ...(kind === undefined ? {} : { class: kind }),
      ...(component === undefined ? {} : { component }),
      ...(group === undefined ? {} : { group }),
      custom_details: {
        firing: listOf(message.entries.filter(({ isFiring }) => isFiring)),
        resolved: listOf(message.entries.filter(({ isFiring }) => !isFiring)),
        num_firing: String(firing.length),
        num_resolved: String(alerts.length - firing.length),
        ...(message.more === '' ? {} : { more: message.more }),
        ...config.details,
      },
    },
    client: config.client,
    ...(clientUrl === '' ? {} : { client_url: clientUrl }),
    links: [...config.links, ...linksOf(message.entries)].slice(0, LINKS_MAX),
  })
}

/** For one alert its own sentence: it is what a phone reads out. */
function summaryOf(title: string, entries: readonly MessageEntry[]): string {
  const [only, second] = entries
  return only !== undefined && second === undefined ? only.headline : `${title}: ${only?.headline ?? ''}`
}

function sourceOf(alerts: readonly Alert[]): string {
  const names = new Set(alerts.map(({ labels }) => labels['target'] ?? labels['instance'] ?? ''))
  const [only = ''] = names
  return names.size === 1 && only !== '' ? only : 'chainwarden'
}

function listOf(entries: readonly MessageEntry[]): string {
  return entries.map(({ headline, time, details }) => [`${headline} (${time})`, ...details].join('\n')).join('\n\n')
}

function linksOf(entries: readonly MessageEntry[]): readonly { readonly href: string; readonly text: string }[] {
  const byUrl = new Map(entries.flatMap(({ links }) => links.map(({ text, url }) => [url, text] as const)))
  return [...byUrl].map(([href, text]) => ({ href, text }))
}

/** An event that is too large goes without its details rather than not at all. */
function withinLimit(event: PagerdutyEvent): PagerdutyEvent {
  if (Buffer.byteLength(JSON.stringify(event)) <= EVENT_BYTES_MAX - 1_000) return event
  const error = `Left out: the whole event was larger than ${EVENT_BYTES_MAX} bytes, which PagerDuty does not take.`
  return { ...event, payload: { ...event.payload, custom_details: { error } }, links: [] }
}
