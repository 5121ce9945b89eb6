import type { OutboxRow } from '../core/notification.ts'

export interface WaitingRow {
  readonly row: OutboxRow
  /** Attempts that the ledger knows of. */
  attempts: number
  /** Attempts since the start, of whatever message it was part of. */
  tries: number
  dueAt: number
  /** A digest with it was refused: it goes alone and gets an answer of its own. */
  isAlone: boolean
}

/** What waits of one group, oldest first. */
export type Rows = readonly WaitingRow[]

/** The messages of one destination by their groups. */
export interface WaitingGroups {
  /** Groups whose newest message was never tried, in the order of their coming: always due. */
  readonly fresh: ReadonlyMap<string, Rows>
  /** Groups whose newest message failed. Few: a destination that fails is tried seldom. */
  readonly failed: ReadonlyMap<string, Rows>
  add(row: WaitingRow): void
  remove(rows: Rows): void
  /** A message of these rows failed: their groups wait until `dueAt`, or until something new comes. */
  postpone(rows: Rows, dueAt: number): void
  /** How many rows wait. */
  size(): number
  /** How many groups wait. */
  count(): number
  all(): readonly Rows[]
  /** When the first group is due; undefined when none waits. */
  nextDue(): number | undefined
  /** Everything that failed is due at `now`. */
  makeDue(now: number): void
}

export function createWaitingGroups(): WaitingGroups {
  const fresh = new Map<string, WaitingRow[]>()
  const failed = new Map<string, WaitingRow[]>()
  let size = 0

  function settle(key: string): void {
    const rows = fresh.get(key) ?? failed.get(key) ?? []
    const home = triesOf(rows) > 0 ? failed : fresh
    if (rows.length > 0 && home.has(key)) return
    fresh.delete(key)
    failed.delete(key)
    if (rows.length > 0) home.set(key, rows)
  }

  return {
    fresh,
    failed,
    add(row) {
      const key = row.row.notification.groupKey
      const rows = fresh.get(key) ?? failed.get(key)
      if (rows === undefined) fresh.set(key, [row])
      else rows.push(row)
      size += 1
      settle(key)
    },
    remove(rows) {
      const gone = new Set(rows)
      for (const key of keysOf(rows)) {
        const waiting = fresh.get(key) ?? failed.get(key) ?? []
        const kept = waiting.filter((row) => !gone.has(row))
        size -= waiting.length - kept.length
        waiting.splice(0, waiting.length, ...kept)
        settle(key)
      }
    },
    postpone(rows, dueAt) {
      for (const key of keysOf(rows)) {
        for (const row of fresh.get(key) ?? failed.get(key) ?? []) {
          row.tries += 1
          row.dueAt = dueAt
        }
        settle(key)
      }
    },
    size: () => size,
    count: () => fresh.size + failed.size,
    all: () => [...fresh.values(), ...failed.values()],
    nextDue() {
      if (fresh.size > 0) return 0
      return failed.size === 0 ? undefined : Math.min(...[...failed.values()].map(dueOf))
    },
    makeDue(now) {
      for (const row of [...failed.values()].flat()) row.dueAt = now
    },
  }
}

/** A message is due with the newest that waits behind it: what is new makes the whole group worth another try. */
export function dueOf(rows: Rows): number {
  return rows.at(-1)?.dueAt ?? Infinity
}

export function triesOf(rows: Rows): number {
  return rows.at(-1)?.tries ?? 0
}

export function sequenceOf(rows: Rows): number {
  return rows[0]?.row.sequence ?? Infinity
}

function keysOf(rows: Rows): ReadonlySet<string> {
  return new Set(rows.map(({ row }) => row.notification.groupKey))
}
