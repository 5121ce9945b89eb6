import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { sqliteKind, type TestDatabase } from '../../test/support/databases.ts'
import type { Event } from '../core/event.ts'
import { factsOf, isInFlight, type PlacedStep, resultOf } from '../core/journey-machine.ts'
import type { JourneyDefinition, JourneyStep, JourneySummary } from '../core/journey.ts'
import type { State } from './index.ts'

const DEADLINE_MS = 40
const JOURNEY: JourneyDefinition = {
  name: 'j',
  outcomes: ['ready', 'failed'],
  deadlineMs: DEADLINE_MS,
  bucketsSeconds: [0.01, 0.02],
}

/** A sighting that a chain could show: at a height, with one step of one of a few journeys. */
interface Shown {
  readonly height: number
  readonly logIndex: number
  readonly key: string
  readonly kind: 'start' | 'end'
  readonly outcome: string
}
/** One round: what is seen, which of the sightings so far (by rank) are retracted, and how far the clock has come. */
interface Move {
  readonly seen: readonly Shown[]
  readonly retracted: readonly number[]
  readonly clock: number | undefined
}

const shown: fc.Arbitrary<Shown> = fc.record({
  height: fc.nat(20),
  logIndex: fc.nat(2),
  key: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom('start', 'end'),
  outcome: fc.constantFrom('ready', 'failed'),
})
const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({
    seen: fc.array(shown, { maxLength: 4 }),
    retracted: fc.array(fc.nat(10), { maxLength: 3 }),
    clock: fc.option(fc.nat(120), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 12 },
)

let database: TestDatabase
let state: State
let targets = 0
beforeAll(async () => {
  database = await sqliteKind().create()
  state = await database.open()
})
afterAll(async () => database.remove())

test('however steps come and go, journeys are what their steps that stand amount to, and no total goes down', async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (list) => {
      targets += 1
      const target = `target ${targets}`
      await state.targets.open({ target, type: 't', subject: 's', at: 0 })
      const model = createModel()
      let before: JourneySummary | undefined
      for (const move of list) {
        const summary = await commit(target, model.play(move))
        expect(summary).toMatchObject(model.expected())
        for (const outcome of ['ready', 'failed', 'expired']) {
          expect(netOf(summary, outcome)).toBe(model.countOf(outcome))
          expectNoneLower(before, summary, outcome)
        }
        before = summary
      }
    }),
    { numRuns: 60 },
  )
})

interface Commit {
  readonly events: readonly Event[]
  readonly retracted: readonly string[]
  readonly steps: readonly JourneyStep[]
}

async function commit(target: string, { events, retracted, steps }: Commit): Promise<JourneySummary> {
  const { journeys } = await state.targets.commitRound({
    target,
    at: 0,
    labels: { target },
    cursor: null,
    height: undefined,
    events,
    retracted,
    duties: [],
    journeySteps: steps,
    journeys: [JOURNEY],
  })
  const summary = journeys[0]
  if (summary === undefined) throw new Error('no summary came')
  return summary
}

/** Holds the steps that stand, and computes everything anew from them each time. */
function createModel() {
  const standing = new Map<string, { readonly key: string; readonly step: PlacedStep }>()
  let count = 0
  let expiredBefore: number | undefined

  function facts() {
    const byKey = Map.groupBy(standing.values(), ({ key }) => key)
    return [...byKey.values()].map((steps) => factsOf(steps.map(({ step }) => step)))
  }
  return {
    play({ seen, retracted, clock }: Move): Commit {
      const keys = [...standing.keys()]
      const gone = [...new Set(retracted.flatMap((rank) => keys[rank] ?? []))]
      for (const key of gone) standing.delete(key)
      const events: Event[] = []
      const steps: JourneyStep[] = []
      for (const { height, logIndex, key, kind, outcome } of seen) {
        count += 1
        const event = `sighting ${count}`
        const time = height * 5
        events.push({ type: 't', name: 'n', key: event, id: event, time, height, logIndex, isHistory: false, args: {} })
        steps.push({ kind, journey: 'j', key, outcome: kind === 'end' ? outcome : '', time, event })
        const place = { height, position: logIndex, step: count }
        standing.set(event, { key, step: { kind, outcome: kind === 'end' ? outcome : '', time, place } })
      }
      if (clock !== undefined) {
        steps.push({ kind: 'clock', journey: 'j', time: clock, deadlineMs: DEADLINE_MS })
        expiredBefore = clock - DEADLINE_MS
      }
      return { events, retracted: gone, steps }
    },
    expected() {
      const all = facts()
      return {
        inFlight: all.filter((each) => isInFlight(each, resultOf(each, expiredBefore).outcome)).length,
      }
    },
    countOf: (outcome: string) => facts().filter((each) => resultOf(each, expiredBefore).outcome === outcome).length,
  }
}

function netOf(summary: JourneySummary, outcome: string): number {
  const totals = summary.outcomes.find((each) => each.outcome === outcome)
  return (totals?.ended ?? Number.NaN) - (totals?.retracted ?? Number.NaN)
}

function numbersOf(summary: JourneySummary | undefined, outcome: string): readonly number[] {
  const totals = summary?.outcomes.find((each) => each.outcome === outcome)
  return totals === undefined ? [] : [totals.ended, totals.retracted, totals.sumSeconds, ...totals.buckets]
}

function expectNoneLower(before: JourneySummary | undefined, after: JourneySummary, outcome: string): void {
  const now = numbersOf(after, outcome)
  numbersOf(before, outcome).forEach((value, index) => expect(now[index]).toBeGreaterThanOrEqual(value))
}
