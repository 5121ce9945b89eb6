interface Waiting<Item> {
  readonly item: Item
  readonly done: () => void
  readonly failed: (reason: unknown) => void
}

export interface BatchQueue<Item> {
  /** Resolves or rejects with the batch the item went in. */
  push(item: Item): Promise<void>
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
}

/**
 * Work in batches, one batch after the other, never two at once: what waits while a batch runs goes together in the next.
 *
 * @param max the most items of a batch
 */
export function createBatchQueue<Item>(max: number, run: (items: readonly Item[]) => Promise<void>): BatchQueue<Item> {
  const waiting: Waiting<Item>[] = []
  let running: Promise<void> | undefined

  async function runAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, max)
      try {
        await run(batch.map(({ item }) => item))
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
    running = undefined
  }

  return {
    async push(item) {
      return new Promise((done, failed) => {
        waiting.push({ item, done, failed })
        running ??= runAll()
      })
    },
    async idle() {
      await running
    },
  }
}
