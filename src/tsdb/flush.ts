import type { Keeper } from './keeper.ts'
import { inSlices } from './slices.ts'
import { commit, commitManySeries, isDirty, type Store } from './store.ts'

/** Late samples held in memory before `flush` moves them to disk first: a bulk import waits instead of filling memory. */
const LOOSE_MAX = 200_000

/** Makes appends durable; who waits at the same time waits for the same commit. */
export function createFlush(store: Store, keeper: Pick<Keeper, 'fold'>): () => Promise<void> {
  let waiting: Promise<void> | undefined

  return async () => {
    waiting ??= flushSoon()
    return waiting
  }

  async function flushSoon(): Promise<void> {
    // Rounds that end in the same turn come along.
    await store.options.world.yield()
    waiting = undefined
    await inSlices(store.options.world, commitManySeries(store))
    if (isDirty(store)) commit(store)
    if (store.isLogIncomplete) {
      await keeper.fold('all')
      store.isLogIncomplete = false
    } else if (store.looseCount > LOOSE_MAX) await keeper.fold('due')
  }
}
