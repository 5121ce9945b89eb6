import {
  isInFlight,
  type JourneyFacts,
  NO_FACTS,
  type PlacedStep,
  resultOf,
  withDuration,
  withEnd,
  withRetraction,
  withStep,
} from '../core/journey-machine.ts'
import type { JourneyDefinition, JourneyStep, JourneySummary } from '../core/journey.ts'
import { assert } from '../lib/errors.ts'
import {
  expiredSince,
  factsFromSteps,
  journeysByKey,
  journeysOfSightings,
  type JourneyRow,
  journeyTableRow,
  openBefore,
} from './journey-rows.ts'
import { type JourneyLedger, loadLedger } from './journey-totals.ts'
import type { JourneyStepTable, JourneyTable } from './schema.ts'
import type { NewSighting } from './sightings.ts'
import { chunksOf, createBulkWrite } from './statements.ts'
import { indexedText } from './stored-text.ts'
import type { Tx } from './writer.ts'

/** What a round means for journeys. */
interface JourneyRound {
  readonly targetId: number
  readonly at: number
  readonly definitions: readonly JourneyDefinition[]
  readonly steps: readonly JourneyStep[]
  /** What was stored: only its steps count, since a sighting that stood already has brought its own. */
  readonly seen: readonly NewSighting[]
  /** The numbers of the sightings that were taken back. */
  readonly retracted: readonly number[]
}

export type JourneyWrite = (tx: Tx, round: JourneyRound) => Promise<readonly JourneySummary[]>

/** A journey that the round may have changed: as it is stored, and its facts as they are now. */
interface Touched {
  readonly row: JourneyRow
  readonly before: JourneyFacts
  facts: JourneyFacts
}

interface OwnStep {
  readonly journey: string
  readonly key: string
  readonly sequence: number
  readonly step: PlacedStep
}

interface StoredStep {
  readonly journeyId: number
  readonly sequence: number
  readonly step: PlacedStep
}

/** Stores the steps of a round, takes back those of retracted sightings, expires, counts. */
export function createJourneyWrite(): JourneyWrite {
  const insertSteps = createBulkWrite<JourneyStepTable>((db, rows) => db.insertInto('journey_step').values(rows))
  const upsertJourneys = createBulkWrite<JourneyTable>((db, rows) =>
    db
      .insertInto('journey')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          start_time: eb.ref('excluded.start_time'),
          start_height: eb.ref('excluded.start_height'),
          start_position: eb.ref('excluded.start_position'),
          start_step: eb.ref('excluded.start_step'),
          end_time: eb.ref('excluded.end_time'),
          end_height: eb.ref('excluded.end_height'),
          end_position: eb.ref('excluded.end_position'),
          end_step: eb.ref('excluded.end_step'),
          end_outcome: eb.ref('excluded.end_outcome'),
          outcome: eb.ref('excluded.outcome'),
          seconds: eb.ref('excluded.seconds'),
          updated_at: eb.ref('excluded.updated_at'),
        })),
      ),
  )

  return async (tx, round) => {
    if (round.definitions.length === 0 && round.steps.length === 0 && round.retracted.length === 0) return []
    const ledger = await loadLedger(tx, round.targetId, round.definitions)
    const touched = new Map<string, Touched>()
    await takeBack(tx, round, touched)
    await insertSteps(tx, await addSteps(tx, round, touched), stepRow)
    await expire(tx, round, { ledger, touched })
    const changed = await settle(tx, { ledger, touched })
    await upsertJourneys(tx, changed, (row) => journeyTableRow(row, round))
    await ledger.store()
    return round.definitions.map((definition) => ledger.summary(definition))
  }
}

async function takeBack(tx: Tx, round: JourneyRound, touched: Map<string, Touched>): Promise<void> {
  if (round.retracted.length === 0) return
  const rows = await journeysOfSightings(tx, round.retracted)
  for (const chunk of chunksOf(round.retracted)) {
    await tx.db.deleteFrom('journey_step').where('event_sequence', 'in', chunk).execute()
  }
  const left = await factsFromSteps(
    tx,
    rows.map((row) => row.id),
  )
  for (const row of rows) {
    touched.set(journeyKey(row.journey, row.key), { row, before: row.facts, facts: left.get(row.id) ?? NO_FACTS })
  }
}

async function addSteps(tx: Tx, round: JourneyRound, touched: Map<string, Touched>): Promise<readonly StoredStep[]> {
  const steps = ownSteps(tx, round)
  await touchAll(tx, round, { steps, touched })
  return steps.map(({ journey, key, sequence, step }) => {
    const known = touched.get(journeyKey(journey, key))
    assert(known !== undefined, 'a journey of this round was not loaded')
    known.facts = withStep(known.facts, step)
    return { journeyId: known.row.id, sequence, step }
  })
}

function stepRow({ journeyId, sequence, step }: StoredStep): JourneyStepTable {
  return {
    id: step.place.step,
    journey_id: journeyId,
    event_sequence: sequence,
    kind: step.kind,
    outcome: step.outcome,
    time: step.time,
    height: step.place.height,
    position: step.place.position,
  }
}

/** The steps of sightings that are new, each with its place on the chain. */
function ownSteps(tx: Tx, round: JourneyRound): readonly OwnStep[] {
  const seen = new Map(round.seen.map((sighting) => [sighting.event.key, sighting]))
  const names = new Set(round.definitions.map((definition) => definition.name))
  return round.steps.flatMap((step): OwnStep[] => {
    assert(names.has(step.journey), `a step of the journey ${step.journey} came without its definition`)
    if (step.kind === 'clock') return []
    const sighting = seen.get(step.event)
    if (sighting === undefined) return []
    const { height = 0, logIndex = 0 } = sighting.event
    const place = { height, position: logIndex, step: tx.take('journey_step', 1) }
    const { kind, outcome } = step
    const placed: PlacedStep = { kind, outcome, time: Math.round(step.time), place }
    return [{ journey: step.journey, key: indexedText(step.key), sequence: sighting.sequence, step: placed }]
  })
}

/** Loads the journeys of some steps, or makes them. */
async function touchAll(
  tx: Tx,
  round: JourneyRound,
  { steps, touched }: { readonly steps: readonly OwnStep[]; readonly touched: Map<string, Touched> },
): Promise<void> {
  const wanted = Map.groupBy(
    steps.filter(({ journey, key }) => !touched.has(journeyKey(journey, key))),
    ({ journey }) => journey,
  )
  for (const [journey, list] of wanted) {
    const keys = new Set(list.map(({ key }) => key))
    for (const row of await journeysByKey(tx, { targetId: round.targetId, journey }, [...keys])) {
      touched.set(journeyKey(journey, row.key), { row, before: row.facts, facts: row.facts })
      keys.delete(row.key)
    }
    for (const key of keys) {
      const row = {
        id: tx.take('journey', 1),
        journey,
        key,
        facts: NO_FACTS,
        outcome: undefined,
        seconds: undefined,
        createdAt: Math.round(round.at),
      }
      touched.set(journeyKey(journey, key), { row, before: NO_FACTS, facts: NO_FACTS })
    }
  }
}

interface Work {
  readonly ledger: JourneyLedger
  readonly touched: Map<string, Touched>
}

/**
 * Moves the deadlines with the chain's clock, and brings in the journeys that this may change: open ones that are past
 * them, and expired ones that no longer are, because a reorg took back the block by whose time they had expired.
 */
async function expire(tx: Tx, round: JourneyRound, { ledger, touched }: Work): Promise<void> {
  const bringIn = (journey: string, rows: readonly JourneyRow[]) => {
    for (const row of rows) {
      const key = journeyKey(journey, row.key)
      if (!touched.has(key)) touched.set(key, { row, before: row.facts, facts: row.facts })
    }
  }
  for (const { journey, ...step } of round.steps) {
    if (step.kind !== 'clock') continue
    const status = ledger.status(journey)
    const expiredBefore = Math.round(step.time - step.deadlineMs)
    if (expiredBefore === status.expiredBefore) continue
    if (expiredBefore < (status.expiredBefore ?? -Infinity)) {
      bringIn(journey, await expiredSince(tx, { targetId: round.targetId, journey }, expiredBefore))
    }
    ledger.setStatus(journey, { ...status, expiredBefore })
  }
  for (const journey of new Set(round.steps.map((step) => step.journey))) {
    const { expiredBefore } = ledger.status(journey)
    if (expiredBefore === undefined) continue
    bringIn(journey, await openBefore(tx, { targetId: round.targetId, journey }, expiredBefore))
  }
}

/** Counts what changed, removes what has no steps left, and returns the rows to write. */
async function settle(tx: Tx, { ledger, touched }: Work): Promise<readonly JourneyRow[]> {
  const rows: JourneyRow[] = []
  const gone: number[] = []
  for (const { row, before, facts } of touched.values()) {
    const status = ledger.status(row.journey)
    const result = resultOf(facts, status.expiredBefore)
    const seconds = recount(ledger, row, result)
    ledger.setStatus(row.journey, {
      ...status,
      inFlight: status.inFlight + Number(isInFlight(facts, result.outcome)) - Number(isInFlight(before, row.outcome)),
    })
    if (facts.start === undefined && facts.end === undefined) gone.push(row.id)
    else rows.push({ ...row, facts, outcome: result.outcome, seconds })
    await tx.pause()
  }
  for (const chunk of chunksOf(gone)) await tx.db.deleteFrom('journey').where('id', 'in', chunk).execute()
  return rows
}

/** Brings the totals from what a journey was counted as to what it is; returns the duration they now hold for it. */
function recount(
  ledger: JourneyLedger,
  row: JourneyRow,
  { outcome, seconds }: ReturnType<typeof resultOf>,
): number | undefined {
  const isOther = outcome !== row.outcome
  if (isOther && row.outcome !== undefined) ledger.update(row.journey, row.outcome, withRetraction)
  if (outcome === undefined) return undefined
  if (isOther) ledger.update(row.journey, outcome, withEnd)
  const counted = isOther ? undefined : row.seconds
  if (counted !== undefined || seconds === undefined) return counted
  ledger.update(row.journey, outcome, (totals, bounds) => withDuration(totals, bounds, seconds))
  return seconds
}

function journeyKey(journey: string, key: string): string {
  return `${journey}\n${key}`
}
