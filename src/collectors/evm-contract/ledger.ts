import type { Event, EventId, EventKey } from '../../core/event.ts'
import type { Sighting } from '../collector.ts'
import type { EventCount } from './cursor.ts'

/**
 * What a round finds against what stands: what is found and does not stand is an event, what stands and is not found is
 * retracted. So whatever was believed before, having compared a range makes it true.
 */
export interface Ledger {
  /** New logs, in the order of the chain. */
  readonly events: readonly Event[]
  retracted(): readonly EventKey[]
  counts(): Readonly<Record<string, EventCount>>
  /** The highest sighting that has not been compared with this branch. */
  highestUnconfirmed(): number | undefined
  /** These stand, and this branch has not been compared with them. */
  expect(standing: readonly Sighting[]): void
  /** All logs up to a height: what was expected there and is not among them is gone. */
  settleUpTo(height: number, found: readonly Event[]): void
  /** What was expected from a height on is gone. */
  dropFrom(height: number): void
}

export function createLedger(before: Readonly<Record<string, EventCount>>): Ledger {
  const counts = new Map(Object.entries(before).map(([name, known]) => [name, { ...known }]))
  const events: Event[] = []
  const retracted = new Map<EventKey, Sighting>()
  let unconfirmed = new Map<EventKey, Sighting>()
  const historicalFacts = new Set<EventId>()

  function countOf(name: string): { seen: number; retracted: number } {
    const known = counts.get(name) ?? { seen: 0, retracted: 0 }
    counts.set(name, known)
    return known
  }

  function retract(sighting: Sighting): void {
    unconfirmed.delete(sighting.key)
    if (retracted.has(sighting.key)) return
    retracted.set(sighting.key, sighting)
    countOf(sighting.name).retracted += 1
  }

  function find(event: Event): void {
    if (unconfirmed.size > 0 && unconfirmed.delete(event.key)) return
    if (retracted.size > 0 && retracted.delete(event.key)) {
      countOf(event.name).retracted -= 1
      return
    }
    // What was history before a reorg is history wherever it was mined again.
    events.push(historicalFacts.has(event.id) ? { ...event, isHistory: true } : event)
    countOf(event.name).seen += 1
  }

  return {
    events,
    retracted: () => [...retracted.keys()],
    counts: () => Object.fromEntries([...counts].map(([name, known]) => [name, { ...known }])),
    highestUnconfirmed() {
      let height: number | undefined
      for (const sighting of unconfirmed.values()) height = Math.max(height ?? 0, sighting.height)
      return height
    },
    expect(standing) {
      unconfirmed = new Map(standing.map((sighting) => [sighting.key, sighting]))
      for (const { id, isHistory } of standing) if (isHistory) historicalFacts.add(id)
    },
    settleUpTo(height, found) {
      for (const event of found) find(event)
      for (const sighting of unconfirmed.values()) if (sighting.height <= height) retract(sighting)
    },
    dropFrom(height) {
      for (const sighting of unconfirmed.values()) if (sighting.height >= height) retract(sighting)
    },
  }
}
