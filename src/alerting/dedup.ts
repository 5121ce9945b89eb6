import type { Alert } from '../core/alert.ts'
import type { NotificationReason } from '../core/notification.ts'
import { type GroupDraft, type Member, rankOf } from './group.ts'

/*
 * The stage that decides what there is to tell: the members of a group against what was told of them. A group that has
 * nothing new to say stays silent, however it came to be asked.
 */

/** Everything a group knows, and why that is worth a message. */
export interface Telling {
  /** Undefined: nothing to say. */
  readonly reason: NotificationReason | undefined
  /** It is about what fires, not only about what ended. */
  readonly hasFiringNews: boolean
  /** The most severe first, then the oldest. */
  readonly firing: readonly Alert[]
  /** Members that were told as firing and are over. */
  readonly ended: readonly Alert[]
}

export function whatToTell(group: Pick<GroupDraft, 'members' | 'timers' | 'route'>, now: number): Telling {
  const members = [...group.members.values()]
  const firing = members.filter(isToBeToldAsFiring)
  const ended = members.filter((member) => !isToBeToldAsFiring(member))
  const firingReason = reasonOfFiring(group, firing, now)
  const endedReason = ended.length > 0 ? 'resolved' : undefined
  return {
    reason: firingReason === undefined || firingReason === 'repeat' ? (endedReason ?? firingReason) : firingReason,
    hasFiringNews: firingReason !== undefined,
    firing: firing.map(asFiring).toSorted((a, b) => rankOf(b) - rankOf(a) || a.startsAt - b.startsAt),
    ended: ended.map((member) => member.alert),
  }
}

/** What was closed before anybody was told of it happened all the same: it is told as firing once, then as over. */
function isToBeToldAsFiring(member: Member): boolean {
  return member.alert.endsAt === undefined || !member.isTold
}

function asFiring({ alert }: Member): Alert {
  return alert.endsAt === undefined ? alert : { ...alert, endsAt: undefined, end: undefined }
}

function reasonOfFiring(
  { timers, route }: Pick<GroupDraft, 'timers' | 'route'>,
  firing: readonly Member[],
  now: number,
): NotificationReason | undefined {
  if (firing.length === 0) return undefined
  if (!timers.isTold) return 'first'
  const joined = firing.filter((member) => !member.isTold)
  if (joined.some((member) => rankOf(member.alert) > timers.toldRank)) return 'more-severe'
  if (joined.length > 0) return 'new-alerts'
  if (firing.some((member) => member.alert.isUnknown && !member.isUnknownTold)) return 'changed'
  return route !== undefined && now >= timers.toldAt + route.repeatIntervalMs ? 'repeat' : undefined
}
