/*
 * Which part of which target every series comes from, and whether that part can be read at the moment.
 *
 * An alert whose element is missing is over only when everything it rests on was read. So each round tells the ledger
 * which part brought which metrics, and each alert keeps the parts that its last true evaluation rested on. What belongs
 * to no part (`up`, our own metrics) rests on the target as a whole: on nothing more than its rounds taking place.
 */

/** A part of a target. The part `''` is the target as a whole. */
export interface PartRef {
  readonly target: string
  readonly part: string
}

/** What a finished round says: which parts could be read, and the metrics that each of them brings. */
export interface Arrival {
  readonly target: string
  /** The round's timestamp, milliseconds UTC. */
  readonly at: number
  /** Every part of the target. The metrics of a part that failed may be left out. */
  readonly parts: readonly { readonly part: string; readonly ok: boolean; readonly metricNames: Iterable<string> }[]
}

/** Metric names; `any` where a selector does not say which. */
export type MetricNames = ReadonlySet<string> | 'any'

export interface PartLedger {
  /** Changes when a metric turns up in a part it was not known in. */
  readonly generation: number
  /** @returns the metrics that may have changed: what parts brought, and what parts that failed once brought */
  note(arrival: Arrival): ReadonlySet<string>
  /** The parts of a target that these metrics come from, with the target as a whole; none of a target never heard of. */
  partsOf(target: string, names: MetricNames): readonly PartRef[]
  /** Whether the target had a round since the start. */
  knows(target: string): boolean
  /** Which of these could not be read lately, or not yet. */
  blindAmong(parts: readonly PartRef[], at: number): readonly PartRef[]
  forget(target: string): void
}

/** Written with every round, whatever its parts brought. They belong to no part. */
const OF_TARGET = ['up', 'chainwarden_part_up']

/** Targets have a round at least every 2 minutes; without one for this long they are not being read. */
const FRESH_MS = 300_000

interface TargetEntry {
  at: number
  readonly parts: Map<string, { ok: boolean; at: number }>
  readonly partOf: Map<string, string>
}

export function createPartLedger(): PartLedger {
  const entries = new Map<string, TargetEntry>()
  let generation = 0

  function entryOf(target: string): TargetEntry {
    const known = entries.get(target)
    if (known !== undefined) return known
    const entry = { at: 0, parts: new Map(), partOf: new Map() }
    entries.set(target, entry)
    generation += 1
    return entry
  }

  function isBlind({ target, part }: PartRef, at: number): boolean {
    const entry = entries.get(target)
    if (entry === undefined || at - entry.at > FRESH_MS) return true
    const status = entry.parts.get(part)
    // A part that the target does not have (any more) cannot be waited for.
    if (status === undefined) return false
    return !status.ok || at - status.at > FRESH_MS
  }

  return {
    get generation() {
      return generation
    },
    note(arrival) {
      const entry = entryOf(arrival.target)
      const changed = new Set<string>(OF_TARGET)
      entry.at = arrival.at
      entry.parts.clear()
      for (const { part, ok, metricNames } of arrival.parts) {
        entry.parts.set(part, { ok, at: arrival.at })
        for (const name of metricNames) {
          changed.add(name)
          if (entry.partOf.get(name) === part) continue
          entry.partOf.set(name, part)
          generation += 1
        }
        if (ok) continue
        for (const [name, owner] of entry.partOf) if (owner === part) changed.add(name)
      }
      return changed
    },
    partsOf(target, names) {
      const entry = entries.get(target)
      if (entry === undefined) return []
      const parts = new Set([''])
      if (names === 'any') for (const part of entry.partOf.values()) parts.add(part)
      else for (const name of names) parts.add(entry.partOf.get(name) ?? '')
      return [...parts].map((part) => ({ target, part }))
    },
    knows: (target) => entries.has(target),
    blindAmong: (parts, at) => parts.filter((ref) => isBlind(ref, at)),
    forget(target) {
      if (entries.delete(target)) generation += 1
    },
  }
}
