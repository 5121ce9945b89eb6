import type { World } from '../lib/world.ts'

/** How long work may hold the thread before it lets others in. */
const SLICE_MS = 6

/**
 * Work in steps: it yields where it may be interrupted, and says there nothing. Run through by `finishNow` where the
 * answer is needed at once, or by `inSlices` where others must not wait.
 */
export type Steps<Result> = Generator<undefined, Result, undefined>

export function finishNow<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Runs steps until a slice is over, then lets waiting input, timers and promises run. Rejects when the signal aborts. */
export async function inSlices<Result>(
  world: Pick<World, 'monotonic' | 'yield'>,
  steps: Steps<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  let startedAt = world.monotonic()
  for (;;) {
    signal?.throwIfAborted()
    const step = steps.next()
    if (step.done === true) return step.value
    if (world.monotonic() - startedAt < SLICE_MS) continue
    await world.yield()
    startedAt = world.monotonic()
  }
}
