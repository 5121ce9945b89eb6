import { fingerprint } from '../core/labels.ts'

/** How far into its interval a group is evaluated: by a hash, so that groups are spread and stay where they are. */
export function offsetOf(file: string, group: string, intervalMs: number): number {
  return Number(BigInt(`0x${fingerprint({ file, group })}`) % BigInt(intervalMs))
}

/** The first instant after `now` that lies at the offset within the interval, counted from 1970. */
export function nextTick(now: number, intervalMs: number, offsetMs: number): number {
  return (Math.floor((now - offsetMs) / intervalMs) + 1) * intervalMs + offsetMs
}

/** A share of a core: time that was spent has to be earned again before more may be. */
export interface Allowance {
  readonly isOpen: boolean
  /** How long until it is open, milliseconds. */
  readonly opensInMs: number
  spend(ms: number): void
}

const SAVED_MS_MAX = 50

/** @param share of the time that passes, between 0 and 1 */
export function createAllowance(monotonic: () => number, share: number): Allowance {
  let saved = SAVED_MS_MAX
  let countedAt = monotonic()

  function earn(): number {
    const now = monotonic()
    saved = Math.min(SAVED_MS_MAX, saved + (now - countedAt) * share)
    countedAt = now
    return saved
  }

  return {
    get isOpen() {
      return earn() > 0
    },
    get opensInMs() {
      return Math.max(0, -earn() / share)
    },
    spend(ms) {
      saved = earn() - ms
    },
  }
}
