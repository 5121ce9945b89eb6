import { type Alert, SEVERITIES, type Severity, severityRank } from '../core/alert.ts'
import type { Labels } from '../core/labels.ts'
import type { Notification } from '../core/notification.ts'

/** What a person reads of one alert, in plain text: a channel escapes it for its own format. */
export interface MessageEntry {
  /** `[CRITICAL] The node is down`, `[RESOLVED] ...`, `[FIRED AND RESOLVED] ...`. */
  readonly headline: string
  /** When: `since 2026-01-01 12:00:00 UTC`, or from and to. */
  readonly time: string
  /** Further lines: description, why it ended, owner, contact. */
  readonly details: readonly string[]
  readonly links: readonly MessageLink[]
  readonly isFiring: boolean
  readonly severity: Severity
}

interface MessageLink {
  readonly text: string
  readonly url: string
}

/** A notification as a person reads it. */
export interface Message {
  /** `[FIRING:2, RESOLVED:1] HighLatency api` */
  readonly title: string
  /** `resolved` when nothing in it fires any more, else the most severe that fires. */
  readonly mood: Severity | 'resolved'
  readonly entries: readonly MessageEntry[]
  /** What is not among the entries, in words; '' when they are all. */
  readonly more: string
}

export interface RenderOptions {
  /** IANA name. */
  readonly timeZone: string
  /** The most alerts to list. */
  readonly alertsMax: number
}

const HEADLINE_MAX = 500
const DETAIL_MAX = 1_000
const CANNOT_BE_SEEN = 'It cannot be seen at the moment; this is how it was when it last could.'

/** Turns facts into what a person reads; the same for every channel. Pure. */
export function renderMessage(notification: Notification, { timeZone, alertsMax }: RenderOptions): Message {
  const { alerts, truncated } = notification
  const untold = new Set(notification.untold)
  const shown = alerts.slice(0, alertsMax)
  const firing = alerts.filter(isFiring)
  return {
    title: titleOf(notification, firing.length),
    mood: firing.length === 0 ? 'resolved' : mostSevere(firing),
    entries: shown.map((alert) => entryOf(alert, untold.has(alert.fingerprint), timeZone)),
    more: moreOf(alerts.slice(alertsMax), truncated),
  }
}

/** The most severe of these alerts. */
export function mostSevere(alerts: readonly Alert[]): Severity {
  return severityAt(alerts.reduce((highest, { labels }) => Math.max(highest, severityRank(labels)), 0))
}

function severityAt(rank: number): Severity {
  return SEVERITIES[rank] ?? 'warning'
}

function titleOf(notification: Notification, firing: number): string {
  const { alerts, truncated, untold = [], digestOf } = notification
  const fresh = alerts.length - firing - untold.length
  const more = truncated > 0 ? '+' : ''
  const counts = [
    ...(firing > 0 ? [`FIRING:${firing}${more}`] : []),
    ...(untold.length > 0 ? [`FIRED AND RESOLVED:${untold.length}`] : []),
    ...(fresh > 0 ? [`RESOLVED:${fresh}${firing === 0 ? more : ''}`] : []),
  ]
  const subject = digestOf === undefined ? subjectOf(notification) : `${digestOf} messages in one`
  return clip(`[${counts.join(', ')}] ${subject}`.trimEnd(), HEADLINE_MAX)
}

/** The names of the alerts, then what else the group has in common. */
function subjectOf({ alerts, groupLabels }: Notification): string {
  const names = [...new Set(alerts.map(nameOf))]
  const shown = names.length > 3 ? [...names.slice(0, 3), `and ${names.length - 3} more`] : names
  const others = Object.entries(groupLabels).flatMap(([name, value]) => (isOfTitle(name) ? [value] : []))
  return [shown.join(', '), ...others].join(' ')
}

function isOfTitle(label: string): boolean {
  return label !== 'alertname' && label !== 'severity' && label !== 'event_id'
}

function entryOf(alert: Alert, isUntold: boolean, timeZone: string): MessageEntry {
  const { annotations, startsAt, endsAt } = alert
  const severity = severityAt(severityRank(alert.labels))
  const since = formatTime(startsAt, timeZone)
  return {
    headline: headlineOf(alert, statusOf(alert, severity, isUntold)),
    time: endsAt === undefined ? `since ${since}` : `${since} to ${formatTime(endsAt, timeZone)}`,
    details: detailsOf(alert),
    links: linksOf(annotations, alert.generatorUrl),
    isFiring: endsAt === undefined,
    severity,
  }
}

function headlineOf(alert: Alert, status: string): string {
  const unseen = alert.isUnknown && alert.endsAt === undefined ? ' (cannot be seen at the moment)' : ''
  return `${clip(`[${status}] ${sentenceOf(alert)}`, HEADLINE_MAX - unseen.length)}${unseen}`
}

function statusOf({ labels, endsAt }: Alert, severity: Severity, isUntold: boolean): string {
  if (endsAt === undefined) return (labels['severity'] ?? severity).toUpperCase()
  return isUntold ? 'FIRED AND RESOLVED' : 'RESOLVED'
}

function sentenceOf(alert: Alert): string {
  const { summary, message, description } = alert.annotations
  return oneLine(firstOf([summary, message, description]) ?? nameOf(alert))
}

function detailsOf(alert: Alert): readonly string[] {
  const { annotations, labels } = alert
  const { description, resolved_reason: reason } = annotations
  const people = (['owner', 'contact'] as const).flatMap((role) => {
    const who = firstOf([annotations[role], labels[role]])
    return who === undefined ? [] : [`${role}: ${oneLine(who)}`]
  })
  const said = firstOf([description])
  return [
    ...(said === undefined || oneLine(said) === sentenceOf(alert) ? [] : [said]),
    ...(reason === undefined || reason === '' ? [] : [`ended: ${oneLine(reason)}`]),
    ...(alert.isUnknown ? [firstOf([annotations['chainwarden_unknown']]) ?? CANNOT_BE_SEEN] : []),
    ...people,
  ].map((line) => clip(line, DETAIL_MAX))
}

function linksOf(annotations: Labels, generatorUrl: string): readonly MessageLink[] {
  const links = [
    { text: 'Runbook', url: annotations['runbook_url'] ?? '' },
    { text: 'Dashboard', url: annotations['dashboard_url'] ?? '' },
    { text: 'Source', url: generatorUrl },
  ]
  return links.filter(({ url }) => isWebUrl(url))
}

/** A label or annotation is other people's text: what is no web address must not become a link. */
function isWebUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:')
}

function moreOf(hidden: readonly Alert[], truncated: number): string {
  const count = hidden.length + truncated
  if (count === 0) return ''
  const names = new Map<string, number>()
  for (const alert of hidden) names.set(nameOf(alert), (names.get(nameOf(alert)) ?? 0) + 1)
  const largest = [...names].toSorted(([, a], [, b]) => b - a).slice(0, 5)
  const which = largest.map(([name, times]) => `${times} x ${name}`).join(', ')
  return clip(`and ${count} more${which === '' ? '' : `: ${which}`}`, DETAIL_MAX)
}

function nameOf({ labels }: Alert): string {
  return labels['alertname'] ?? 'alert'
}

function isFiring({ endsAt }: Alert): boolean {
  return endsAt === undefined
}

function firstOf(texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined && text.trim() !== '')
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

/** At most so many characters, whole ones, with a sign where something is missing. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text
    .slice(0, max - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`
}

/** `2026-01-01 12:00:00 UTC`, in the time zone of the reader. */
function formatTime(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  })
  return `${format.format(ms)} ${timeZone}`
}
