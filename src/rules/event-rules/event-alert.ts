import { z } from 'zod'

import type { StoredEvent } from '../../core/event.ts'
import type { Window } from './schema.ts'

/*
 * The life of one event alert, and of the count that leads to one.
 *
 * What an event rule follows is facts. A fact was seen at one or more places on branches of a chain, its sightings; a
 * reorg takes sightings away. A fact without a sighting is lost, but only for the moment: as a rule the same transaction
 * is mined again a block later. Once the chain has grown past the height at which the fact was lost, and nothing has shown
 * it again, it is settled that it did not happen, and it is forgotten.
 *
 * An alert rests on facts: an ordinary one on at least one of them, one with `count` on as many. It ends when so many are
 * settled to be untrue that too few are left; when `resolve_on` says that it is over; or, closed rather than resolved,
 * when `resolve_after` has passed. After its end it is remembered for a while, so that a fact that was told of and is
 * mined again does not raise a second alert.
 *
 * Before its end there may be a time of counting: the facts are there, but still too few of them.
 */

const factSchema = z.object({
  id: z.string(),
  time: z.number(),
  /** Where it was last seen; undefined where the event has no height. */
  height: z.number().exactOptional(),
  /** Empty: lost. */
  sightings: z.array(z.string()),
})
export type Fact = z.infer<typeof factSchema>

const labelsSchema = z.record(z.string(), z.string())

/** What is stored of one alert of one event rule, as the body of an `AlertStateRecord`. */
export const eventAlertSchema = z.object({
  version: z.literal(1),
  phase: z.enum(['counting', 'firing', 'over']),
  target: z.string(),
  facts: z.array(factSchema),
  /** More facts stand behind it than are kept, so it never ends by a reorg. */
  hasMore: z.boolean(),
  episode: z.string(),
  labels: labelsSchema,
  annotations: labelsSchema,
  startsAt: z.number(),
  /** When it closes by itself; of one that is over, when it is forgotten. */
  dueAt: z.number().exactOptional(),
})
export type EventAlert = z.infer<typeof eventAlertSchema>

/** How many blocks the chain must have grown past a lost fact before that is settled. */
const SETTLED_BLOCKS = 2

/** Facts kept of one alert beyond those it needs. */
const FACTS_KEPT = 100

/** The facts with one more sighting, and whether the fact itself is new. */
export function withSighting(
  facts: readonly Fact[],
  event: StoredEvent,
): { readonly facts: readonly Fact[]; readonly isNew: boolean } {
  const known = facts.find((fact) => fact.id === event.id)
  const sightings = known === undefined ? [event.key] : [...new Set([...known.sightings, event.key])]
  const fact: Fact = {
    id: event.id,
    time: event.time,
    sightings,
    ...(event.height === undefined ? {} : { height: event.height }),
  }
  if (known === undefined) return { facts: [...facts, fact], isNew: true }
  return { facts: facts.map((other) => (other === known ? fact : other)), isNew: false }
}

/** The facts without one sighting. The height of a fact that is lost by it is where it was last seen. */
export function withoutSighting(facts: readonly Fact[], event: StoredEvent): readonly Fact[] {
  return facts.map((fact) => {
    if (!fact.sightings.includes(event.key)) return fact
    const sightings = fact.sightings.filter((key) => key !== event.key)
    const height = sightings.length === 0 ? event.height : fact.height
    return { id: fact.id, time: fact.time, sightings, ...(height === undefined ? {} : { height }) }
  })
}

export function isLost(fact: Fact): boolean {
  return fact.sightings.length === 0
}

/** The facts without those that are settled to be untrue, now that the chain has reached a height. */
export function settled(facts: readonly Fact[], chainHeight: number | undefined): readonly Fact[] {
  return facts.filter((fact) => {
    if (!isLost(fact)) return true
    if (fact.height === undefined) return false
    return chainHeight === undefined || chainHeight < fact.height + SETTLED_BLOCKS
  })
}

/** The latest facts that are worth keeping: of a counting alert those within the window of the latest. */
export function kept(
  facts: readonly Fact[],
  needs: number,
  window: Window | undefined,
): { readonly facts: readonly Fact[]; readonly isCut: boolean } {
  const within = window === undefined ? facts : factsWithin(facts, window)
  const max = needs + Math.max(FACTS_KEPT, needs)
  return { facts: within.slice(-max), isCut: within.length > max }
}

/** Blocks n-59 to n are 60 blocks; a duration is open at its far end. */
function factsWithin(facts: readonly Fact[], window: Window): readonly Fact[] {
  if (window.unit === 'time') {
    const latest = Math.max(...facts.map((fact) => fact.time))
    return facts.filter((fact) => latest - fact.time < window.ms)
  }
  const latest = Math.max(...facts.map((fact) => fact.height ?? 0))
  return facts.filter((fact) => latest - (fact.height ?? 0) < window.blocks)
}

export function standing(facts: readonly Fact[]): number {
  return facts.reduce((count, fact) => (isLost(fact) ? count : count + 1), 0)
}
