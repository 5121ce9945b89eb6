import { type Head } from './head.ts'
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
  // Moving rows costs as much for one round as for many: wait until a quarter can go.
  const isWorthwhile = drop >= head.rounds / 4
  if (!isWorthwhile) head.resize(Math.ceil(head.rounds * 1.5), 0)
  else head.resize(kept * 3 < head.rounds ? Math.max(8, Math.ceil(kept * 1.5)) : head.rounds, drop)
}

function roundsToKeep(store: Store, head: Head, at: number): number {
  const recent = head.rounds - head.after(at - RAW_MS)
  const fair = Math.floor(RAW_BUDGET_BYTES / (8 * Math.max(1, store.liveSeries)))
  return Math.min(recent, Math.max(ROUNDS_MIN, fair))
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
