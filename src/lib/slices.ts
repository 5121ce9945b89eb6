/** Time as long work needs it: to see how long it has held the thread, and to let others run. */
export interface SliceClock {
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number
  /** Lets waiting input, timers and promises run. */
  yield(): Promise<void>
}

export interface Slices {
  /** Whether the work has held the thread for as long as it may. */
  isOver(): boolean
  /** Lets others run, then begins a new slice. Rejects with the signal's reason once that has aborted. */
  pause(): Promise<void>
}

/** A little less than the 8 ms that are allowed, because what follows a look at the clock still runs. */
const SLICE_MS = 5

/** Divides long work into slices: `if (slices.isOver()) await slices.pause()` between two small steps. */
export function createSlices(clock: SliceClock, signal?: AbortSignal): Slices {
  let began = clock.monotonic()
  return {
    isOver: () => clock.monotonic() - began >= SLICE_MS,
    async pause() {
      await clock.yield()
      signal?.throwIfAborted()
      began = clock.monotonic()
    },
  }
}
