import type { Alert } from '../core/alert.ts'
import type { Notification } from '../core/notification.ts'
import type { Destination, Receiver } from './config.ts'
import type { Telling } from './dedup.ts'
import type { GroupIdentity } from './group.ts'

/*
 * The last stage: what a group tells becomes one notification for each destination that wants to hear it.
 *
 * A person gets one message, with the most severe alerts when there are too many to read. A machine must hear of all of
 * them and gets several messages; each holds a firing alert as long as the group has one, so that none looks like the
 * end of the whole group.
 */

/** More alerts than this do not go into one notification. */
const ALERTS_MAX = 1_000

export interface Enqueuing {
  readonly identity: GroupIdentity
  readonly receiver: Receiver | undefined
  readonly telling: Telling
  /** Destinations that this group told before: the others hear only of what fires. */
  readonly toldBefore: readonly string[]
  readonly now: number
  readonly uuid: () => string
}

/** What is owed now; empty where nobody wants to hear it. */
export function enqueue(asked: Enqueuing): readonly Notification[] {
  return (asked.receiver?.destinations ?? []).flatMap((destination) => {
    const wanted = wantedBy(destination, asked)
    if (wanted === undefined) return []
    return chunk(destination, wanted).map(({ alerts, truncated }) => ({
      id: asked.uuid(),
      receiver: asked.identity.receiver,
      destination: destination.name,
      groupKey: asked.identity.groupKey,
      groupLabels: asked.identity.labels,
      reason: wanted.reason,
      alerts,
      truncated,
      causedAt: asked.now,
    }))
  })
}

interface Wanted {
  readonly reason: Notification['reason']
  readonly firing: readonly Alert[]
  readonly ended: readonly Alert[]
}

function wantedBy(destination: Destination, { telling, toldBefore }: Enqueuing): Wanted | undefined {
  const { firing, reason } = telling
  if (!toldBefore.includes(destination.name)) {
    return firing.length === 0
      ? undefined
      : { reason: reason === undefined || reason === 'resolved' ? 'first' : reason, firing, ended: [] }
  }
  if (reason === undefined) return undefined
  const ended = telling.ended.filter((alert) => isEndToldTo(destination, alert))
  return telling.hasFiringNews || ended.length > 0 ? { reason, firing, ended } : undefined
}

/** Nobody mended what was closed: a person gets no RESOLVED for it. */
function isEndToldTo(destination: Destination, alert: Alert): boolean {
  return destination.sendResolved && (destination.audience === 'machine' || alert.end !== 'closed')
}

interface Chunk {
  readonly alerts: readonly Alert[]
  readonly truncated: number
}

function chunk(destination: Destination, { firing, ended }: Wanted): readonly Chunk[] {
  const all = [...firing, ...ended]
  if (all.length <= ALERTS_MAX) return [{ alerts: all, truncated: 0 }]
  if (destination.audience === 'person') {
    return [{ alerts: all.slice(0, ALERTS_MAX), truncated: all.length - ALERTS_MAX }]
  }
  const lead = firing.slice(0, 1)
  const groups = [
    ...pieces(firing, ALERTS_MAX),
    ...pieces(ended, ALERTS_MAX - lead.length).map((piece) => lead.concat(piece)),
  ]
  return groups.map((alerts) => ({ alerts, truncated: 0 }))
}

function pieces<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
