import { sql } from 'kysely'
import { z } from 'zod'

import { factsOf, type JourneyFacts, type PlacedStep } from '../core/journey-machine.ts'
import { EXPIRED } from '../core/journey.ts'
import type { JourneyTable } from './schema.ts'
import { chunksOf } from './statements.ts'
import { parseRows } from './stored-text.ts'
import type { Tx } from './writer.ts'

/** A journey as it is stored, and as what the totals hold it. */
export interface JourneyRow {
  readonly id: number
  readonly journey: string
  readonly key: string
  readonly facts: JourneyFacts
  readonly outcome: string | undefined
  readonly seconds: number | undefined
  readonly createdAt: number
}

/** All journeys of one name of one target. */
export interface JourneyName {
  readonly targetId: number
  readonly journey: string
}

const PAGE = 1_000

const place = z.number().nullable()
const rowSchema = z.object({
  id: z.number(),
  journey: z.string(),
  key: z.string(),
  start_time: place,
  start_height: place,
  start_position: place,
  start_step: place,
  end_time: place,
  end_height: place,
  end_position: place,
  end_step: place,
  end_outcome: z.string().nullable(),
  outcome: z.string().nullable(),
  seconds: z.number().nullable(),
  created_at: z.number(),
})

const stepSchema = z.object({
  id: z.number(),
  journey_id: z.number(),
  kind: z.enum(['start', 'end']),
  outcome: z.string(),
  time: z.number(),
  height: z.number(),
  position: z.number(),
})

export async function journeysByKey(
  tx: Tx,
  { targetId, journey }: JourneyName,
  keys: readonly string[],
): Promise<readonly JourneyRow[]> {
  const found: JourneyRow[] = []
  for (const chunk of chunksOf(keys)) {
    const rows = await tx.db
      .selectFrom('journey')
      .selectAll()
      .where('target_id', '=', targetId)
      .where('journey', '=', journey)
      .where('key', 'in', chunk)
      .execute()
    found.push(...parseJourneys(rows))
    await tx.pause()
  }
  return found
}

/** The journeys whose steps were shown by these sightings. */
export async function journeysOfSightings(tx: Tx, sequences: readonly number[]): Promise<readonly JourneyRow[]> {
  const found = new Map<number, JourneyRow>()
  for (const chunk of chunksOf(sequences)) {
    const rows = await tx.db
      .selectFrom('journey')
      .selectAll('journey')
      .where('journey.id', 'in', (eb) =>
        eb.selectFrom('journey_step').select('journey_step.journey_id').where('event_sequence', 'in', chunk),
      )
      .execute()
    for (const row of parseJourneys(rows)) found.set(row.id, row)
    await tx.pause()
  }
  return [...found.values()]
}

/** Journeys without an end that started before an instant. */
export async function openBefore(
  tx: Tx,
  { targetId, journey }: JourneyName,
  startedBefore: number,
): Promise<readonly JourneyRow[]> {
  const rows = await tx.db
    .selectFrom('journey')
    .selectAll()
    .where('target_id', '=', targetId)
    .where('journey', '=', journey)
    .where('outcome', 'is', null)
    .where('start_time', '<', startedBefore)
    .execute()
  return parseJourneys(rows)
}

/** Journeys that have expired and started at an instant or after it. */
export async function expiredSince(
  tx: Tx,
  { targetId, journey }: JourneyName,
  startedFrom: number,
): Promise<readonly JourneyRow[]> {
  const rows = await tx.db
    .selectFrom('journey')
    .selectAll()
    .where('target_id', '=', targetId)
    .where('journey', '=', journey)
    // Literal, as in the condition of the index that answers this.
    .where(sql<boolean>`outcome = ${sql.lit(EXPIRED)}`)
    .where('start_time', '>=', startedFrom)
    .execute()
  return parseJourneys(rows)
}

/** The facts of journeys from the steps that are left; a journey without steps is not in the answer. */
export async function factsFromSteps(tx: Tx, ids: readonly number[]): Promise<ReadonlyMap<number, JourneyFacts>> {
  const steps = new Map<number, PlacedStep[]>()
  for (const chunk of chunksOf(ids)) {
    const rows = await tx.db.selectFrom('journey_step').selectAll().where('journey_id', 'in', chunk).execute()
    for (const row of parseRows(stepSchema, rows, 'journey steps')) {
      const { id, journey_id: journeyId, kind, outcome, time, height, position } = row
      const list = steps.get(journeyId) ?? []
      list.push({ kind, outcome, time, place: { height, position, step: id } })
      steps.set(journeyId, list)
    }
    await tx.pause()
  }
  return new Map([...steps].map(([id, list]) => [id, factsOf(list)]))
}

/** The durations that the totals of one outcome hold, of journeys that are still stored. */
export async function countedSeconds(
  tx: Tx,
  { targetId, journey }: JourneyName,
  outcome: string,
): Promise<readonly number[]> {
  const seconds: number[] = []
  let after = ''
  for (;;) {
    const rows = await tx.db
      .selectFrom('journey')
      .select(['key', 'outcome', 'seconds'])
      .where('target_id', '=', targetId)
      .where('journey', '=', journey)
      .where('key', '>', after)
      .orderBy('key')
      .limit(PAGE)
      .execute()
    for (const row of rows) if (row.outcome === outcome && row.seconds !== null) seconds.push(row.seconds)
    await tx.pause()
    const last = rows.at(-1)
    if (last === undefined) return seconds
    after = last.key
  }
}

export function journeyTableRow(
  row: JourneyRow,
  round: { readonly targetId: number; readonly at: number },
): JourneyTable {
  const { start, end } = row.facts
  return {
    id: row.id,
    target_id: round.targetId,
    journey: row.journey,
    key: row.key,
    start_time: start?.time ?? null,
    start_height: start?.place.height ?? null,
    start_position: start?.place.position ?? null,
    start_step: start?.place.step ?? null,
    end_time: end?.time ?? null,
    end_height: end?.place.height ?? null,
    end_position: end?.place.position ?? null,
    end_step: end?.place.step ?? null,
    end_outcome: end?.outcome ?? null,
    outcome: row.outcome ?? null,
    seconds: row.seconds ?? null,
    created_at: row.createdAt,
    updated_at: Math.round(round.at),
  }
}

function parseJourneys(rows: readonly unknown[]): readonly JourneyRow[] {
  return parseRows(rowSchema, rows, 'journeys').map((row) => ({
    id: row.id,
    journey: row.journey,
    key: row.key,
    facts: {
      start: placedStep('start', '', [row.start_time, row.start_height, row.start_position, row.start_step]),
      end: placedStep('end', row.end_outcome ?? '', [row.end_time, row.end_height, row.end_position, row.end_step]),
    },
    outcome: row.outcome ?? undefined,
    seconds: row.seconds ?? undefined,
    createdAt: row.created_at,
  }))
}

type Columns = readonly [time: number | null, height: number | null, position: number | null, step: number | null]

function placedStep(kind: 'start' | 'end', outcome: string, columns: Columns): PlacedStep | undefined {
  const [time, height, position, step] = columns
  if (time === null || height === null || position === null || step === null) return undefined
  return { kind, outcome, time, place: { height, position, step } }
}
