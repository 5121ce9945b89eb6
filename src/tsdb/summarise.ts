import { align } from './align.ts'
import { Arena } from './arena.ts'
import { collect, type CollectRequest } from './collect.ts'
import { DAY_MS, removeParts } from './compact.ts'
import type { StoredPoints } from './contract.ts'
import type { Parts } from './parts.ts'
import { LAST_FIELD } from './reader.ts'
import type { Steps } from './slices.ts'
import { type Level, LEVELS } from './storage.ts'
import { commit, type Store } from './store.ts'

const FIVE_MINUTES_MS = 5 * 60_000
const HOUR_MS = 3_600_000
/** The last rounds of a day must have gone to parts. */
const GRACE_MS = 30 * 60_000
/** Series summarised together: a day of samples of so many is held in memory. */
const BATCH = 64
const FIELDS = LAST_FIELD + 1

/** Buckets of one series: their ends, and min, max, sum, count and last of each. */
interface Buckets {
  readonly times: number[]
  readonly fields: readonly [number[], number[], number[], number[], number[]]
}

/**
 * Makes the history of each day that is over and that changed: buckets of 5 minutes, and of an hour, in parts like those
 * of samples but with five columns a series.
 */
export function* summarise(store: Store, parts: Parts): Steps<void> {
  const before = store.options.world.now() - DAY_MS - GRACE_MS
  for (const { scope, day } of store.storage.markedDays.all(before)) yield* summariseDay(store, parts, { scope, day })
}

interface Day {
  readonly scope: number
  readonly day: number
}

function* summariseDay(store: Store, parts: Parts, { scope, day }: Day): Steps<void> {
  // Buckets are closed at their end: the first instant of the next day belongs to this one.
  const range = { fromMs: day, toMs: day + DAY_MS }
  const within = (level: Level) => store.storage.partsWithin.all(scope, level, range.fromMs, range.toMs)
  const rows = [...within(LEVELS.merged), ...within(LEVELS.folded)]
  const old = { fine: within(LEVELS.fiveMinutes), hour: within(LEVELS.hour) }
  const ids = yield* parts.readAll([...rows, ...old.fine])
  const arena = new Arena()
  for (let start = 0; start < ids.length; start += BATCH) {
    arena.reset()
    const batch = ids.slice(start, start + BATCH)
    const points = yield* collect(parts, { rows, ids: batch, ...range, field: 0, arena })
    yield
    const known = yield* readBuckets(parts, { rows: old.fine, ids: batch, ...range, field: 0, arena })
    const fine = new Map(batch.map((id) => [id, fuller(bucketsOf(points.get(id)), known.get(id))]))
    yield
    const hours = new Map([...fine].map(([id, buckets]) => [id, coarser(buckets)]))
    yield
    commit(store, () => {
      insertHistory(store, { scope, level: LEVELS.fiveMinutes }, fine)
      insertHistory(store, { scope, level: LEVELS.hour }, hours)
    })
    yield
  }
  yield* removeParts(store, parts, [...old.fine, ...old.hour])
  commit(store, () => store.storage.unmarkDay.run(scope, day))
}

function newBuckets(): Buckets {
  return { times: [], fields: [[], [], [], [], []] }
}

function push(buckets: Buckets, time: number, numbers: readonly number[]): void {
  buckets.times.push(time)
  for (const [field, list] of buckets.fields.entries()) list.push(numbers[field] ?? 0)
}

/** Samples as buckets of 5 minutes. Staleness markers and NaN are no measurements and do not count. */
function bucketsOf(points: StoredPoints | undefined): Buckets {
  const buckets = newBuckets()
  if (points === undefined) return buckets
  let bucket = Number.NaN
  let numbers = [0, 0, 0, 0, 0]
  const close = () => {
    const [min = 0, max = 0, sum = 0, count = 0, last = 0] = numbers
    if (count > 0) push(buckets, bucket, [min, max, tidySum(sum), count, last])
  }
  for (let index = points.start; index < points.end; index++) {
    const value = points.values[index] ?? 0
    if (points.stale?.[index] === 1 || Number.isNaN(value)) continue
    const end = Math.ceil((points.times[index] ?? 0) / FIVE_MINUTES_MS) * FIVE_MINUTES_MS
    if (end !== bucket) {
      close()
      bucket = end
      numbers = [value, value, 0, 0, value]
    }
    const [min = 0, max = 0, sum = 0, count = 0] = numbers
    numbers = [Math.min(min, value), Math.max(max, value), sum + value, count + 1, value]
  }
  close()
  return buckets
}

/** A sum of decimals without the noise of its additions: what is a decimal again takes a quarter of the room. */
function tidySum(sum: number): number {
  return Number.isFinite(sum) ? Number(sum.toPrecision(15)) : sum
}

/** Buckets of an hour from those of 5 minutes. */
function coarser(fine: Buckets): Buckets {
  const hours = newBuckets()
  const [mins, maxs, sums, counts, lasts] = fine.fields
  for (const [index, time] of fine.times.entries()) {
    const end = Math.ceil(time / HOUR_MS) * HOUR_MS
    const numbers = [mins[index] ?? 0, maxs[index] ?? 0, sums[index] ?? 0, counts[index] ?? 0, lasts[index] ?? 0]
    const at = hours.times.length - 1
    if (hours.times[at] !== end) {
      push(hours, end, numbers)
      continue
    }
    const [min, max, sum, count, last] = hours.fields
    min[at] = Math.min(min[at] ?? 0, numbers[0] ?? 0)
    max[at] = Math.max(max[at] ?? 0, numbers[1] ?? 0)
    sum[at] = tidySum((sum[at] ?? 0) + (numbers[2] ?? 0))
    count[at] = (count[at] ?? 0) + (numbers[3] ?? 0)
    last[at] = numbers[4] ?? 0
  }
  return hours
}

/**
 * Of two buckets for the same time the one that counted more: raw samples may have gone since the first was made, or
 * late ones may have come.
 */
function fuller(made: Buckets, known: Buckets | undefined): Buckets {
  if (known === undefined || known.times.length === 0) return made
  const best = new Map<number, readonly number[]>()
  for (const buckets of [known, made]) {
    for (const [index, time] of buckets.times.entries()) {
      const numbers = buckets.fields.map((field) => field[index] ?? 0)
      if ((best.get(time)?.[3] ?? 0) <= (numbers[3] ?? 0)) best.set(time, numbers)
    }
  }
  const union = newBuckets()
  for (const time of [...best.keys()].toSorted((a, b) => a - b)) push(union, time, best.get(time) ?? [])
  return union
}

function* readBuckets(parts: Parts, request: CollectRequest): Steps<Map<number, Buckets>> {
  const { rows, ids } = request
  const known = new Map<number, Buckets>(ids.map((id) => [id, newBuckets()]))
  if (rows.length === 0) return known
  for (let field = 0; field < FIELDS; field++) {
    const found = yield* collect(parts, { ...request, field })
    for (const [id, { times, values, start, end }] of found) {
      const buckets = known.get(id)
      if (field === 0) buckets?.times.push(...times.subarray(start, end))
      buckets?.fields[field]?.push(...values.subarray(start, end))
    }
  }
  return known
}

function insertHistory(
  store: Store,
  { scope, level }: { readonly scope: number; readonly level: Level },
  buckets: ReadonlyMap<number, Buckets>,
): void {
  const filled = [...buckets].filter(([, { times }]) => times.length > 0)
  if (filled.length === 0) return
  const ids = filled.map(([id]) => id)
  const lists = filled.flatMap(([, one]) => {
    const times = Float64Array.from(one.times)
    return one.fields.map((values) => ({
      times,
      values: Float64Array.from(values),
      stale: undefined,
      start: 0,
      end: times.length,
    }))
  })
  const { times, columns } = align(lists)
  const data = store.encoder.encode({ times, ids, columns, fields: FIELDS })
  const [low, high] = [ids[0] ?? 0, ids.at(-1) ?? 0]
  store.storage.insertPart.run(
    scope,
    level,
    times[0] ?? 0,
    times.at(-1) ?? 0,
    low,
    high,
    lists.length * times.length,
    data,
  )
}
