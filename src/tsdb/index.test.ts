import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import Database from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'

import type { Labels } from '../core/labels.ts'
import { createMatcher } from '../core/matcher.ts'
import { ConfigError, OutsideError } from '../lib/errors.ts'
import type { LogFields, Logger } from '../lib/log.ts'
import { createTsdb } from './engine.ts'
import { openTsdb, type StoredSeries, type Tsdb, type TsdbOptions } from './index.ts'
import { openStorage } from './storage.ts'
import { createStore } from './store.ts'

const START = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'tsdb-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Setting {
  now: number
  readonly said: { readonly message: string; readonly fields: LogFields | undefined }[]
  readonly options: TsdbOptions
}

function setting(file: string | undefined, changes: Partial<TsdbOptions> = {}): Setting {
  const said: Setting['said'] = []
  const say = (message: string, fields?: LogFields) => said.push({ message, fields })
  const log: Logger = { debug() {}, info: say, warn: say, error: say, child: () => log }
  let clock = 0
  const made: Setting = {
    now: START,
    said,
    options: {
      file: file === undefined ? undefined : join(folder, file),
      world: { now: () => made.now, monotonic: () => clock++, yield: async () => Promise.resolve() },
      log,
      limits: { maxSeries: 1000, maxSeriesPerScope: 500 },
      retention: { rawMs: 30 * DAY_MS, historyMs: 400 * DAY_MS },
      ...changes,
    },
  }
  return made
}

function append(db: Tsdb, at: number, values: Readonly<Record<string, number>>, scope = 'node/') {
  const samples = Object.entries(values).map(([name, value]) => ({ name, labels: {}, value }))
  return db.append({ at, scope, samples, labels: { target: 'node' } })
}

async function samplesOf(
  db: Tsdb,
  series: StoredSeries,
  fromMs = 0,
  toMs = START + 1e12,
): Promise<readonly (readonly [number, number | 'stale'])[]> {
  const loaded = await db.load([series], fromMs, toMs)
  const { times, values, stale, start, end } = loaded.points(0)
  return Array.from({ length: end - start }, (_, offset) => {
    const index = start + offset
    return [(times[index] ?? 0) - START, stale?.[index] === 1 ? 'stale' : (values[index] ?? 0)] as const
  })
}

function only(db: Tsdb, name: string): StoredSeries {
  const [series] = db.select([createMatcher('__name__', '=', name)])
  if (series === undefined) throw new Error(`no series ${name}`)
  return series
}

/** Rounds of 15 s for `hours`, with maintenance once a minute. */
async function fill(
  made: Setting,
  db: Tsdb,
  hours: number,
  values: (round: number) => Readonly<Record<string, number>>,
) {
  const rounds = hours * 240
  for (let round = 1; round <= rounds; round++) {
    made.now += 15_000
    append(db, made.now, values(round))
    if (round % 4 === 0) {
      await db.flush()
      await db.maintain()
    }
  }
}

describe('appending', () => {
  test('a sample is visible at once, with the labels of its target, and needs no promise', async () => {
    const db = await openTsdb(setting(undefined).options)
    db.append({
      at: START,
      scope: 's',
      samples: [{ name: 'up', labels: { a: 'b' }, value: 1 }],
      labels: { target: 't', a: 'lost' },
    })
    const series = only(db, 'up')
    const loaded = db.load([series], START - 1, START)

    expect(series.labels).toEqual({ __name__: 'up', a: 'b', target: 't' })
    expect(loaded).not.toBeInstanceOf(Promise)
    expect(await samplesOf(db, series)).toEqual([[0, 1]])
  })

  test('a series that is left out ends, and is not current any more', async () => {
    const db = await openTsdb(setting(undefined).options)
    append(db, START, { a: 1, b: 2 })
    const result = append(db, START + 1000, { a: 3 })

    expect(result).toEqual({ appended: 1, ended: 1, duplicates: 0, tooOld: 0, overLimit: 0 })
    expect(await samplesOf(db, only(db, 'b'))).toEqual([
      [0, 2],
      [1000, 'stale'],
    ])
    expect([...db.latest(START + 2000)]).toEqual([
      { labels: { __name__: 'a', target: 'node' }, value: 3, time: START + 1000 },
    ])
    expect([...db.latest(START + 301_000)]).toEqual([])
  })

  test('NaN is a value and no staleness marker', async () => {
    const db = await openTsdb(setting(undefined).options)
    append(db, START, { a: Number.NaN })

    expect(await samplesOf(db, only(db, 'a'))).toEqual([[0, Number.NaN]])
    expect([...db.latest(START)]).toHaveLength(1)
  })

  test('late samples find their place, repeated ones are ignored, too old ones are counted', async () => {
    const db = await openTsdb(setting(undefined, { outOfOrderMs: 60_000 }).options)
    append(db, START, { a: 1 })
    append(db, START + 90_000, { a: 2 })

    expect(append(db, START + 45_000, { a: 9 })).toMatchObject({ appended: 1, ended: 0 })
    expect(append(db, START + 45_000, { a: 8 })).toMatchObject({ appended: 0, duplicates: 1 })
    expect(append(db, START + 90_000, { a: 8 })).toMatchObject({ appended: 0, duplicates: 1 })
    expect(append(db, START + 20_000, { a: 9 })).toMatchObject({ appended: 0, tooOld: 1 })
    expect(await samplesOf(db, only(db, 'a'))).toEqual([
      [0, 1],
      [45_000, 9],
      [90_000, 2],
    ])
  })

  test('history is written at its own time and ends nothing', async () => {
    const db = await openTsdb(setting(undefined).options)
    append(db, START, { a: 5 })
    db.appendAt({
      at: START - 3 * DAY_MS,
      scope: 'node/',
      samples: [{ name: 'old', labels: {}, value: 1 }],
      labels: {},
    })

    expect(await samplesOf(db, only(db, 'old'))).toEqual([[-3 * DAY_MS, 1]])
    expect(append(db, START + 1000, { a: 6 }).ended).toBe(0)
  })

  test('series over the limit are dropped, counted, and said once', async () => {
    const made = setting(undefined, { limits: { maxSeries: 3, maxSeriesPerScope: 2 } })
    const db = await openTsdb(made.options)

    expect(append(db, START, { a: 1, b: 2, c: 3 })).toMatchObject({ appended: 2, overLimit: 1 })
    expect(append(db, START + 1, { a: 1, b: 2, c: 3 })).toMatchObject({ appended: 2, overLimit: 1 })
    expect(append(db, START, { d: 1, e: 2 }, 'other/')).toMatchObject({ appended: 1, overLimit: 1 })
    expect(made.said.map(({ fields }) => fields?.['scope'])).toEqual(['node/', 'other/'])
    expect(db.stats()).toMatchObject({ liveSeries: 3, overLimit: 3 })
  })

  test('a scope that ends leaves nothing current', async () => {
    const db = await openTsdb(setting(undefined).options)
    append(db, START, { a: 1, b: 2 })

    expect(db.endScope('node/', START + 500)).toBe(2)
    expect(db.endScope('node/', START + 900)).toBe(0)
    expect([...db.latest(START + 1000)]).toEqual([])
  })
})

describe('selecting', () => {
  const rows: readonly Labels[] = [
    { job: 'node', env: 'prod' },
    { job: 'node', env: 'test' },
    { job: 'db', env: 'prod' },
    { job: 'db' },
  ]

  test.each([
    [[createMatcher('job', '=', 'node')], 2],
    [[createMatcher('job', '=', 'node'), createMatcher('env', '!=', 'test')], 1],
    [[createMatcher('env', '=', '')], 1],
    [[createMatcher('env', '=~', 'p.*|test')], 3],
    [[createMatcher('env', '!~', 'p.*')], 2],
    [[createMatcher('env', '=~', '.*')], 4],
    [[createMatcher('job', '=', 'none')], 0],
    [[], 4],
  ])('matchers %# find what they match', async (matchers, count) => {
    const db = await openTsdb(setting(undefined).options)
    db.append({ at: START, scope: 's', samples: rows.map((labels) => ({ name: 'up', labels, value: 1 })), labels: {} })

    expect(db.select(matchers)).toHaveLength(count)
    expect(db.labelNames()).toEqual(['__name__', 'env', 'job'])
    expect(db.labelValues('env')).toEqual(['prod', 'test'])
  })

  test('the generation grows with new series only', async () => {
    const db = await openTsdb(setting(undefined).options)
    append(db, START, { a: 1 })
    const before = db.generation
    append(db, START + 1, { a: 2 })
    const after = db.generation
    append(db, START + 2, { a: 2, b: 1 })

    expect(after).toBe(before)
    expect(db.generation).toBeGreaterThan(after)
  })
})

describe('the file', () => {
  test('is read back after a restart, with the set of each scope, and recent samples need no promise', async () => {
    const made = setting('restart.db')
    let db = await openTsdb(made.options)
    await fill(made, db, 5, (round) => ({ a: round, b: round / 10 }))
    await db.close()
    db = await openTsdb(made.options)

    expect(await samplesOf(db, only(db, 'b'))).toEqual(
      Array.from({ length: 1200 }, (_, index) => [(index + 1) * 15_000, (index + 1) / 10]),
    )
    expect(db.load(db.select([]), made.now - 300_000, made.now)).not.toBeInstanceOf(Promise)
    expect([...db.latest(made.now)]).toHaveLength(2)
    expect(append(db, made.now + 15_000, { a: 1 }).ended).toBe(1)
  })

  test('of a newer version is refused in words, and untouched', async () => {
    const made = setting('newer.db')
    await (await openTsdb(made.options)).close()
    const raw = new Database(made.options.file)
    raw.pragma('user_version = 99')
    raw.close()

    await expect(openTsdb(made.options)).rejects.toThrow(ConfigError)
    await expect(openTsdb(made.options)).rejects.toThrow(/newer version of Chainwarden \(format 99/)
  })

  test('in a folder that does not exist is refused in words', async () => {
    await expect(openTsdb(setting('nowhere/x.db').options)).rejects.toThrow(OutsideError)
  })

  test('that is no database at all is set aside, said, and begun anew', async () => {
    const made = setting('garbage.db')
    writeFileSync(made.options.file ?? '', 'this is not a database, and longer than its header would be: '.repeat(40))
    const db = await openTsdb(made.options)
    append(db, START, { a: 1 })
    await db.close()

    expect(made.said[0]?.message).toMatch(/set aside/)
    expect(readdirSync(folder).filter((name) => name.startsWith('garbage.db.damaged'))).toHaveLength(1)
  })

  test('with flipped bits in a blob: it is named and set aside, the rest is served', async () => {
    const made = setting('flipped.db')
    let db = await openTsdb(made.options)
    await fill(made, db, 5, (round) => ({ a: round }))
    await db.close()
    const raw = new Database(made.options.file)
    const row = raw
      .prepare<[], { id: number; data: Buffer }>('SELECT id, data FROM parts ORDER BY end_at LIMIT 1')
      .get()
    const data = Buffer.from(row?.data ?? [])
    data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 16
    raw.prepare('UPDATE parts SET data = ? WHERE id = ?').run(data, row?.id)
    raw.close()
    db = await openTsdb(made.options)
    const rest = await samplesOf(db, only(db, 'a'))

    expect(rest.length).toBeGreaterThan(600)
    expect(rest.length).toBeLessThan(1200)
    expect(rest.at(-1)).toEqual([1200 * 15_000, 1200])
    expect(made.said).toMatchObject([
      { message: /damaged/, fields: { part: row?.id, scope: 'node/', why: 'its checksum is wrong' } },
    ])
    expect(db.stats().damagedBlobs).toBe(1)
    expect(await samplesOf(db, only(db, 'a'))).toEqual(rest)
  })

  test('with a damaged row of the log: it is set aside, the rest is served', async () => {
    const made = setting('flipped-log.db')
    let db = await openTsdb(made.options)
    for (let round = 0; round < 3; round++) {
      append(db, START + round, { a: round })
      await db.flush()
    }
    await db.close()
    const raw = new Database(made.options.file)
    raw.exec(`UPDATE log SET data = CAST(substr(data, 1, length(data) - 1) || x'ff' AS BLOB) WHERE sequence = 2`)
    raw.close()
    db = await openTsdb(made.options)

    expect(await samplesOf(db, only(db, 'a'))).toEqual([
      [0, 0],
      [2, 2],
    ])
    expect(db.stats().damagedBlobs).toBe(1)
  })

  test('on a full disk: a sentence, everything served from memory, nothing lost once there is room', async () => {
    const made = setting('full.db')
    const store = createStore(made.options, openStorage(made.options.file, made.options.log, START))
    const db = createTsdb(store)
    append(db, START, { a: 0 })
    await db.flush()
    const pages = Number(store.storage.db.pragma('page_count', { simple: true }))
    store.storage.db.pragma(`max_page_count = ${pages}`)
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`m${index}`, Math.PI * index]))
    append(db, START + 1000, many)

    await expect(db.flush()).rejects.toMatchObject({ reason: 'local', message: /the disk is full/ })
    expect(await samplesOf(db, only(db, 'm3'))).toEqual([[1000, Math.PI * 3]])
    store.storage.db.pragma('max_page_count = 100000')
    await db.close()
    const again = await openTsdb(made.options)
    expect(await samplesOf(again, only(again, 'm3'))).toEqual([[1000, Math.PI * 3]])
    expect(store.counts.flushFailures).toBe(1)
  })

  test('callers that flush together commit together', async () => {
    const made = setting('together.db')
    const store = createStore(made.options, openStorage(made.options.file, made.options.log, START))
    const db = createTsdb(store)
    append(db, START, { a: 0 }, 'a/')
    const first = db.flush()
    append(db, START, { b: 0 }, 'b/')
    await Promise.all([first, db.flush()])

    expect(store.logRows).toHaveLength(1)
  })
})

describe('a process killed with SIGKILL', () => {
  test('leaves every round that was flushed, and no half of one', async () => {
    const file = join(folder, 'killed.db')
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', childScript(file)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let flushed = 0
    for await (const line of createInterface({ input: child.stdout })) {
      flushed = Number(line)
      if (flushed === 300) child.kill('SIGKILL')
    }
    const db = await openTsdb(setting('killed.db').options)
    const series = db.select([])
    const loaded = await db.load(series, 0, START + 1e12)
    const counts = series.map((_, index) => {
      const points = loaded.points(index)
      return points.end - points.start
    })

    expect(flushed).toBeGreaterThanOrEqual(300)
    expect(series).toHaveLength(50)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(flushed)
    expect(Math.max(...counts)).toBe(Math.min(...counts))
  }, 30_000)
})

function childScript(file: string): string {
  return `
    import { openTsdb } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    let now = ${START}
    const world = { now: () => now, monotonic: () => performance.now(), yield: () => new Promise((done) => setImmediate(done)) }
    const db = await openTsdb({ file: ${JSON.stringify(file)}, world, log,
      limits: { maxSeries: 1000, maxSeriesPerScope: 1000 }, retention: { rawMs: 1e10, historyMs: 4e10 } })
    for (let round = 1; ; round++) {
      now += 15000
      const samples = Array.from({ length: 50 }, (_, index) => ({ name: 'm' + index, labels: {}, value: round }))
      db.append({ at: now, scope: 's', samples, labels: {} })
      await db.flush()
      console.log(round)
      if (round % 7 === 0) await db.maintain()
    }`
}

describe('keeping it small', () => {
  test('a day becomes history of 5 minutes and of an hour: min, max, sum, count and last', async () => {
    const made = setting('history.db')
    const db = await openTsdb(made.options)
    await fill(made, db, 26, (round) => ({ a: (round * 7919) % 101, ...(round % 400 < 200 ? { gappy: round } : {}) }))
    const asked = { fromMs: START, toMs: START + DAY_MS }
    const fine = await db.history(only(db, 'a'), { ...asked, resolution: '5m' })
    const hours = await db.history(only(db, 'a'), { ...asked, resolution: '1h' })

    expect(fine).toEqual(
      Array.from({ length: 288 }, (_, index) => summary(START + (index + 1) * 300_000, bucket(index, 20))),
    )
    expect(hours).toEqual(
      Array.from({ length: 24 }, (_, index) => summary(START + (index + 1) * 3_600_000, bucket(index, 240))),
    )
    const gappy = await db.history(only(db, 'gappy'), { ...asked, resolution: '5m' })
    expect(gappy.reduce((sum, { count }) => sum + count, 0)).toBe(
      (await samplesOf(db, only(db, 'gappy'), START, START + DAY_MS)).filter(([, value]) => value !== 'stale').length,
    )
  })

  test('raw samples leave by age, and their history stands in for them', async () => {
    const made = setting('age.db', { retention: { rawMs: 12 * 3_600_000, historyMs: 400 * DAY_MS } })
    const db = await openTsdb(made.options)
    await fill(made, db, 40, (round) => ({ a: round }))
    const all = await samplesOf(db, only(db, 'a'))
    const [first] = all
    const raw = all.find(([time]) => time % 300_000 !== 0)

    expect(first).toEqual([300_000, 20])
    expect(raw?.[0]).toBeGreaterThan(24 * 3_600_000)
    expect(all.every(([time, value]) => value === time / 15_000)).toBe(true)
  })

  test('series whose samples are gone are forgotten', async () => {
    const made = setting('forgotten.db', { retention: { rawMs: 3_600_000, historyMs: 3_600_000 } })
    const db = await openTsdb(made.options)
    await fill(made, db, 1, (round) => ({ a: round, gone: round }))
    await fill(made, db, 6, (round) => ({ a: round }))
    await db.close()
    const again = await openTsdb(made.options)

    expect(again.labelValues('__name__')).toEqual(['a'])
    expect((await samplesOf(again, only(again, 'a')))[0]?.[0]).toBeGreaterThan(3 * 3_600_000)
  })

  test('the file stays below its largest size, and the newest samples stay', async () => {
    const maxBytes = 300_000
    const made = setting('size.db', { retention: { rawMs: 30 * DAY_MS, historyMs: 30 * DAY_MS, maxBytes } })
    const db = await openTsdb(made.options)
    await fill(made, db, 12, noise)

    expect(db.stats().fileBytes).toBeLessThanOrEqual(maxBytes)
    const left = await samplesOf(db, only(db, 'm3'))
    expect(left.at(-1)?.[0]).toBe(12 * 3_600_000)
    expect(left.length).toBeGreaterThan(240)
    expect(left.length).toBeLessThan(2880)
  })

  test('a query that runs while parts are merged misses nothing', async () => {
    const made = setting('merged.db')
    const db = await openTsdb(made.options)
    await fill(made, db, 3, (round) => ({ a: round }))
    made.now += 2 * 3_600_000
    const maintained = db.maintain()
    const counts = []
    for (let attempt = 0; attempt < 20; attempt++) counts.push((await samplesOf(db, only(db, 'a'))).length)
    await maintained

    expect(new Set(counts)).toEqual(new Set([720]))
  })
})

/** What the nth bucket of `size` rounds holds. */
function bucket(index: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, at) => ((index * size + at + 1) * 7919) % 101)
}

function noise(round: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${index}`, Math.sin(round * (index + 1))]))
}

function summary(time: number, values: readonly number[]) {
  return {
    time,
    min: Math.min(...values),
    max: Math.max(...values),
    sum: values.reduce((sum, value) => sum + value, 0),
    count: values.length,
    last: values.at(-1),
  }
}
