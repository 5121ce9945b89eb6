import { CAPACITY_MIN, type Head } from './head.ts'
import { RAW_MS, type Store } from './store.ts'

/** How much of the newest rounds all heads together keep beyond what must be kept, in bytes. */
const RAW_BUDGET_BYTES = 16 * 2 ** 20
/** With so much waiting for a disk that does not take it, the oldest is given up. */
const RAW_MAX_BYTES = 128 * 2 ** 20
const ROUNDS_MIN = 24

/** Makes room for one more round: lets old rounds go that parts hold as well, or makes the rows longer. */
export function makeRoom(store: Store, head: Head, at: number): void {
  if (!head.isFull) return
  const wanted = head.rounds - roundsToKeep(store, head, at)
  let drop = Math.min(wanted, head.folded)
  if (drop < wanted && rawBytes(store) > RAW_MAX_BYTES) {
    giveUp(store, head, wanted - drop)
    drop = wanted
  }
  const kept = head.rounds - drop
  const fitting = Math.ceil(1.5 * Math.max(kept, expectedRounds(store, head, at)))
  // Moving rows costs as much for one round as for many: wait until a quarter can go.
  if (drop < head.rounds / 4) head.resize(Math.max(fitting, Math.ceil(head.rounds * 1.25)), 0)
  else head.resize(fitting * 2 < head.rounds ? Math.max(CAPACITY_MIN, fitting) : head.rounds, drop)
}

/** How many rounds the head will keep at the pace it has: so that it grows once and not in steps. */
function expectedRounds(store: Store, head: Head, at: number): number {
  const interval = (at - (head.times[0] ?? at)) / head.rounds
  return Math.min(Math.ceil(RAW_MS / Math.max(1, interval)), fairRounds(store))
}

function roundsToKeep(store: Store, head: Head, at: number): number {
  const recent = head.rounds - head.after(at - RAW_MS)
  return Math.min(recent, fairRounds(store))
}

/** How many rounds each head may keep so that all together stay within their budget. */
function fairRounds(store: Store): number {
  return Math.max(ROUNDS_MIN, Math.floor(RAW_BUDGET_BYTES / (8 * Math.max(1, store.liveSeries))))
}

export function rawBytes(store: Store): number {
  let bytes = 0
  for (const head of store.heads.values()) bytes += head.rawBytes
  return bytes
}

function giveUp(store: Store, head: Head, rounds: number): void {
  if (store.counts.lostToDisk === 0) {
    store.options.log.error('the disk has not taken samples for so long that the oldest are given up', {
      scope: head.name,
    })
  }
  store.counts.lostToDisk += rounds * head.layout.length
}
