import type { Alert } from '../core/alert.ts'
import type { Notification } from '../core/notification.ts'

/** More alerts than this do not go into one message. */
const ALERTS_MAX = 1_000

/**
 * Messages of one destination and group that wait together, oldest first, as the one message that is still true: the
 * state as the last of them knows it, and beside it what only earlier ones told. An alert whose firing is among them and
 * whose end is too was never heard of: it is listed in `untold`.
 */
export function mergeNotifications(waiting: readonly [Notification, ...Notification[]]): Notification {
  const [first] = waiting
  const last = waiting.at(-1) ?? first
  if (waiting.length === 1) return first
  const { alerts, untold, dropped } = unite(waiting)
  return {
    ...last,
    alerts,
    truncated: Math.max(...waiting.map(({ truncated }) => truncated)) + dropped,
    causedAt: first.causedAt,
    untold,
  }
}

/** How many of these messages, from the first, fit into one. A person's always do: what is too much is counted. */
export function countMergeable(waiting: readonly Notification[], audience: 'machine' | 'person'): number {
  if (audience === 'person') return waiting.length
  const fingerprints = new Set<string>()
  for (const [index, { alerts }] of waiting.entries()) {
    for (const { fingerprint } of alerts) fingerprints.add(fingerprint)
    if (fingerprints.size > ALERTS_MAX) return Math.max(1, index)
  }
  return waiting.length
}

/** One message over several groups that names everything they wait to tell. */
export function digestNotifications(waiting: readonly [Notification, ...Notification[]]): Notification {
  const merged = mergeNotifications(waiting)
  return {
    ...merged,
    groupKey: 'digest',
    groupLabels: {},
    reason: 'changed',
    untold: merged.untold ?? [],
    truncated: merged.truncated,
    digestOf: waiting.length,
  }
}

interface United {
  readonly alerts: readonly Alert[]
  readonly untold: readonly string[]
  readonly dropped: number
}

function unite(waiting: readonly Notification[]): United {
  const latest = new Map<string, Alert>()
  const untold = new Set<string>()
  for (const { alerts } of waiting) {
    for (const alert of alerts) {
      const before = latest.get(alert.fingerprint)
      if (alert.endsAt === undefined) untold.delete(alert.fingerprint)
      else if (before?.endsAt === undefined && before !== undefined) untold.add(alert.fingerprint)
      latest.set(alert.fingerprint, alert)
    }
  }
  const all = [...latest.values()]
  const ordered = [...all.filter(isFiring), ...all.filter((alert) => !isFiring(alert))]
  const alerts = ordered.slice(0, ALERTS_MAX)
  const kept = new Set(alerts.map(({ fingerprint }) => fingerprint))
  return {
    alerts,
    untold: [...untold].filter((fingerprint) => kept.has(fingerprint)),
    dropped: ordered.length - alerts.length,
  }
}

function isFiring(alert: Alert): boolean {
  return alert.endsAt === undefined
}
