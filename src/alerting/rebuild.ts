import type { Alert } from '../core/alert.ts'
import type { AlertingConfig } from './config.ts'
import type { ActiveAlert, PipelineState } from './draft.ts'
import { earliest, type Group, type Member, openTimers } from './group.ts'
import type { StoredGroup } from './records.ts'
import { placementsOf, routesById } from './route.ts'
import { leading, type Voices } from './sources.ts'

/**
 * The state from what was stored and the configuration as it is now. Groups whose route is gone are retired; alerts that
 * now go elsewhere join there. What this makes due is due at once, so that the next tick tells it: nothing is told here.
 */
export function rebuild(
  stored: readonly StoredGroup[],
  active: readonly Voices[],
  config: AlertingConfig,
  now: number,
): PipelineState {
  const byFingerprint = new Map(active.flatMap((voices) => asEntry(voices)))
  const routes = routesById(config.route)
  const groups = new Map<string, Group>()
  const memberships = new Map<string, Set<string>>()

  function join(group: Group, member: Member): void {
    const { fingerprint } = member.alert
    group.members.set(fingerprint, member)
    if (member.alert.endsAt !== undefined) return
    memberships.set(fingerprint, (memberships.get(fingerprint) ?? new Set()).add(group.identity.key))
  }

  for (const { identity, timers, told, unknownTold, ended } of stored) {
    const group: Group = { identity, route: routes.get(identity.routeId), timers, members: new Map() }
    groups.set(identity.key, group)
    for (const member of ended) join(group, member)
    for (const fingerprint of told) {
      const alert = byFingerprint.get(fingerprint)?.alert
      if (alert !== undefined) join(group, { alert, isTold: true, isUnknownTold: unknownTold.has(fingerprint) })
    }
  }
  for (const { alert } of byFingerprint.values()) {
    for (const { identity, route } of placementsOf(config.route, alert)) {
      const group = groups.get(identity.key) ?? { identity, route, timers: openTimers(now), members: new Map() }
      groups.set(identity.key, group)
      if (!group.members.has(alert.fingerprint)) join(group, { alert, isTold: false, isUnknownTold: false })
    }
  }
  return {
    groups: new Map([...groups].map(([key, group]) => [key, withDue(group, config, now)])),
    alerts: new Map(
      [...byFingerprint].map(([fingerprint, { voices }]): [string, ActiveAlert] => [
        fingerprint,
        { voices, groups: [...(memberships.get(fingerprint) ?? [])] },
      ]),
    ),
  }
}

function asEntry(voices: Voices): readonly [string, { readonly alert: Alert; readonly voices: Voices }][] {
  const alert = leading(voices)
  return alert === undefined ? [] : [[alert.fingerprint, { alert, voices }]]
}

/** What the stored timer does not know of yet makes the group due now: new members, new destinations, nothing left. */
function withDue(group: Group, config: AlertingConfig, now: number): Group {
  const { timers, members, identity, route } = group
  const receiver = config.receivers.find(({ name }) => name === identity.receiver)
  const isDue =
    members.size === 0 ||
    (timers.dueAt === undefined && route !== undefined) ||
    (route === undefined && [...members.values()].some(({ alert }) => alert.endsAt !== undefined)) ||
    (timers.isTold && (receiver?.destinations ?? []).some(({ name }) => !timers.destinations.includes(name)))
  return isDue ? { ...group, timers: { ...timers, dueAt: earliest(timers.dueAt, now) } } : group
}
