import { sql, type Transaction } from 'kysely'

import { AlreadyRunning, assert } from '../lib/errors.ts'
import type { World } from '../lib/world.ts'
import { explain } from './database-errors.ts'
import type { Database } from './database.ts'
import type { Counter, Schema } from './schema.ts'

/** What one transaction works with. */
export interface Tx {
  readonly db: Transaction<Schema>
  /** The next `count` numbers of a sequence: returns the first. */
  take(counter: Counter, count: number): number
  /** The last number given out. */
  last(counter: Counter): number
  /** Between the pieces of long work: lets the rest of the process run when a slice is used up. */
  pause(): Promise<void>
}

export interface Writer {
  /**
   * Runs `work` in a transaction and resolves when that is durable. Writers that wait together commit together. `work`
   * may run twice, so it changes nothing but the database.
   *
   * @param weight about how many rows it writes
   */
  write<T>(weight: number, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Resolves when nothing waits; what comes after is refused. */
  close(): Promise<void>
}

interface Job {
  readonly weight: number
  /** Does the work, and returns what tells its caller once that is durable. */
  readonly run: (tx: Tx) => Promise<() => void>
  readonly reject: (error: unknown) => void
}

const GROUP_JOBS_MAX = 256
const GROUP_ROWS_MAX = 4_000
const SLICE_MS = 8
const BUSY_PAUSE_MS = 25
const BUSY_TRIES = 200

type WriterWorld = Pick<World, 'monotonic' | 'yield' | 'sleep'>

/**
 * The one place that writes. It waits one turn of the event loop, so that all who ask in that turn share one transaction
 * and one sync of the disk. Where one of them fails, the others are done again without it.
 */
export function createWriter(database: Database, epoch: number, world: WriterWorld): Writer {
  const queue: Job[] = []
  let draining: Promise<void> | undefined
  let isClosed = false

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await world.yield()
      await commit(takeGroup(queue))
    }
  }

  async function commit(group: readonly Job[]): Promise<void> {
    const progress = { isWorking: false }
    try {
      for (const settle of await transact(group, progress)) settle()
    } catch (error) {
      if (group.length > 1 && progress.isWorking) {
        for (const job of group) await commit([job])
        return
      }
      const explained = explain(error, database.place)
      for (const job of group) job.reject(explained)
    }
  }

  async function transact(group: readonly Job[], progress: { isWorking: boolean }): Promise<readonly (() => void)[]> {
    await database.claim()
    return whenFree(world, async () =>
      database.db.transaction().execute(async (db) => {
        const counters = await loadCounters(db, database.hasOtherConnections)
        if (counters.get('epoch')?.now !== epoch) {
          throw new AlreadyRunning(`Another Chainwarden has taken over the state in ${database.place}.`)
        }
        const tx = createTx(db, counters, world)
        const settles: (() => void)[] = []
        progress.isWorking = true
        for (const job of group) settles.push(await job.run(tx))
        progress.isWorking = false
        await storeCounters(db, counters)
        return settles
      }),
    )
  }

  return {
    async write(weight, work) {
      assert(!isClosed, 'the state was written after it was closed')
      return new Promise((resolve, reject) => {
        queue.push({ weight, reject, run: async (tx) => settleWith(resolve, await work(tx)) })
        draining ??= drain().finally(() => {
          draining = undefined
        })
      })
    },
    async close() {
      isClosed = true
      await draining
    },
  }
}

function settleWith<T>(resolve: (value: T) => void, value: T): () => void {
  return () => resolve(value)
}

function takeGroup(queue: Job[]): readonly Job[] {
  let rows = 0
  const end = queue.findIndex((job, index) => {
    rows += job.weight
    return index > 0 && (rows > GROUP_ROWS_MAX || index >= GROUP_JOBS_MAX)
  })
  return queue.splice(0, end === -1 ? queue.length : end)
}

/** Somebody's tool may hold the file for a moment: wait without holding up the process. */
async function whenFree<T>(world: WriterWorld, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || attempt === BUSY_TRIES) throw error
      await world.sleep(BUSY_PAUSE_MS)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}

interface CounterValue {
  readonly stored: number
  now: number
}

type Counters = Map<string, CounterValue>

/** On a server the rows are locked, so a process that lost its claim cannot commit after its successor has started. */
async function loadCounters(db: Transaction<Schema>, lock: boolean): Promise<Counters> {
  const rows = lock
    ? (await sql<{ name: string; value: number }>`select name, value from counter for update`.execute(db)).rows
    : await db.selectFrom('counter').select(['name', 'value']).execute()
  return new Map(rows.map((row) => [row.name, { stored: row.value, now: row.value }]))
}

async function storeCounters(db: Transaction<Schema>, counters: Counters): Promise<void> {
  for (const [name, { stored, now }] of counters) {
    if (now !== stored) await db.updateTable('counter').set({ value: now }).where('name', '=', name).execute()
  }
}

function createTx(db: Transaction<Schema>, counters: Counters, world: WriterWorld): Tx {
  let sliceStart = world.monotonic()
  function counterOf(name: Counter): CounterValue {
    const counter = counters.get(name)
    assert(counter !== undefined, `the counter ${name} is missing`)
    return counter
  }
  return {
    db,
    take(name, count) {
      const counter = counterOf(name)
      const first = counter.now + 1
      counter.now += count
      return first
    },
    last: (name) => counterOf(name).now,
    async pause() {
      if (world.monotonic() - sliceStart < SLICE_MS) return
      await world.yield()
      sliceStart = world.monotonic()
    },
  }
}
