import type { AlertChange } from '../core/alert.ts'
import type { RuleOutcome } from '../core/records.ts'
import { recordOf } from './alert-book.ts'
import type { ActiveAlert } from './alert-book.ts'
import type { Move } from './evaluate-rule.ts'

/** An alert whose rule or target is gone, with what is told of its end. */
export interface Departure {
  readonly alert: ActiveAlert
  readonly change: AlertChange | undefined
}

/** What a pass would change: committed whole, and only then true. */
export interface Batch {
  readonly size: number
  add(moves: readonly Move[]): void
  outcome(departures: readonly Departure[]): RuleOutcome
  /** Makes it true, after the commit, and is empty again. */
  adopt(): void
}

export function createBatch(): Batch {
  const moves: Move[] = []
  return {
    get size() {
      return moves.length
    },
    add: (more) => void moves.push(...more),
    outcome(departures) {
      const gone = moves.flatMap(({ before, after }) => (before !== undefined && after === undefined ? [before] : []))
      const left = [...gone, ...departures.map(({ alert }) => alert)]
      const changed = [...moves, ...departures].flatMap(({ change }) => (change === undefined ? [] : [change]))
      return {
        alertStates: {
          put: moves.flatMap(({ after, isStored }) => (isStored && after !== undefined ? [recordOf(after)] : [])),
          remove: left.map(({ source, fingerprint }) => ({ source, fingerprint })),
        },
        eventRules: { put: [], remove: [] },
        changes: changed,
      }
    },
    adopt() {
      for (const { rule, before, after } of moves) {
        if (after !== undefined) rule.book.set(after)
        else if (before !== undefined) rule.book.delete(before.fingerprint)
      }
      moves.length = 0
    },
  }
}

export function isEmptyOutcome({ alertStates, changes }: RuleOutcome): boolean {
  return alertStates.put.length === 0 && alertStates.remove.length === 0 && changes.length === 0
}
