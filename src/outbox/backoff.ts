const FIRST_MS = 1_000
/** The longest wait while a message is young, and afterwards. */
const YOUNG_MAX_MS = 60_000
const OLD_MAX_MS = 600_000
const YOUNG_FOR_MS = 3_600_000
/** What a service may ask for at the most: one that asks for a year has lost its mind. */
const RETRY_AFTER_MAX_MS = 86_400_000
/** How long a destination that failed is left alone before a message that was never tried may try it. */
const PAUSE_MAX_MS = 5_000

export interface Retry {
  /** Attempts so far: at least 1. */
  readonly attempts: number
  /** How long ago the message was owed first. */
  readonly ageMs: number
  /** What the service asked for. */
  readonly retryAfterMs: number | undefined
  /** At least 0, less than 1. */
  readonly chance: number
}

/**
 * How long until the next attempt: 1, 2, 4 ... 60 s in the first hour, then up to 10 minutes, without end. A quarter of
 * it is left to chance, so that destinations that failed together do not come back together. What the service asks for
 * counts to the millisecond.
 */
export function retryDelayMs({ attempts, ageMs, retryAfterMs, chance }: Retry): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, RETRY_AFTER_MAX_MS)
  const most = ageMs < YOUNG_FOR_MS ? YOUNG_MAX_MS : OLD_MAX_MS
  return jittered(Math.min(FIRST_MS * 2 ** Math.min(attempts - 1, 20), most), chance)
}

/** How long a destination rests after `failures` attempts in a row went wrong, whatever they were about. */
export function pauseMs(failures: number, chance: number): number {
  return jittered(Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), PAUSE_MAX_MS), chance)
}

function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.75 + chance / 4))
}
