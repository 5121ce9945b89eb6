import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { type Labels, labelsKey } from '../core/labels.ts'
import type { Sample } from '../core/sample.ts'
import type { Logger } from '../lib/log.ts'
import { openTsdb, type Tsdb, type TsdbOptions } from './index.ts'

/*
 * The store against an array: random appends, late samples, history, ends, flushes, maintenance, restarts and kills. A
 * kill copies the files as they are, which is what the next process would find; what it then reads must be the array as
 * it was at one moment not before the last flush.
 */

const SERIES = 6
const START = Date.UTC(2026, 0, 1)
const OUT_OF_ORDER_MS = 600_000

type Command =
  | {
      readonly kind: 'append'
      readonly scope: number
      readonly mask: number
      readonly afterMs: number
      readonly value: number
    }
  | {
      readonly kind: 'late' | 'history'
      readonly scope: number
      readonly mask: number
      readonly agoMs: number
      readonly value: number
    }
  | { readonly kind: 'rounds'; readonly scope: number; readonly mask: number; readonly count: number }
  | { readonly kind: 'end'; readonly scope: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'flush' | 'maintain' | 'reopen' | 'kill' | 'query' }

const scope = fc.nat(1)
const mask = fc.nat(2 ** SERIES - 1)
const value = fc.oneof(fc.nat(1000), fc.double(), fc.constant(0.25))
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      scope,
      mask,
      afterMs: fc.integer({ min: 1, max: 90_000 }),
      value,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rounds'), scope, mask, count: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late'), scope, mask, agoMs: fc.nat(700_000), value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('history'), scope, mask, agoMs: fc.nat(40_000_000), value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end'), scope }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(9_000_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('maintain') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('query') }) },
)

/** Times to values by series; a staleness marker is the text `stale`. */
type Content = ReadonlyMap<string, ReadonlyMap<number, number | 'stale'>>

interface Model {
  content: Map<string, Map<number, number | 'stale'>>
  written: Map<number, ReadonlySet<string>>
  lastAt: Map<number, number>
}

function copyOf(model: Model): Model {
  return {
    content: new Map([...model.content].map(([key, samples]) => [key, new Map(samples)])),
    written: new Map(model.written),
    lastAt: new Map(model.lastAt),
  }
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const folder = mkdtempSync(join(tmpdir(), 'tsdb-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

class Bench {
  now = START
  model: Model = { content: new Map(), written: new Map(), lastAt: new Map() }
  /** What the model was after each change since the last flush: what a kill may leave. */
  moments: Model[] = [copyOf(this.model)]
  db: Tsdb | undefined
  readonly #number: number
  #generation = 0
  #clock = 0

  constructor(number: number) {
    this.#number = number
  }

  get file(): string {
    return join(folder, `${this.#number}-${this.#generation}.db`)
  }

  options(): TsdbOptions {
    return {
      file: this.file,
      // Each look at the clock is a slice: everything that may yield does.
      world: { now: () => this.now, monotonic: () => (this.#clock += 10), yield: async () => Promise.resolve() },
      log: quiet,
      limits: { maxSeries: 1000, maxSeriesPerScope: 1000 },
      retention: { rawMs: 365 * 86_400_000, historyMs: 400 * 86_400_000 },
      outOfOrderMs: OUT_OF_ORDER_MS,
    }
  }

  async open(): Promise<Tsdb> {
    this.db ??= await openTsdb(this.options())
    return this.db
  }

  async kill(): Promise<void> {
    const before = this.file
    this.#generation++
    for (const suffix of ['', '-wal']) {
      if (existsSync(before + suffix)) copyFileSync(before + suffix, this.file + suffix)
    }
    await this.db?.close()
    this.db = undefined
    const found = describeContent(await readAll(await this.open()))
    const moment = this.moments.findLast((one) => describeContent(one.content) === found)
    if (moment === undefined) throw new Error(`after a kill the store holds no moment: ${found}`)
    this.model = copyOf(moment)
    this.moments = [copyOf(moment)]
  }
}

function samplesOf(scopeNumber: number, chosen: number, valueOf: (position: number) => number): readonly Sample[] {
  return Array.from({ length: SERIES }, (_, index) => index)
    .filter((index) => (chosen & (1 << index)) !== 0)
    .map((index, position) => ({
      name: `m${index % 2}`,
      // The last one belongs to both scopes.
      labels: { index: String(index), ...(index === 5 ? {} : { own: `${scopeNumber}` }) },
      value: valueOf(position),
    }))
}

function keyOf(series: { readonly name: string; readonly labels: Labels }): string {
  return labelsKey({ ...series.labels, __name__: series.name, job: 'j' })
}

function put(model: Model, key: string, time: number, sample: number | 'stale'): void {
  const samples = model.content.get(key) ?? new Map<number, number | 'stale'>()
  if (!samples.has(time)) samples.set(time, sample)
  model.content.set(key, samples)
}

async function readAll(db: Tsdb, fromMs = 0, toMs = Number.MAX_SAFE_INTEGER): Promise<Content> {
  const series = db.select([])
  const loaded = await db.load(series, fromMs, toMs)
  return new Map(
    series.map((one, index) => {
      const points = loaded.points(index)
      const samples = new Map<number, number | 'stale'>()
      let previous = Number.NEGATIVE_INFINITY
      for (let at = points.start; at < points.end; at++) {
        const time = points.times[at] ?? 0
        if (time <= previous) throw new Error(`times do not ascend: ${previous}, ${time}`)
        previous = time
        samples.set(time, points.stale?.[at] === 1 ? 'stale' : (points.values[at] ?? 0))
      }
      return [labelsKey(one.labels), samples]
    }),
  )
}

function describeContent(content: Content, fromMs = 0, toMs = Number.MAX_SAFE_INTEGER): string {
  const lines = [...content].flatMap(([key, samples]) => {
    const inside = [...samples].filter(([time]) => time > fromMs && time <= toMs).toSorted(([a], [b]) => a - b)
    const text = inside.map(([time, sample]) => `${time - START}:${Object.is(sample, -0) ? '-0' : sample}`).join(' ')
    return text === '' ? [] : [`${key} ${text}`]
  })
  return lines.toSorted().join('\n')
}

async function check(bench: Bench, fromMs = 0, toMs = Number.MAX_SAFE_INTEGER): Promise<void> {
  const found = await readAll(await bench.open(), fromMs, toMs)
  expect(describeContent(found, fromMs, toMs)).toBe(describeContent(bench.model.content, fromMs, toMs))
}

function appendRound(bench: Bench, db: Tsdb, scopeNumber: number, samples: readonly Sample[]): void {
  const at = bench.now
  db.append({ at, scope: `s${scopeNumber}`, labels: { job: 'j' }, samples })
  const { model } = bench
  const lastAt = model.lastAt.get(scopeNumber) ?? Number.NEGATIVE_INFINITY
  if (at < lastAt - OUT_OF_ORDER_MS) return
  for (const sample of samples) put(model, keyOf(sample), at, sample.value)
  if (at > lastAt) {
    // The series that both scopes write stays with whom it belongs to while that one writes it.
    const other = model.written.get(1 - scopeNumber) ?? new Set()
    const keys = new Set(samples.map(keyOf).filter((key) => !other.has(key)))
    for (const key of model.written.get(scopeNumber) ?? []) if (!keys.has(key)) put(model, key, at, 'stale')
    model.written.set(scopeNumber, keys)
    model.lastAt.set(scopeNumber, at)
  }
  bench.moments.push(copyOf(model))
}

async function run(bench: Bench, step: Command): Promise<void> {
  const db = await bench.open()
  switch (step.kind) {
    case 'append':
      bench.now += step.afterMs
      appendRound(
        bench,
        db,
        step.scope,
        samplesOf(step.scope, step.mask, (position) => step.value + position),
      )
      return
    case 'rounds':
      for (let round = 0; round < step.count; round++) {
        bench.now += 15_000
        appendRound(
          bench,
          db,
          step.scope,
          samplesOf(step.scope, step.mask, () => round),
        )
      }
      return
    case 'late': {
      const { now } = bench
      bench.now = Math.min(now, bench.model.lastAt.get(step.scope) ?? now) - step.agoMs
      if (bench.model.lastAt.has(step.scope)) {
        appendRound(
          bench,
          db,
          step.scope,
          samplesOf(step.scope, step.mask, () => step.value),
        )
      }
      bench.now = now
      return
    }
    case 'history': {
      const samples = samplesOf(step.scope, step.mask, () => step.value)
      const at = bench.now - step.agoMs
      db.appendAt({ at, scope: `s${step.scope}`, labels: { job: 'j' }, samples })
      for (const sample of samples) put(bench.model, keyOf(sample), at, sample.value)
      bench.moments.push(copyOf(bench.model))
      return
    }
    case 'end': {
      const at = bench.now + 1
      bench.now = at
      db.endScope(`s${step.scope}`, at)
      const written = bench.model.written.get(step.scope) ?? new Set<string>()
      if (written.size > 0) bench.model.lastAt.set(step.scope, at)
      for (const key of written) put(bench.model, key, at, 'stale')
      bench.model.written.set(step.scope, new Set())
      bench.moments.push(copyOf(bench.model))
      return
    }
    case 'wait':
      bench.now += step.ms
      return
    case 'flush':
      await db.flush()
      bench.moments = [copyOf(bench.model)]
      return
    case 'maintain':
      await db.maintain()
      return
    case 'reopen':
      await db.close()
      bench.db = undefined
      bench.moments = [copyOf(bench.model)]
      return
    case 'kill':
      await bench.kill()
      return
    case 'query':
      await check(bench, bench.now - 3_600_000, bench.now - 60_000)
  }
}

describe('the store', () => {
  test('equals an array, whatever is appended, flushed, compacted, restarted or killed', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40 }), async (commands) => {
        const bench = new Bench(runs++)
        for (const step of commands) {
          await run(bench, step)
        }
        await check(bench)
        await bench.db?.close()
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
