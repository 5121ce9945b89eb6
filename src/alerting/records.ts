import { z } from 'zod'

import type { Alert } from '../core/alert.ts'
import type { EpisodeRecord, GroupRecord } from '../core/records.ts'
import type { Json } from '../lib/json.ts'
import type { GroupIdentity, GroupTimers, Member } from './group.ts'

/*
 * How the pipeline's state is written. A group is one row with its timers and the fingerprints it was told of, written
 * when it spoke or its timer moved, and one row for each member whose end waits to be told, so that a change writes what
 * changed and not the whole group. Firing members need no row: they are the episodes that have not ended. A member stays
 * among those told while its end waits, because it may fire again before that is told.
 */

const labels = z.record(z.string(), z.string())
const instant = z.number().nullable()

const alertSchema = z
  .object({
    episode: z.string(),
    fingerprint: z.string(),
    source: z.string(),
    labels,
    annotations: labels,
    startsAt: z.number(),
    endsAt: instant,
    end: z.enum(['resolved', 'closed']).nullable(),
    isUnknown: z.boolean(),
    generatorUrl: z.string(),
  })
  .transform((alert): Alert => ({ ...alert, endsAt: alert.endsAt ?? undefined, end: alert.end ?? undefined }))

const groupSchema = z.object({
  kind: z.literal('group'),
  identity: z.object({
    key: z.string(),
    groupKey: z.string(),
    receiver: z.string(),
    labels,
    routeId: z.string(),
  }),
  timers: z.object({
    openedAt: z.number(),
    tickedFrom: z.number(),
    isTold: z.boolean(),
    toldAt: z.number(),
    toldRank: z.number(),
    tokens: z.number(),
    tokensAt: z.number(),
    destinations: z.array(z.string()),
  }),
  told: z.array(z.string()),
  unknownTold: z.array(z.string()),
})

const endSchema = z.object({
  kind: z.literal('end'),
  group: z.string(),
  alert: alertSchema,
  isTold: z.boolean(),
  isUnknownTold: z.boolean(),
})

const rowSchema = z.discriminatedUnion('kind', [groupSchema, endSchema])

/** A group as it was stored, its members apart. */
export interface StoredGroup {
  readonly identity: GroupIdentity
  readonly timers: GroupTimers
  readonly told: ReadonlySet<string>
  readonly unknownTold: ReadonlySet<string>
  readonly ended: readonly Member[]
}

function encodeAlert(alert: Alert): Json {
  return { ...alert, endsAt: alert.endsAt ?? null, end: alert.end ?? null }
}

/** @throws ZodError when it is none, which is our own mistake or a damaged database */
export function decodeAlert(body: Json): Alert {
  return alertSchema.parse(body)
}

export function episodeRecord(alert: Alert): EpisodeRecord {
  const { episode, source, fingerprint, startsAt, endsAt } = alert
  return { episode, source, fingerprint, startsAt, endsAt, body: encodeAlert(alert) }
}

export function groupRecord(identity: GroupIdentity, timers: GroupTimers, members: Iterable<Member>): GroupRecord {
  const all = [...members]
  const { dueAt, ...kept } = timers
  return {
    key: identity.key,
    dueAt,
    body: {
      kind: 'group',
      identity: { ...identity },
      timers: kept,
      told: all.filter((member) => member.isTold).map((member) => member.alert.fingerprint),
      unknownTold: all.filter((member) => member.isUnknownTold).map((member) => member.alert.fingerprint),
    },
  }
}

export function endKey(group: string, fingerprint: string): string {
  return `end:${fingerprint}:${group}`
}

export function endRecord(group: string, member: Member): GroupRecord {
  return {
    key: endKey(group, member.alert.fingerprint),
    dueAt: undefined,
    body: {
      kind: 'end',
      group,
      alert: encodeAlert(member.alert),
      isTold: member.isTold,
      isUnknownTold: member.isUnknownTold,
    },
  }
}

/** Groups from their rows, in any order. */
export function decodeGroups(records: readonly GroupRecord[]): readonly StoredGroup[] {
  const rows = records.map(({ dueAt, body }) => ({ dueAt, row: rowSchema.parse(body) }))
  const ended = new Map<string, Member[]>()
  for (const { row } of rows) {
    if (row.kind !== 'end') continue
    const { group, alert, isTold, isUnknownTold } = row
    const members = ended.get(group) ?? []
    members.push({ alert, isTold, isUnknownTold })
    ended.set(group, members)
  }
  return rows.flatMap(({ dueAt, row }) => {
    if (row.kind !== 'group') return []
    const { identity, timers, told, unknownTold } = row
    return [
      {
        identity,
        timers: { ...timers, dueAt },
        told: new Set(told),
        unknownTold: new Set(unknownTold),
        ended: ended.get(identity.key) ?? [],
      },
    ]
  })
}
