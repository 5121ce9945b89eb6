import type { Kysely } from 'kysely'
import { z } from 'zod'

import type { AlertCommit, AlertStateRecord, EpisodeRecord, EventRuleRecord, GroupRecord } from '../core/records.ts'
import { createNotificationWrite } from './notifications.ts'
import type { AlertGroupTable, AlertStateTable, EpisodeTable, EventRuleTable, Schema } from './schema.ts'
import { chunksOf, createBulkWrite } from './statements.ts'
import { indexedText, jsonSchema, jsonText, parseRows, parseStored } from './stored-text.ts'
import type { Tx, Writer } from './writer.ts'

/** All that the alert path goes on with after a start. */
interface StoredAlerts {
  readonly alertStates: readonly AlertStateRecord[]
  readonly eventRules: readonly EventRuleRecord[]
  readonly groups: readonly GroupRecord[]
  /** Those that fire, oldest first. */
  readonly episodes: readonly EpisodeRecord[]
}

export interface Alerts {
  load(): Promise<StoredAlerts>
  /** Writes all of it, or nothing; durable when it resolves. Within one commit removals come before what is put. */
  commit(commit: AlertCommit): Promise<void>
  /** Episodes that have ended, the latest first. */
  endedEpisodes(limit: number): Promise<readonly EpisodeRecord[]>
}

const stateSchema = z.object({ source: z.string(), fingerprint: z.string(), body: z.string() })
const eventRuleSchema = z.object({ source: z.string(), position: z.number(), body: z.string() })
const groupSchema = z.object({ key: z.string(), due_at: z.number().nullable(), body: z.string() })
const groupBodySchema = z.object({ key: z.string(), body: jsonSchema })
const episodeSchema = z.object({
  episode: z.string(),
  source: z.string(),
  fingerprint: z.string(),
  starts_at: z.number(),
  ends_at: z.number().nullable(),
  body: z.string(),
})

export function createAlerts(db: Kysely<Schema>, writer: Writer): Alerts {
  const write = createAlertWrite()
  return {
    load: async () => load(db),
    async commit(commit) {
      await writer.write(weightOf(commit), async (tx) => write(tx, commit))
    },
    async endedEpisodes(limit) {
      const rows = await db
        .selectFrom('episode')
        .selectAll()
        .where('ends_at', 'is not', null)
        .orderBy('ends_at', 'desc')
        .orderBy('episode', 'desc')
        .limit(limit)
        .execute()
      return parseEpisodes(rows)
    },
  }
}

async function load(db: Kysely<Schema>): Promise<StoredAlerts> {
  const states = await db.selectFrom('alert_state').selectAll().execute()
  const rules = await db.selectFrom('event_rule').selectAll().execute()
  const groups = await db.selectFrom('alert_group').selectAll().execute()
  const firing = await db
    .selectFrom('episode')
    .selectAll()
    .where('ends_at', 'is', null)
    .orderBy('starts_at')
    .orderBy('episode')
    .execute()
  return {
    alertStates: parseRows(stateSchema, states, 'alert states').map(alertState),
    eventRules: parseRows(eventRuleSchema, rules, 'event rules').map(eventRule),
    groups: parseRows(groupSchema, groups, 'groups').map(group),
    episodes: parseEpisodes(firing),
  }
}

function alertState({ source, fingerprint, body }: AlertStateTable): AlertStateRecord {
  return { source, fingerprint, body: parseStored(jsonSchema, body, `the alert state ${source} ${fingerprint}`) }
}

function eventRule({ source, position, body }: EventRuleTable): EventRuleRecord {
  return { source, position, body: parseStored(jsonSchema, body, `the event rule ${source}`) }
}

function group(row: AlertGroupTable): GroupRecord {
  const { key, body } = parseStored(groupBodySchema, row.body, `the group ${row.key}`)
  return { key, dueAt: row.due_at ?? undefined, body }
}

function parseEpisodes(rows: readonly unknown[]): readonly EpisodeRecord[] {
  return parseRows(episodeSchema, rows, 'episodes').map((row) => ({
    episode: row.episode,
    source: row.source,
    fingerprint: row.fingerprint,
    startsAt: row.starts_at,
    endsAt: row.ends_at ?? undefined,
    body: parseStored(jsonSchema, row.body, `the episode ${row.episode}`),
  }))
}

function weightOf(commit: AlertCommit): number {
  const { alertStates, eventRules, groups, episodes, notifications } = commit
  const rows = [alertStates, eventRules, groups].map((writes) => writes.put.length + writes.remove.length)
  return rows.reduce((sum, count) => sum + count, 1 + episodes.length + notifications.length)
}

function createAlertWrite(): (tx: Tx, commit: AlertCommit) => Promise<void> {
  const put = createPuts()
  const enqueue = createNotificationWrite()
  return async (tx, commit) => {
    const { alertStates, eventRules, groups, episodes, notifications } = commit
    await remove(tx, commit)
    const states = lastOfEach(alertStates.put, (record) => `${record.source}\n${record.fingerprint}`)
    await put.states(tx, states, stateRow)
    const rules = lastOfEach(eventRules.put, (record) => record.source)
    await put.eventRules(tx, rules, eventRuleRow)
    const changedGroups = lastOfEach(groups.put, (record) => record.key)
    await put.groups(tx, changedGroups, groupRow)
    const changedEpisodes = lastOfEach(episodes, (record) => record.episode)
    await put.episodes(tx, changedEpisodes, episodeRow)
    await enqueue(tx, notifications)
  }
}

async function remove(tx: Tx, { alertStates, eventRules, groups }: AlertCommit): Promise<void> {
  for (const { source, fingerprint } of alertStates.remove) {
    await tx.db.deleteFrom('alert_state').where('source', '=', source).where('fingerprint', '=', fingerprint).execute()
  }
  for (const sources of chunksOf(eventRules.remove)) {
    await tx.db.deleteFrom('event_rule').where('source', 'in', sources).execute()
  }
  for (const keys of chunksOf(groups.remove.map(indexedText))) {
    await tx.db.deleteFrom('alert_group').where('key', 'in', keys).execute()
  }
}

function createPuts() {
  return {
    states: createBulkWrite<AlertStateTable>((db, rows) =>
      db
        .insertInto('alert_state')
        .values(rows)
        .onConflict((conflict) =>
          conflict.columns(['source', 'fingerprint']).doUpdateSet((eb) => ({ body: eb.ref('excluded.body') })),
        ),
    ),
    eventRules: createBulkWrite<EventRuleTable>((db, rows) =>
      db
        .insertInto('event_rule')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .column('source')
            .doUpdateSet((eb) => ({ position: eb.ref('excluded.position'), body: eb.ref('excluded.body') })),
        ),
    ),
    groups: createBulkWrite<AlertGroupTable>((db, rows) =>
      db
        .insertInto('alert_group')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .column('key')
            .doUpdateSet((eb) => ({ due_at: eb.ref('excluded.due_at'), body: eb.ref('excluded.body') })),
        ),
    ),
    episodes: createBulkWrite<EpisodeTable>((db, rows) =>
      db
        .insertInto('episode')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .column('episode')
            .doUpdateSet((eb) => ({ ends_at: eb.ref('excluded.ends_at'), body: eb.ref('excluded.body') })),
        ),
    ),
  }
}

/** One statement may not touch a row twice: the last that was put is the one that counts. */
function lastOfEach<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()]
}

function stateRow({ source, fingerprint, body }: AlertStateRecord): AlertStateTable {
  return { source, fingerprint, body: jsonText(body, `the alert state ${source} ${fingerprint}`) }
}

function eventRuleRow({ source, position, body }: EventRuleRecord): EventRuleTable {
  return { source, position, body: jsonText(body, `the event rule ${source}`) }
}

function groupRow({ key, dueAt, body }: GroupRecord): AlertGroupTable {
  return {
    key: indexedText(key),
    due_at: dueAt === undefined ? null : Math.round(dueAt),
    // The key itself may be too long for an index, or hold what only JSON can.
    body: jsonText({ key, body }, `the group ${key}`),
  }
}

function episodeRow({ episode, source, fingerprint, startsAt, endsAt, body }: EpisodeRecord): EpisodeTable {
  return {
    episode,
    source,
    fingerprint,
    starts_at: Math.round(startsAt),
    ends_at: endsAt === undefined ? null : Math.round(endsAt),
    body: jsonText(body, `the episode ${episode}`),
  }
}
