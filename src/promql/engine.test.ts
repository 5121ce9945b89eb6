import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Labels } from '../core/labels.ts'
import { matchesAll } from '../core/matcher.ts'
import { createQueryEngine, type QueryEngineOptions } from './engine.ts'
import { PromqlError } from './errors.ts'
import type { Points, SeriesRef, SeriesSource } from './source.ts'
import { parseExpr } from './syntax/parser.ts'
import type { QueryResult } from './value.ts'

interface Line {
  readonly labels: Labels
  readonly values: readonly number[]
}

interface Store extends SeriesSource {
  generation: number
  selects: number
  isSlow: boolean
  add(line: Line): void
  /** Changes the source's own arrays, as a ring buffer does. */
  overwrite(value: number): void
}

const STEP_MS = 15_000

/** Series in memory: the nth value stands at n times 15 s. */
function storeOf(...lines: readonly Line[]): Store {
  const series: (SeriesRef & { readonly points: Points })[] = []
  const store: Store = {
    generation: 0,
    selects: 0,
    isSlow: false,
    select(matchers) {
      store.selects += 1
      return series.filter((one) => matchesAll(matchers, one.labels))
    },
    load(refs) {
      const loaded = { points: (index: number) => series[refs[index]?.id ?? 0]?.points ?? EMPTY }
      return store.isSlow ? Promise.resolve(loaded) : loaded
    },
    overwrite(value) {
      for (const { points } of series) points.values.fill(value)
    },
    add({ labels, values }) {
      const times = Float64Array.from(values, (_, index) => index * STEP_MS)
      const points = { times, values: Float64Array.from(values), stale: undefined, start: 0, end: values.length }
      series.push({ id: series.length, labels, points })
      store.generation += 1
    },
  }
  for (const line of lines) store.add(line)
  return store
}

const EMPTY: Points = { times: new Float64Array(0), values: new Float64Array(0), stale: undefined, start: 0, end: 0 }

function engineOf(source: SeriesSource, options: Partial<QueryEngineOptions> = {}) {
  const clock = { monotonic: () => 0, yield: async () => Promise.resolve() }
  const limits = { samples: 1_000_000, steps: 11_000, timeMs: 10_000 }
  return createQueryEngine({ source, limits, clock, defaultSubqueryStepMs: 60_000, ...options })
}

function up(target: string, ...values: readonly number[]): Line {
  return { labels: { __name__: 'up', target }, values }
}

function wave(seed: number): readonly number[] {
  return Array.from({ length: 40 }, (_, index) => (index * seed) % 17)
}

/** The result of what must not have waited. */
function now(result: QueryResult | Promise<QueryResult>): QueryResult {
  if (result instanceof Promise) throw new Error('it waited')
  return result
}

const elements = (result: QueryResult) =>
  result.value.type === 'vector' ? result.value.elements.map(({ labels, value }) => [labels['target'], value]) : []

describe('prepared queries', () => {
  test('answer at once when the samples are in memory', () => {
    const query = engineOf(storeOf(up('a', 1, 0), up('b', 1, 1))).prepare(parseExpr('up == 0'))

    expect(elements(now(query.instant(STEP_MS)))).toEqual([['a', 0]])
  })

  test('wait for samples that are not', async () => {
    const store = storeOf(up('a', 1))
    store.isSlow = true
    const answer = engineOf(store).instant(parseExpr('up'), 0)

    expect(answer).toBeInstanceOf(Promise)
    expect(elements(await answer)).toEqual([['a', 1]])
  })

  test('choose their series once, and again only when series come or go', () => {
    const store = storeOf(up('a', 1))
    const query = engineOf(store).prepare(parseExpr('sum by (target) (up) + on (target) up'))
    for (let count = 0; count < 5; count += 1) now(query.instant(0))

    expect(store.selects).toBe(2)

    store.add(up('b', 3))

    expect(elements(now(query.instant(0)))).toEqual([
      ['a', 2],
      ['b', 6],
    ])
    expect(store.selects).toBe(4)
  })

  test('narrowed to a target read that target only', () => {
    const query = engineOf(storeOf(up('a', 1), up('b', 2))).prepare(parseExpr('rate(up[1m]) or up'))
    const narrowed = now(query.instant(0, { narrow: { target: 'b' } }))

    expect(elements(narrowed)).toEqual([['b', 2]])
    expect(narrowed.reads.flat().map((ref) => ref.labels['target'])).toEqual(['b', 'b'])
    expect(elements(now(query.instant(0, { narrow: { target: 'none' } })))).toEqual([])
    expect(elements(now(query.instant(0)))).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  test('of a local expression, narrowed, say what the whole says of that target', () => {
    const engine = engineOf(storeOf(up('a', ...wave(3)), up('b', ...wave(5)), up('c', ...wave(7))))
    const texts = ['rate(up[5m]) > 0.1', 'sum by (target) (up) * on (target) up', 'up > 3 or on (target) -up']
    for (const query of texts.map((text) => engine.prepare(parseExpr(text)))) {
      const whole = elements(now(query.instant(500_000)))
      const narrowed = ['a', 'b', 'c'].flatMap((target) =>
        elements(now(query.instant(500_000, { narrow: { target } }))),
      )

      expect(whole.length).toBeGreaterThan(0)
      expect(new Map(narrowed.map(([target, value]) => [target, value]))).toEqual(
        new Map(whole.map(([target, value]) => [target, value])),
      )
    }
  })

  test('say which series they chose', () => {
    const query = engineOf(storeOf(up('a', 1), up('b', 2))).prepare(parseExpr('up{target="a"} > 5'))

    expect(now(query.instant(0)).reads).toMatchObject([[{ labels: { target: 'a' } }]])
  })
})

describe('limits', () => {
  const many = storeOf(
    ...Array.from({ length: 300 }, (_, index) =>
      up(`t${index}`, ...wave(index).concat(...Array.from({ length: 9 }, () => wave(index)))),
    ),
  )
  const query = parseExpr('sum(max_over_time(up[1h]))')
  const range = { startMs: 0, endMs: 400 * STEP_MS, stepMs: STEP_MS }

  test('a query that reads too much is refused with advice', async () => {
    const limits = { samples: 1000, steps: 11_000, timeMs: 1000 }

    await expect(engineOf(many, { limits }).range(query, range)).rejects.toThrow(/more than 1000 samples: narrow/)
  })

  test('the longest query that is read can be answered', () => {
    const engine = engineOf(storeOf(up('a', 1)))
    const nested = `${'('.repeat(90)}up${' + up)'.repeat(90)}`

    expect(elements(now(engine.instant(parseExpr(`up${' + up'.repeat(1000)}`), 0)))).toEqual([['a', 1001]])
    expect(elements(now(engine.instant(parseExpr(nested), 0)))).toEqual([['a', 91]])
  })

  test.each(['vector(1)[100y:1ms]', 'up[100y:1s]'])('a subquery of absurd length, %s, is refused', async (text) => {
    const answer = async () => engineOf(many).instant(parseExpr(`count_over_time(${text})`), 0)

    await expect(answer()).rejects.toThrow(/more than 1000000 samples/)
  })

  test('a query of too many steps is refused', async () => {
    const limits = { samples: 1e9, steps: 100, timeMs: 1000 }

    await expect(engineOf(many, { limits }).range(query, range)).rejects.toThrow(/401 steps, more than 100/)
  })

  test('a query that takes too long ends, and says so', async () => {
    let time = 0
    const clock = { monotonic: () => (time += 5), yield: async () => Promise.resolve() }
    const limits = { samples: 1e9, steps: 11_000, timeMs: 20 }
    const fault = await engineOf(many, { clock, limits })
      .range(query, range)
      .catch((error: unknown) => error)

    expect(fault).toBeInstanceOf(PromqlError)
    expect(fault).toMatchObject({ reason: 'timeout' })
  })

  test('a long query lets others run after every slice of 8 ms', async () => {
    let time = 0
    let yields = 0
    const clock = {
      monotonic: () => (time += 3),
      yield: async () => {
        yields += 1
        return Promise.resolve()
      },
    }
    const limits = { samples: 1e9, steps: 11_000, timeMs: 1e9 }
    const answer = await engineOf(many, { clock, limits }).range(query, range)

    expect(answer.value.series).toHaveLength(1)
    expect(yields).toBeGreaterThan(1)
  })

  test('one long series lets others run too, and may change meanwhile', async () => {
    const values = Array.from({ length: 4000 }, (_, index) => index % 7)
    const store = storeOf(up('a', ...values))
    let time = 0
    let yields = 0
    const clock = {
      monotonic: () => (time += 9),
      yield: async () => {
        yields += 1
        store.overwrite(0)
        return Promise.resolve()
      },
    }
    const limits = { samples: 1e9, steps: 11_000, timeMs: 1e9 }
    const long = parseExpr('stddev_over_time(up[4h])')
    const end = 4000 * STEP_MS
    const answer = await engineOf(store, { clock, limits }).range(long, { startMs: 0, endMs: end, stepMs: STEP_MS })

    expect(answer.value.series[0]?.values.at(-1)).toBeCloseTo(2, 1)
    expect(yields).toBeGreaterThan(5)
  })

  test('an aborted query ends at its next pause', async () => {
    const abort = new AbortController()
    let time = 0
    const clock = {
      monotonic: () => (time += 10),
      yield: async () => {
        abort.abort()
        return Promise.resolve()
      },
    }
    const limits = { samples: 1e9, steps: 11_000, timeMs: 1e9 }
    const answer = engineOf(many, { clock, limits }).range(query, { ...range, signal: abort.signal })

    await expect(answer).rejects.toMatchObject({ reason: 'canceled' })
  })

  test.each([
    ['up[5m]', /range vector/],
    ['"a"', /string/],
  ])('a range query of %s is refused', async (text, message) => {
    await expect(engineOf(many).range(parseExpr(text), range)).rejects.toThrow(message)
  })

  test('a range without steps is refused', async () => {
    await expect(engineOf(many).range(query, { ...range, stepMs: 0 })).rejects.toThrow(/longer than 0/)
    await expect(engineOf(many).range(query, { ...range, endMs: -1 })).rejects.toThrow(/before it starts/)
  })
})

describe('options', () => {
  test('experimental parts are refused where they are switched off, with their place', () => {
    const engine = engineOf(storeOf(), { experimental: false })

    expect(() => engine.prepare(parseExpr('1 + sum(mad_over_time(up[5m]))'))).toThrow(
      /mad_over_time\(\) is experimental/,
    )
    expect(() => engine.prepare(parseExpr('a + fill(0) b'))).toThrow(/fill is experimental/)
    expect(() => engine.prepare(parseExpr('rate(up[5m] anchored)'))).toThrow(/anchored is experimental/)
  })

  test('names go at once, and what then is the same is an error; delayed, it may be told apart before', () => {
    const same = [
      { labels: { __name__: 'a', x: '1' }, values: [1, 2] },
      { labels: { __name__: 'b', x: '1' }, values: [3, 4] },
    ]
    const query = parseExpr('label_replace(-{x="1"}, "name", "$1", "__name__", "(.+)")')
    const delayed = engineOf(storeOf(...same), { delayedNameRemoval: true }).instant(query, 0)

    expect(() => engineOf(storeOf(...same)).instant(query, 0)).toThrow(/same labelset/)
    expect(now(delayed).value).toMatchObject({
      elements: [{ labels: { name: 'a', x: '1' } }, { labels: { name: 'b', x: '1' } }],
    })
  })

  test('a subquery without a step takes the one given', () => {
    const store = storeOf(up('a', ...Array.from({ length: 100 }, (_, index) => index)))
    const engine = engineOf(store, { defaultSubqueryStepMs: 30_000 })

    expect(elements(now(engine.instant(parseExpr('count_over_time(up[5m:])'), 600_000)))).toEqual([['a', 10]])
  })
})

describe('windows that move', () => {
  const FUNCTIONS = ['sum', 'avg', 'min', 'max', 'count', 'stddev', 'last'].map((name) => `${name}_over_time`)
  const RATES = ['rate', 'increase', 'delta', 'irate', 'resets', 'changes', 'deriv']
  const value = fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e300, 0),
  )

  test('give at every step what a window of that step alone gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FUNCTIONS, ...RATES),
        fc.array(value, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 4 }),
        async (name, values, windowSteps, everySteps) => {
          const engine = engineOf(storeOf(up('a', ...values)))
          const query = parseExpr(`${name}(up[${windowSteps * 15}s])`)
          const endMs = (values.length + 3) * STEP_MS
          const stepMs = everySteps * STEP_MS
          const { value: matrix } = await engine.range(query, { startMs: 0, endMs, stepMs })
          const [series] = matrix.series
          for (let at = 0; at <= endMs; at += stepMs) {
            const alone = elements(now(engine.instant(query, at)))[0]?.[1]
            const index = series?.times.indexOf(at) ?? -1
            const moving = index === -1 ? undefined : series?.values[index]
            expect(areClose(moving, typeof alone === 'number' ? alone : undefined, values)).toBe(true)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** Sums in another order may part in the last digits of the largest number they saw. */
function areClose(moving: number | undefined, alone: number | undefined, values: readonly number[]): boolean {
  if (moving === undefined || alone === undefined || !Number.isFinite(alone)) return Object.is(moving, alone)
  const largest = Math.max(...values.filter(Number.isFinite).map(Math.abs), 1)
  return Math.abs(moving - alone) <= largest * 1e-12
}
