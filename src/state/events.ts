import type { Kysely } from 'kysely'

import type { EventLogEntry, EventLogFilter, EventLogPage, StoredEvent } from '../core/event.ts'
import type { World } from '../lib/world.ts'
import { type EventRow, parseEventRows, selectEvents, storedEvent } from './event-rows.ts'
import type { Schema } from './schema.ts'

/** Which events; every condition that is given must hold. */
interface EventQuery {
  readonly target?: string | undefined
  readonly name?: string | undefined
  readonly type?: string | undefined
  /** The event's own time, milliseconds UTC, inclusive. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** Only what was stored after this number; then the oldest of those come, otherwise the newest of all. */
  readonly afterSequence?: number | undefined
  /** At most 10,000. */
  readonly limit: number
}

export interface EventLog {
  /**
   * The log after a number: what was seen, and what turned out not to be on the chain. At most 10,000 entries; fewer than
   * asked for only at the end of the log.
   */
  after(sequence: number, limit: number, wanted?: EventLogFilter): Promise<EventLogPage>
  /** The last number that was given out; 0 before the first. */
  lastSequence(): Promise<number>
  /** Events that stand, of what targets watch now, in the order they were stored: the newest last. */
  query(query: EventQuery): Promise<readonly StoredEvent[]>
}

const LIMIT_MAX = 10_000
/** Numbers that one read looks through: a slice of a few milliseconds, however rare a match is. */
const WINDOW = 4_000

export function createEventLog(db: Kysely<Schema>, world: Pick<World, 'yield'>): EventLog {
  return {
    after: async (sequence, limit, wanted) =>
      logAfter(db, world, { after: sequence, limit: Math.min(limit, LIMIT_MAX), wanted }),
    lastSequence: async () => lastSequence(db),
    query: async (query) => findEvents(db, world, query),
  }
}

async function lastSequence(db: Kysely<Schema>): Promise<number> {
  const row = await db.selectFrom('counter').select('value').where('name', '=', 'event').executeTakeFirst()
  return row?.value ?? 0
}

interface LogQuestion {
  readonly after: number
  readonly limit: number
  readonly wanted: EventLogFilter | undefined
}

async function logAfter(
  db: Kysely<Schema>,
  world: Pick<World, 'yield'>,
  { after, limit, wanted }: LogQuestion,
): Promise<EventLogPage> {
  // All reads end at one number: what is committed between them must not be seen by the later ones alone.
  const last = await lastSequence(db)
  const entries: EventLogEntry[] = []
  let upTo = Math.min(after, last)
  while (upTo < last && entries.length < limit) {
    if (upTo > after) await world.yield()
    const stretch = { after: upTo, upTo: Math.min(last, upTo + WINDOW), limit: limit - entries.length, wanted }
    const page = await logBetween(db, stretch)
    for (const entry of page.entries) entries.push(entry)
    upTo = page.upTo
  }
  return { entries, upTo }
}

async function logBetween(
  db: Kysely<Schema>,
  { after, upTo, limit, wanted }: LogQuestion & { readonly upTo: number },
): Promise<EventLogPage> {
  let seen = selectEvents(db).where('event.sequence', '>', after).where('event.sequence', '<=', upTo)
  let retracted = selectEvents(db)
    .where('event.retracted_sequence', '>', after)
    .where('event.retracted_sequence', '<=', upTo)
  if (wanted !== undefined) {
    seen = seen.where('event.type', 'in', wanted.types)
    retracted = retracted.where('event.type', 'in', wanted.types)
    if (!wanted.history) seen = seen.where('event.is_history', '=', 0)
  }
  const seenRows = parseEventRows(await seen.orderBy('event.sequence').limit(limit).execute())
  const retractedRows = parseEventRows(await retracted.orderBy('event.retracted_sequence').limit(limit).execute())
  const rows = [
    ...seenRows.map((row) => ({ kind: 'seen' as const, sequence: row.sequence, row })),
    ...retractedRows.map((row) => ({ kind: 'retracted' as const, sequence: row.retracted_sequence ?? 0, row })),
  ]
  const entries = rows
    .toSorted((a, b) => a.sequence - b.sequence)
    .slice(0, limit)
    .map(({ kind, sequence, row }) => ({ kind, sequence, event: storedEvent(row) }))
  // A full page may have left something out: it reaches to its last entry only.
  return { entries, upTo: entries.length < limit ? upTo : (entries.at(-1)?.sequence ?? upTo) }
}

async function findEvents(
  db: Kysely<Schema>,
  world: Pick<World, 'yield'>,
  query: EventQuery,
): Promise<readonly StoredEvent[]> {
  const limit = Math.min(query.limit, LIMIT_MAX)
  const { oldest, newest } = await storedRange(db)
  const isForward = query.afterSequence !== undefined
  const first = Math.max(oldest, (query.afterSequence ?? 0) + 1)
  const found: EventRow[] = []
  let from = isForward ? first : Math.max(first, newest - WINDOW + 1)
  let to = isForward ? Math.min(newest, first + WINDOW - 1) : newest
  while (from <= to && found.length < limit) {
    found.push(...(await matchesBetween(db, query, { from, to, isForward, limit: limit - found.length })))
    if (isForward) {
      from = to + 1
      to = Math.min(newest, from + WINDOW - 1)
    } else {
      to = from - 1
      from = Math.max(first, to - WINDOW + 1)
    }
    await world.yield()
  }
  return (isForward ? found : found.toReversed()).map(storedEvent)
}

/** Two reads, because SQLite finds one end of an index at once, but both only by reading all of it. */
async function storedRange(db: Kysely<Schema>): Promise<{ oldest: number; newest: number }> {
  const oldest = await db.selectFrom('event').select('sequence').orderBy('sequence').limit(1).executeTakeFirst()
  const newest = await db.selectFrom('event').select('sequence').orderBy('sequence', 'desc').limit(1).executeTakeFirst()
  return { oldest: oldest?.sequence ?? 1, newest: newest?.sequence ?? 0 }
}

interface Window {
  readonly from: number
  readonly to: number
  readonly isForward: boolean
  readonly limit: number
}

async function matchesBetween(db: Kysely<Schema>, query: EventQuery, window: Window): Promise<readonly EventRow[]> {
  let select = selectEvents(db)
    .where('event.sequence', '>=', window.from)
    .where('event.sequence', '<=', window.to)
    .where('event.retracted_sequence', 'is', null)
    .where('target.is_current', '=', 1)
  if (query.target !== undefined) select = select.where('target.name', '=', query.target)
  if (query.name !== undefined) select = select.where('event.name', '=', query.name)
  if (query.type !== undefined) select = select.where('event.type', '=', query.type)
  if (query.fromMs !== undefined) select = select.where('event.time', '>=', query.fromMs)
  if (query.toMs !== undefined) select = select.where('event.time', '<=', query.toMs)
  const rows = await select
    .orderBy('event.sequence', window.isForward ? 'asc' : 'desc')
    .limit(window.limit)
    .execute()
  return parseEventRows(rows)
}
