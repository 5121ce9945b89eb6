import { EXPIRED, type JourneyDefinition, type JourneyOutcomeTotals } from './journey.ts'

/*
 * What becomes of a journey. Its steps may come and go in any order, as chains reorganise; what it is depends only on the
 * steps that stand and on how far the chain's clock has come:
 *
 *   no start, no end       nothing is known of it
 *   a start, no end        in flight; `expired` once the clock has passed its deadline
 *   an end                 its outcome is that of the last end on the chain; it took from the first start to that end
 *   an end without start   the same, of unknown duration: it began before we looked
 *
 * Totals never go down. When a journey's outcome changes, the new one has ended once more and the old one was retracted
 * once more, so `ended - retracted` is the number of journeys whose outcome it is now.
 */

/** Where a step stands on its chain; a block's steps are told apart by position, equal ones by the order they came in. */
interface StepPlace {
  readonly height: number
  readonly position: number
  readonly step: number
}

export interface PlacedStep {
  readonly kind: 'start' | 'end'
  /** For an end, which of the ends. */
  readonly outcome: string
  /** Milliseconds UTC, the chain's time. */
  readonly time: number
  readonly place: StepPlace
}

/** What the steps of one journey amount to: the first start and the last end. */
export interface JourneyFacts {
  readonly start: PlacedStep | undefined
  readonly end: PlacedStep | undefined
}

export const NO_FACTS: JourneyFacts = { start: undefined, end: undefined }

/** One step more. The order in which steps are added makes no difference. */
export function withStep(facts: JourneyFacts, step: PlacedStep): JourneyFacts {
  if (step.kind === 'start') {
    const isFirst = facts.start === undefined || comparePlaces(step.place, facts.start.place) < 0
    return isFirst ? { ...facts, start: step } : facts
  }
  const isLast = facts.end === undefined || comparePlaces(step.place, facts.end.place) > 0
  return isLast ? { ...facts, end: step } : facts
}

export function factsOf(steps: readonly PlacedStep[]): JourneyFacts {
  return steps.reduce(withStep, NO_FACTS)
}

/** What a journey is counted as; `seconds` where its duration is known. */
export interface JourneyResult {
  readonly outcome: string | undefined
  readonly seconds: number | undefined
}

/** @param expiredBefore what started before this instant and has no end has expired; undefined: nothing expires */
export function resultOf(facts: JourneyFacts, expiredBefore: number | undefined): JourneyResult {
  const { start, end } = facts
  if (end !== undefined) {
    return { outcome: end.outcome, seconds: start === undefined ? undefined : secondsBetween(start, end) }
  }
  const isExpired = start !== undefined && expiredBefore !== undefined && start.time < expiredBefore
  return { outcome: isExpired ? EXPIRED : undefined, seconds: undefined }
}

export function isInFlight(facts: JourneyFacts, outcome: string | undefined): boolean {
  return facts.start !== undefined && outcome === undefined
}

/** Every outcome a journey can have: all of them exist from the first round on, at 0. */
export function outcomesOf(definition: JourneyDefinition): readonly string[] {
  const expires = definition.deadlineMs !== undefined && !definition.outcomes.includes(EXPIRED)
  return expires ? [...definition.outcomes, EXPIRED] : definition.outcomes
}

export function noTotals(outcome: string, boundsSeconds: readonly number[]): JourneyOutcomeTotals {
  return {
    outcome,
    ended: 0,
    retracted: 0,
    buckets: Array.from({ length: boundsSeconds.length + 1 }, () => 0),
    sumSeconds: 0,
  }
}

export function withEnd(totals: JourneyOutcomeTotals): JourneyOutcomeTotals {
  return { ...totals, ended: totals.ended + 1 }
}

export function withRetraction(totals: JourneyOutcomeTotals): JourneyOutcomeTotals {
  return { ...totals, retracted: totals.retracted + 1 }
}

export function withDuration(
  totals: JourneyOutcomeTotals,
  boundsSeconds: readonly number[],
  seconds: number,
): JourneyOutcomeTotals {
  const buckets = totals.buckets.map((count, index) =>
    seconds <= (boundsSeconds[index] ?? Infinity) ? count + 1 : count,
  )
  return { ...totals, buckets, sumSeconds: totals.sumSeconds + seconds }
}

/**
 * The same totals under other bounds. Journeys that are still stored are counted anew by their duration; of those that
 * are gone only the old buckets are known, so they count from the first new bound on that is no smaller than the old.
 *
 * @param seconds the durations that are stored and were counted in `totals`
 */
export function withBounds(
  totals: JourneyOutcomeTotals,
  bounds: { readonly from: readonly number[]; readonly to: readonly number[] },
  seconds: readonly number[],
): JourneyOutcomeTotals {
  const oldEdges = [...bounds.from, Infinity]
  const sorted = seconds.toSorted((a, b) => a - b)
  const gone = oldEdges.map((edge, index) => Math.max(0, (totals.buckets[index] ?? 0) - countUpTo(sorted, edge)))
  const buckets = [...bounds.to, Infinity].map((bound) => {
    const index = oldEdges.findLastIndex((edge) => edge <= bound)
    return countUpTo(sorted, bound) + (gone[index] ?? 0)
  })
  return { ...totals, buckets }
}

function secondsBetween(start: PlacedStep, end: PlacedStep): number {
  return Math.max(0, end.time - start.time) / 1000
}

function comparePlaces(a: StepPlace, b: StepPlace): number {
  return a.height - b.height || a.position - b.position || a.step - b.step
}

/** How many of the ascending values are at or under a bound. */
function countUpTo(sorted: readonly number[], bound: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? Infinity) <= bound) low = middle + 1
    else high = middle
  }
  return low
}
