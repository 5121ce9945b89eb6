import { z } from 'zod'

import { noTotals, outcomesOf, withBounds } from '../core/journey-machine.ts'
import type { JourneyDefinition, JourneyOutcomeTotals, JourneySummary } from '../core/journey.ts'
import { countedSeconds } from './journey-rows.ts'
import { jsonText, parseRows, parseStored } from './stored-text.ts'
import type { Tx } from './writer.ts'

/** How many journeys of one name are where, in one transaction. */
interface JourneyStatus {
  readonly inFlight: number
  readonly expiredBefore: number | undefined
}

/** The counts of a target's journeys while a round is committed. */
export interface JourneyLedger {
  status(journey: string): JourneyStatus
  setStatus(journey: string, status: JourneyStatus): void
  /** Changes the totals of one outcome; `change` gets their bounds. */
  update(
    journey: string,
    outcome: string,
    change: (totals: JourneyOutcomeTotals, boundsSeconds: readonly number[]) => JourneyOutcomeTotals,
  ): void
  summary(definition: JourneyDefinition): JourneySummary
  store(): Promise<void>
}

interface Entry {
  readonly journey: string
  readonly totals: JourneyOutcomeTotals
  readonly bounds: readonly number[]
}

const NO_STATUS: JourneyStatus = { inFlight: 0, expiredBefore: undefined }

const numbersSchema = z.array(z.number())
const statusSchema = z.object({
  journey: z.string(),
  in_flight: z.number(),
  expired_before: z.number().nullable(),
})
const totalSchema = z.object({
  journey: z.string(),
  outcome: z.string(),
  ended: z.number(),
  retracted: z.number(),
  sum_seconds: z.number(),
  bounds: z.string(),
  buckets: z.string(),
})

/** Loads a target's counts, with every outcome of the definitions, under the bounds that are configured now. */
export async function loadLedger(
  tx: Tx,
  targetId: number,
  definitions: readonly JourneyDefinition[],
): Promise<JourneyLedger> {
  const statuses = await loadStatuses(tx, targetId)
  const entries = await loadEntries(tx, targetId)
  const dirtyEntries = new Set<string>()
  const dirtyStatuses = new Set<string>()
  const bounds = new Map(definitions.map((definition) => [definition.name, definition.bucketsSeconds]))

  function put(entry: Entry): void {
    const key = entryKey(entry.journey, entry.totals.outcome)
    entries.set(key, entry)
    dirtyEntries.add(key)
  }
  function entryOf(journey: string, outcome: string): Entry {
    const known = entries.get(entryKey(journey, outcome))
    if (known !== undefined) return known
    const own = bounds.get(journey) ?? []
    return { journey, totals: noTotals(outcome, own), bounds: own }
  }

  for (const { name: journey, ...definition } of definitions) {
    for (const outcome of outcomesOf({ name: journey, ...definition })) {
      const known = entries.get(entryKey(journey, outcome))
      if (known === undefined) put(entryOf(journey, outcome))
      else if (!isSame(known.bounds, definition.bucketsSeconds)) {
        const seconds = await countedSeconds(tx, { targetId, journey }, outcome)
        const totals = withBounds(known.totals, { from: known.bounds, to: definition.bucketsSeconds }, seconds)
        put({ journey, totals, bounds: definition.bucketsSeconds })
      }
    }
  }

  return {
    status: (journey) => statuses.get(journey) ?? NO_STATUS,
    setStatus(journey, status) {
      statuses.set(journey, status)
      dirtyStatuses.add(journey)
    },
    update(journey, outcome, change) {
      const entry = entryOf(journey, outcome)
      put({ ...entry, totals: change(entry.totals, entry.bounds) })
    },
    summary: (definition) => ({
      journey: definition.name,
      inFlight: (statuses.get(definition.name) ?? NO_STATUS).inFlight,
      outcomes: outcomesOf(definition).map((outcome) => entryOf(definition.name, outcome).totals),
    }),
    async store() {
      await storeEntries(
        tx,
        targetId,
        [...dirtyEntries].flatMap((key) => entries.get(key) ?? []),
      )
      await storeStatuses(
        tx,
        targetId,
        [...dirtyStatuses].map((journey) => [journey, statuses.get(journey) ?? NO_STATUS]),
      )
    },
  }
}

async function loadStatuses(tx: Tx, targetId: number): Promise<Map<string, JourneyStatus>> {
  const rows = await tx.db.selectFrom('journey_status').selectAll().where('target_id', '=', targetId).execute()
  return new Map(
    parseRows(statusSchema, rows, 'journey counts').map((row) => [
      row.journey,
      { inFlight: row.in_flight, expiredBefore: row.expired_before ?? undefined },
    ]),
  )
}

async function loadEntries(tx: Tx, targetId: number): Promise<Map<string, Entry>> {
  const rows = await tx.db.selectFrom('journey_total').selectAll().where('target_id', '=', targetId).execute()
  return new Map(
    parseRows(totalSchema, rows, 'journey totals').map(({ journey, outcome, ended, retracted, ...row }) => {
      const bounds = parseStored(numbersSchema, row.bounds, `the bounds of the journey ${journey}`)
      const buckets = parseStored(numbersSchema, row.buckets, `the buckets of the journey ${journey}`)
      const totals = { outcome, ended, retracted, buckets, sumSeconds: row.sum_seconds }
      return [entryKey(journey, outcome), { journey, totals, bounds }]
    }),
  )
}

async function storeEntries(tx: Tx, targetId: number, entries: readonly Entry[]): Promise<void> {
  for (const { journey, totals, bounds } of entries) {
    const counts = {
      ended: totals.ended,
      retracted: totals.retracted,
      sum_seconds: totals.sumSeconds,
      bounds: jsonText(bounds, `the bounds of the journey ${journey}`),
      buckets: jsonText(totals.buckets, `the buckets of the journey ${journey}`),
    }
    await tx.db
      .insertInto('journey_total')
      .values({ target_id: targetId, journey, outcome: totals.outcome, ...counts })
      .onConflict((conflict) => conflict.columns(['target_id', 'journey', 'outcome']).doUpdateSet(counts))
      .execute()
  }
}

async function storeStatuses(
  tx: Tx,
  targetId: number,
  statuses: readonly (readonly [journey: string, status: JourneyStatus])[],
): Promise<void> {
  for (const [journey, status] of statuses) {
    const counts = {
      in_flight: status.inFlight,
      expired_before: status.expiredBefore ?? null,
    }
    await tx.db
      .insertInto('journey_status')
      .values({ target_id: targetId, journey, ...counts })
      .onConflict((conflict) => conflict.columns(['target_id', 'journey']).doUpdateSet(counts))
      .execute()
  }
}

function entryKey(journey: string, outcome: string): string {
  return JSON.stringify([journey, outcome])
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
