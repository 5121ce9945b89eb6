import { PromqlError } from './errors.ts'
import type { Budget, Pause, Steps } from './evaluate/run.ts'

/** Time as the engine needs it. */
export interface EngineClock {
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number
  /** Lets others run. */
  yield(): Promise<void>
}

export interface EngineLimits {
  /** Samples that one query may read and hold. */
  readonly samples: number
  /** Steps of a range query. */
  readonly steps: number
  /** Milliseconds that one query may take. */
  readonly timeMs: number
}

/** Longest stretch, in milliseconds, that a query keeps the thread for itself. */
const SLICE_MS = 8
/** Samples, about, between two looks at the clock: some hundred microseconds. */
const UNITS_PER_LOOK = 20_000

export function createBudget(clock: EngineClock, limits: EngineLimits, signal: AbortSignal | undefined): Budget {
  const began = clock.monotonic()
  let sliceBegan = began
  let units = 0
  let held = 0

  function check(now: number): void {
    if (signal?.aborted === true) throw new PromqlError('the query was canceled', { reason: 'canceled' })
    if (now - began <= limits.timeMs) return
    throw new PromqlError(
      `the query took longer than ${limits.timeMs} ms: narrow the selectors, shorten the range or make the steps longer`,
      { reason: 'timeout' },
    )
  }

  return {
    isSpent(more) {
      units += more
      if (units < UNITS_PER_LOOK) return false
      units = 0
      const now = clock.monotonic()
      check(now)
      return now - sliceBegan >= SLICE_MS
    },
    hold(samples) {
      held += samples
      if (held <= limits.samples) return
      throw new PromqlError(
        `the query would read more than ${limits.samples} samples: narrow the selectors, shorten the range or make the steps longer`,
      )
    },
    startSlice() {
      sliceBegan = clock.monotonic()
      check(sliceBegan)
    },
  }
}

/** Runs a computation: at once where it never has to wait and fits one slice, else slice by slice. */
export function drive<T>(steps: Steps<T>, clock: EngineClock, budget: Budget): T | Promise<T> {
  const first = steps.next()
  return first.done === true ? first.value : driveOn(steps, { pause: first.value, clock, budget })
}

interface Driving {
  readonly pause: Pause
  readonly clock: EngineClock
  readonly budget: Budget
}

async function driveOn<T>(steps: Steps<T>, { pause, clock, budget }: Driving): Promise<T> {
  let waitingFor = pause
  for (;;) {
    await (waitingFor ?? clock.yield())
    budget.startSlice()
    const next = steps.next()
    if (next.done === true) return next.value
    waitingFor = next.value
  }
}
