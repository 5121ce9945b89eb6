import type { Event, EventKey } from '../../core/event.ts'
import type { Sighting } from '../collector.ts'
import type { Cursor, Mark, Position } from './cursor.ts'
import { UNDECODABLE_NAME } from './events.ts'
import { createLedger } from './ledger.ts'
import { pruneMarks } from './marks.ts'

/** What a reorg left of a branch. */
export interface Rollback {
  /** The newest block both branches share; undefined where following has to begin all over. */
  readonly ancestor: Position | undefined
  /** The lowest block known to be orphaned: with it goes everything above it, for a hash holds all its ancestors. */
  readonly orphanedFrom: number
  /** It replaced what had been settled. */
  readonly isDeep: boolean
  /** Sightings that stand above the ancestor; all of them where there is none. */
  readonly standing: readonly Sighting[]
}

/** What is put together in one round. Each method leaves it true as a whole, so a round may end after any of them. */
export interface Draft {
  readonly cursor: Cursor
  /** Logs, in the order of the chain. */
  readonly events: readonly Event[]
  readonly notes: readonly Event[]
  readonly retracted: readonly EventKey[]
  /** Following begins above `position`. */
  begin(start: Pick<Cursor, 'marks' | 'floor' | 'history'> & { readonly position: Position }): void
  /** Sightings above the position that this branch has not been compared with, as `cursor.recheckTo` asks for. */
  recheck(standing: readonly Sighting[]): void
  /** All logs of the blocks up to `to` are known. */
  advance(to: Position, found: readonly Event[]): void
  rollBack(rollback: Rollback): void
  /** A fact that is no log, and stands whatever becomes of the chain. */
  note(fact: Event): void
  /** Blocks up to here are taken for settled, as far as they were processed. */
  settle(number: number): void
  patch(change: Partial<Pick<Cursor, 'base' | 'reads' | 'stateEncoding'>>): void
}

/** Begins a round at a stored cursor. */
export function createDraft(before: Cursor): Draft {
  const ledger = createLedger(before.counts)
  const notes: Event[] = []
  let cursor = before
  let isExpecting = false

  function expectAgain(standing: readonly Sighting[]): void {
    isExpecting = true
    ledger.expect(standing)
  }

  return {
    get cursor() {
      const recheckTo = isExpecting ? ledger.highestUnconfirmed() : before.recheckTo
      return { ...cursor, counts: ledger.counts(), recheckTo }
    },
    events: ledger.events,
    notes,
    get retracted() {
      return ledger.retracted()
    },
    begin(start) {
      cursor = { ...cursor, ...start }
    },
    recheck: expectAgain,
    advance(to, found) {
      ledger.settleUpTo(to.number, found)
      const { position, settled } = cursor
      const marks = position === undefined ? cursor.marks : [...cursor.marks, markOf(position)]
      cursor = { ...cursor, position: to, marks: pruneMarks(marks, settled) }
    },
    rollBack({ ancestor, orphanedFrom, isDeep, standing }) {
      expectAgain(standing)
      ledger.dropFrom(orphanedFrom)
      const reorgs = { reorgs: cursor.reorgs + 1, deepReorgs: cursor.deepReorgs + (isDeep ? 1 : 0) }
      cursor = { ...cursor, ...reorgs, ...returnTo(cursor, ancestor) }
    },
    note(fact) {
      notes.push(fact)
    },
    settle(number) {
      const { settled, position } = cursor
      if (position !== undefined) cursor = { ...cursor, settled: Math.max(settled, Math.min(number, position.number)) }
    },
    patch(change) {
      cursor = { ...cursor, ...change }
    },
  }
}

function returnTo(cursor: Cursor, ancestor: Position | undefined): Partial<Cursor> {
  if (ancestor === undefined) {
    return { position: undefined, marks: [], settled: -1, floor: -1, history: undefined, base: undefined }
  }
  const { history } = cursor
  const isBaseGone = cursor.base !== undefined && cursor.base.number > ancestor.number
  return {
    position: ancestor,
    marks: cursor.marks.filter((mark) => mark.number < ancestor.number),
    settled: Math.min(cursor.settled, ancestor.number),
    // What is found above the ancestor has just been sealed, whatever its timestamp says.
    history: history === undefined ? undefined : { ...history, head: Math.min(history.head, ancestor.number) },
    ...(isBaseGone ? { base: undefined } : {}),
  }
}

function markOf({ number, hash }: Position): Mark {
  return { number, hash }
}

/** Logs of an event that are on the chain as far as it was read. */
export function standingCount(cursor: Cursor, name: string): number {
  const { seen, retracted } = cursor.counts[name] ?? { seen: 0, retracted: 0 }
  return seen - retracted
}

export function undecodableCount(cursor: Cursor): number {
  return cursor.counts[UNDECODABLE_NAME]?.seen ?? 0
}
