import { compact } from './compact.ts'
import { fold } from './fold.ts'
import type { Parts } from './parts.ts'
import { retain } from './retain.ts'
import { inSlices, type Steps } from './slices.ts'
import type { Store } from './store.ts'
import { summarise } from './summarise.ts'

export type Keeper = ReturnType<typeof createKeeper>

/** Runs what keeps the store small, one thing at a time, in slices. */
export function createKeeper(store: Store, parts: Parts) {
  const ending = new AbortController()
  let last: Promise<void> = Promise.resolve()

  return {
    async maintain(signal?: AbortSignal): Promise<void> {
      await run(() => steps(store, parts), signal)
    },
    async fold(which: 'due' | 'all'): Promise<void> {
      await run(() => fold(store, which === 'all'))
    },
    /** Waits until what runs has come to its next step and stopped. */
    async stop(): Promise<void> {
      ending.abort()
      await last.catch(() => undefined)
    },
  }

  async function run(begin: () => Steps<void>, signal?: AbortSignal): Promise<void> {
    const signals = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal])
    const before = last
    last = (async () => {
      await before.catch(() => undefined)
      // Whoever asked for an end gets one: what is not done is done by the next run.
      if (!signals.aborted) await inSlices(store.options.world, begin(), signals).catch(unlessAborted(signals))
    })()
    await last
  }
}

function* steps(store: Store, parts: Parts): Steps<void> {
  yield* fold(store)
  yield* compact(store, parts)
  yield* summarise(store, parts)
  yield* retain(store, parts)
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error
  }
}
