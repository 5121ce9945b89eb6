import type { Alert, AlertChange } from '../core/alert.ts'
import type { Notification } from '../core/notification.ts'
import type { World } from '../lib/world.ts'
import type { AlertingConfig } from './config.ts'
import { whatToTell } from './dedup.ts'
import type { Draft } from './draft.ts'
import { enqueue } from './enqueue.ts'
import { decide, type GroupDraft, markTold, NO_NEWS, rankOf, rearm } from './group.ts'
import { placementsOf } from './route.ts'
import { applyChange } from './sources.ts'

/** What the stages share while a plan is made. */
export interface PlanContext {
  readonly config: AlertingConfig
  readonly draft: Draft
  readonly now: number
  readonly uuid: World['uuid']
  /** What is owed so far. */
  readonly notifications: Notification[]
}

/** Takes one change through the stages up to the group; `settle` decides what the group makes of it. */
export function takeIn(context: PlanContext, change: AlertChange): void {
  const { draft } = context
  const { fingerprint } = change.alert
  const known = draft.alerts.get(fingerprint)
  const effect = applyChange(known?.voices ?? [], change)
  switch (effect.kind) {
    case 'none':
      return
    case 'firing': {
      const groups = known?.groups ?? placements(context, effect.alert)
      draft.alerts.set(fingerprint, { voices: effect.voices, groups })
      for (const key of groups) fire(draft, key, effect.alert)
      return
    }
    case 'ended':
      draft.alerts.delete(fingerprint)
      for (const key of known?.groups ?? []) end(context, key, effect.alert)
  }
}

function placements({ config, draft, now }: PlanContext, alert: Alert): readonly string[] {
  // Alertmanager does not wait again for what has fired for longer than `group_wait` already.
  const openedAt = config.firstMessage === 'wait' ? Math.min(now, alert.startsAt) : now
  return placementsOf(config.route, alert).map((placement) => draft.groupAt(placement, openedAt).identity.key)
}

function fire(draft: Draft, key: string, alert: Alert): void {
  const group = draft.group(key)
  if (group === undefined) return
  const before = group.members.get(alert.fingerprint)
  const isUnknownTold = alert.isUnknown && before?.isUnknownTold === true
  group.members.set(alert.fingerprint, { alert, isTold: before?.isTold === true, isUnknownTold })
  if (before?.alert.endsAt !== undefined) draft.dropEnd(group, alert.fingerprint)
  group.news = {
    ...group.news,
    joinedRank: before?.isTold === true ? group.news.joinedRank : Math.max(group.news.joinedRank, rankOf(alert)),
    hasUnknown: group.news.hasUnknown || (alert.isUnknown && !isUnknownTold),
  }
}

function end(context: PlanContext, key: string, alert: Alert): void {
  const group = context.draft.group(key)
  if (group === undefined) return
  // It began and ended within this plan: what the beginning causes comes first.
  if (group.members.get(alert.fingerprint)?.isTold === false && group.news.joinedRank >= 0) settle(context, group)
  const member = group.members.get(alert.fingerprint)
  if (member === undefined) return
  if (!member.isTold && alert.end !== 'closed') {
    group.members.delete(alert.fingerprint)
    return
  }
  group.members.set(alert.fingerprint, { ...member, alert })
  context.draft.keepEnd(group, alert.fingerprint)
  group.news = { ...group.news, hasEnded: true }
}

/** Lets a group decide on its news, and speak if it wants to. */
export function settle(context: PlanContext, group: GroupDraft): void {
  const { now, config } = context
  const decision = decide(group, config.firstMessage, now)
  group.timers = decision.timers
  group.news = NO_NEWS
  if (decision.speaksNow || isDue(group, now)) speak(context, group)
}

export function isDue(group: Pick<GroupDraft, 'timers'>, now: number): boolean {
  return group.timers.dueAt !== undefined && group.timers.dueAt <= now
}

/** Tells everything the group knows, if anything of it is news, and sets its timer again. */
export function speak(context: PlanContext, group: GroupDraft): void {
  const { config, draft, now, uuid, notifications } = context
  const telling = whatToTell(group, now)
  const receiver = config.receivers.find(({ name }) => name === group.identity.receiver)
  const toldBefore = group.timers.destinations
  notifications.push(...enqueue({ identity: group.identity, receiver, telling, toldBefore, now, uuid }))
  if (telling.reason !== undefined) {
    group.timers = markTold(group.timers, telling.firing, now)
    markMembers(draft, group)
  }
  group.timers = {
    ...group.timers,
    destinations: telling.firing.length > 0 ? (receiver?.destinations ?? []).map(({ name }) => name) : toldBefore,
  }
  group.timers = rearm(group, now)
  draft.noteTold(group)
}

function markMembers(draft: Draft, group: GroupDraft): void {
  for (const member of Array.from(group.members.values())) {
    const { fingerprint, endsAt, isUnknown } = member.alert
    if (endsAt !== undefined && member.isTold) {
      group.members.delete(fingerprint)
      draft.dropEnd(group, fingerprint)
      continue
    }
    group.members.set(fingerprint, { ...member, isTold: true, isUnknownTold: isUnknown })
    if (endsAt !== undefined) draft.keepEnd(group, fingerprint)
  }
}
