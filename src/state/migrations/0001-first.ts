import { type Kysely, type RawBuilder, type SchemaModule, sql } from 'kysely'

import type { Int8 } from './index.ts'

const COUNTERS = ['epoch', 'target', 'label_set', 'event', 'journey', 'journey_step', 'notification']

/** Everything the first version stores. */
export async function createFirstTables(db: Kysely<unknown>, int8: Int8): Promise<void> {
  await createTargets(db.schema, int8)
  await createEvents(db.schema, int8)
  await createJourneys(db.schema, int8)
  await createJourneyCounts(db.schema, int8)
  await createAlerts(db.schema, int8)
  await createOutbox(db.schema, int8)
  for (const name of COUNTERS) await sql`insert into counter (name, value) values (${name}, 0)`.execute(db)
}

async function createTargets(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('setting')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createTable('counter')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', int8, (column) => column.notNull())
    .execute()
  await schema
    .createTable('target')
    .addColumn('id', int8, (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('is_current', int8, (column) => column.notNull())
    .addColumn('first_started_at', int8, (column) => column.notNull())
    .addColumn('cursor', 'text')
    .addColumn('height', int8)
    .execute()
  await schema
    .createIndex('target_current')
    .unique()
    .on('target')
    .column('name')
    .where(condition('is_current = 1'))
    .execute()
  await schema
    .createTable('label_set')
    .addColumn('id', int8, (column) => column.primaryKey())
    .addColumn('labels', 'text', (column) => column.notNull())
    .execute()
}

async function createEvents(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('event')
    .addColumn('sequence', int8, (column) => column.primaryKey())
    .addColumn('target_id', int8, (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('time', int8, (column) => column.notNull())
    .addColumn('height', int8)
    .addColumn('is_history', int8, (column) => column.notNull())
    .addColumn('label_set_id', int8, (column) => column.notNull())
    .addColumn('stored_at', int8, (column) => column.notNull())
    .addColumn('retracted_sequence', int8)
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  const standing = condition('retracted_sequence is null')
  await schema
    .createIndex('event_standing')
    .unique()
    .on('event')
    .columns(['target_id', 'key'])
    .where(standing)
    .execute()
  await schema.createIndex('event_height').on('event').columns(['target_id', 'height']).where(standing).execute()
  await schema
    .createIndex('event_retracted')
    .on('event')
    .column('retracted_sequence')
    .where(condition('retracted_sequence is not null'))
    .execute()
  await schema
    .createTable('duty')
    .addColumn('target_id', int8, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('height', int8, (column) => column.notNull())
    .addColumn('round', int8, (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('time', int8, (column) => column.notNull())
    .addColumn('details', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('duty_key', ['target_id', 'kind', 'height', 'round', 'actor'])
    .execute()
  await schema.createIndex('duty_time').on('duty').column('time').execute()
}

async function createJourneys(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('journey')
    .addColumn('id', int8, (column) => column.primaryKey())
    .addColumn('target_id', int8, (column) => column.notNull())
    .addColumn('journey', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('start_time', int8)
    .addColumn('start_height', int8)
    .addColumn('start_position', int8)
    .addColumn('start_step', int8)
    .addColumn('end_time', int8)
    .addColumn('end_height', int8)
    .addColumn('end_position', int8)
    .addColumn('end_step', int8)
    .addColumn('end_outcome', 'text')
    .addColumn('outcome', 'text')
    .addColumn('seconds', 'double precision')
    .addColumn('created_at', int8, (column) => column.notNull())
    .addColumn('updated_at', int8, (column) => column.notNull())
    .execute()
  await schema.createIndex('journey_key').unique().on('journey').columns(['target_id', 'journey', 'key']).execute()
  await schema
    .createIndex('journey_open')
    .on('journey')
    .columns(['target_id', 'journey', 'start_time'])
    .where(condition('outcome is null'))
    .execute()
  await schema
    .createIndex('journey_expired')
    .on('journey')
    .columns(['target_id', 'journey', 'start_time'])
    .where(condition("outcome = 'expired'"))
    .execute()
  await schema
    .createTable('journey_step')
    .addColumn('id', int8, (column) => column.primaryKey())
    .addColumn('journey_id', int8, (column) => column.notNull())
    .addColumn('event_sequence', int8, (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('time', int8, (column) => column.notNull())
    .addColumn('height', int8, (column) => column.notNull())
    .addColumn('position', int8, (column) => column.notNull())
    .execute()
  await schema.createIndex('journey_step_journey').on('journey_step').column('journey_id').execute()
  await schema.createIndex('journey_step_event').on('journey_step').column('event_sequence').execute()
}

async function createJourneyCounts(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('journey_status')
    .addColumn('target_id', int8, (column) => column.notNull())
    .addColumn('journey', 'text', (column) => column.notNull())
    .addColumn('in_flight', int8, (column) => column.notNull())
    .addColumn('expired_before', int8)
    .addPrimaryKeyConstraint('journey_status_key', ['target_id', 'journey'])
    .execute()
  await schema
    .createTable('journey_total')
    .addColumn('target_id', int8, (column) => column.notNull())
    .addColumn('journey', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('ended', int8, (column) => column.notNull())
    .addColumn('retracted', int8, (column) => column.notNull())
    .addColumn('sum_seconds', 'double precision', (column) => column.notNull())
    .addColumn('bounds', 'text', (column) => column.notNull())
    .addColumn('buckets', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('journey_total_key', ['target_id', 'journey', 'outcome'])
    .execute()
}

async function createAlerts(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('alert_state')
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('alert_state_key', ['source', 'fingerprint'])
    .execute()
  await schema
    .createTable('event_rule')
    .addColumn('source', 'text', (column) => column.primaryKey())
    .addColumn('position', int8, (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createTable('alert_group')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('due_at', int8)
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createTable('episode')
    .addColumn('episode', 'text', (column) => column.primaryKey())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('starts_at', int8, (column) => column.notNull())
    .addColumn('ends_at', int8)
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('episode_firing')
    .on('episode')
    .column('starts_at')
    .where(condition('ends_at is null'))
    .execute()
  await schema
    .createIndex('episode_end')
    .on('episode')
    .column('ends_at')
    .where(condition('ends_at is not null'))
    .execute()
}

async function createOutbox(schema: SchemaModule, int8: Int8): Promise<void> {
  await schema
    .createTable('notification')
    .addColumn('sequence', int8, (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('destination', 'text', (column) => column.notNull())
    .addColumn('created_at', int8, (column) => column.notNull())
    .addColumn('due_at', int8, (column) => column.notNull())
    .addColumn('attempts', int8, (column) => column.notNull())
    .addColumn('done_at', int8)
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('notification_owed')
    .on('notification')
    .column('sequence')
    .where(condition('done_at is null'))
    .execute()
  await schema
    .createTable('notification_episode')
    .addColumn('episode', 'text', (column) => column.notNull())
    .addColumn('notification_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('notification_episode_key', ['episode', 'notification_id'])
    .execute()
  await schema
    .createIndex('notification_episode_notification')
    .on('notification_episode')
    .column('notification_id')
    .execute()
  await schema
    .createTable('delivery_attempt')
    .addColumn('notification_id', 'text', (column) => column.notNull())
    .addColumn('number', int8, (column) => column.notNull())
    .addColumn('at', int8, (column) => column.notNull())
    .addColumn('duration_ms', int8, (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('delivery_attempt_key', ['notification_id', 'number'])
    .execute()
}

/** The condition of a partial index, which takes no parameters. */
function condition(text: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.raw(text)}`
}
