import { describe, expect, test } from 'vitest'

import { ConfigError } from '../../lib/errors.ts'
import { createQueryEngine, formatExpr, parseExpr, parseSeriesLine } from '../../promql/index.ts'
import { parseRuleFile } from '../rule-file.ts'
import type { History, HistorySeries } from './history.ts'
import { createMemorySeries, type MemorySeries } from './memory-series.ts'
import { needsOf } from './needs.ts'
import { type Replayed, type ReplayOptions, replayRules } from './replay.ts'

const clock = { monotonic: () => 0, yield: async () => Promise.resolve() }
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** What a Prometheus with these samples answers to a range selector and to a subquery. */
function historyOf(series: MemorySeries): History {
  const engine = createQueryEngine({
    source: series,
    limits: { samples: 1e9, steps: 1e6, timeMs: 1e6 },
    clock,
    defaultSubqueryStepMs: MINUTE,
  })
  const ask = async (expr: string, atMs: number): Promise<readonly HistorySeries[]> => {
    const { value } = await engine.instant(parseExpr(expr), atMs)
    const found = value.type === 'matrix' ? value.series : []
    return found.map(({ labels, times, values }) => ({ labels, times: [...times], values: [...values] }))
  }
  return {
    raw: async (selector, fromMs, toMs) => ask(`${selector}[${toMs - fromMs}ms]`, toMs),
    steps: async (selector, { fromMs, toMs, stepMs }) => ask(`${selector}[${toMs - fromMs}ms:${stepMs}ms]`, toMs),
  }
}

/** A sample a minute from 0. */
function recorded(...lines: readonly string[]): MemorySeries {
  const series = createMemorySeries()
  for (const { labels, points } of lines.map(parseSeriesLine)) {
    for (const [index, point] of points.entries()) {
      if (point !== 'gap' && point !== 'native') series.add(labels, index * MINUTE, point)
    }
  }
  return series
}

async function replay(rules: string, series: MemorySeries, more: Partial<ReplayOptions> = {}): Promise<Replayed> {
  return replayRules({
    groups: parseRuleFile(`groups: [{ name: g, interval: 1m, rules: [${rules}] }]`, 'rules.yml'),
    history: historyOf(series),
    fromMs: 0,
    toMs: 3 * HOUR,
    defaultIntervalMs: MINUTE,
    externalLabels: {},
    externalUrl: '',
    clock,
    ...more,
  })
}

const minutes = ({ timeline }: Replayed) =>
  timeline.map(({ activeAt, firedAt, endedAt }) =>
    [activeAt, firedAt, endedAt].map((at) => (at === undefined ? undefined : at / MINUTE)),
  )

const DOWN = '{ alert: Down, expr: up == 0, for: 5m, annotations: { summary: "{{ $labels.job }} is down" } }'

describe('the timeline', () => {
  test('says when an alert began, when it would have been told, and when it was over', async () => {
    const replayed = await replay(DOWN, recorded('up{job="a"} 1x9 0x9 1x180'))

    expect(replayed.timeline).toEqual([
      {
        file: 'rules.yml',
        group: 'g',
        alert: 'Down',
        labels: { job: 'a' },
        annotations: { summary: 'a is down' },
        activeAt: 10 * MINUTE,
        firedAt: 15 * MINUTE,
        endedAt: 20 * MINUTE,
        value: 0,
      },
    ])
  })

  test('names what did not last as long as its for, and would have been told to nobody', async () => {
    expect(minutes(await replay(DOWN, recorded('up 1x9 0x2 1x180')))).toEqual([[10, undefined, 13]])
  })

  test('an alert that is still true at the end has none', async () => {
    expect(minutes(await replay(DOWN, recorded('up 1x169 0x60')))).toEqual([[170, 175, undefined]])
  })

  test('what was true before the beginning is known from then on, and what was over by then is not told', async () => {
    const series = recorded('up 1x50 0x3 1x2 0x62 1x180')

    expect(minutes(await replay(DOWN, series, { fromMs: 62 * MINUTE }))).toEqual([[58, 63, 121]])
    expect(minutes(await replay(DOWN, series, { fromMs: 130 * MINUTE }))).toEqual([])
  })

  test('spells lie in the order of their beginning, also over several stretches of reading', async () => {
    const series = recorded('up{job="a"} 1x69 0x80 1x60', 'up{job="b"} 1x9 0x9 1x39 0x9 1x180')

    expect(minutes(await replay(DOWN, series))).toEqual([
      [10, 15, 20],
      [60, 65, 70],
      [70, 75, 151],
    ])
  })
})

describe('what the rules read', () => {
  test('a series that ended is over at once, not when five minutes have passed', async () => {
    const withMarker = recorded('up 1x9 0x9 stale')
    const without = recorded('up 1x9 0x9')

    expect(minutes(await replay('{ alert: A, expr: up == 0 }', withMarker))).toEqual([[10, 10, 20]])
    expect(minutes(await replay('{ alert: A, expr: up == 0 }', without))).toEqual([[10, 10, 24]])
  })

  test('a series may end and begin again, on both sides of a stretch', async () => {
    const series = recorded('up 0x58 stale 0x5 stale _x3 0x9 stale')

    expect(minutes(await replay('{ alert: A, expr: up == 0 }', series))).toEqual([
      [0, 0, 59],
      [60, 60, 66],
      [70, 70, 80],
    ])
  })

  test('rules read what rules before them record, and not what was recorded under that name', async () => {
    const series = recorded('x 1x30 7x180', 'twice 9x240')
    const rules =
      '{ record: twice, expr: x * 2 }, { alert: A, expr: twice == 14 }, { alert: B, expr: "ALERTS{alertname=\\"A\\"}" }'

    expect((await replay(rules, series)).timeline.map(({ alert, activeAt }) => [alert, activeAt / MINUTE])).toEqual([
      ['A', 31],
      ['B', 31],
    ])
  })

  test('windows, offsets and subqueries reach back before the beginning', async () => {
    const series = recorded('c 0x59 1+1x180')
    const rules = [
      '{ alert: Window, expr: "increase(c[1h]) < 0.5" }',
      '{ alert: Offset, expr: "c offset 1h == 0" }',
      '{ alert: Subquery, expr: "max_over_time((c > 0)[1h:1m] offset 30m) < 2" }',
    ].join(', ')
    const { timeline } = await replay(rules, series, { fromMs: 62 * MINUTE, toMs: 130 * MINUTE })

    expect(timeline.map(({ alert, activeAt, endedAt = 0 }) => [alert, activeAt / MINUTE, endedAt / MINUTE])).toEqual([
      ['Offset', 62, 120],
      ['Subquery', 90, 91],
    ])
  })

  test.each([
    ['up == 0', [['up', 5, 0, true]]],
    ['rate(x[1h] offset 1d)', [['x', 1500, 0, false]]],
    ['x offset -10m', [['x', 5, 10, true]]],
    ['max_over_time(rate(x[5m])[1h:2m])', [['x', 67, 0, false]]],
    ['rate(x[5m * 2])', [['x', 10, 0, false]]],
    ['x{a="b"} @ end()', [['x{a="b"}', 5, 0, true]]],
    [
      'info(x)',
      [
        ['x', 5, 0, true],
        ['target_info', 5, 0, true],
      ],
    ],
    ['rate(x[5m] smoothed)', [['x', 10, 5, false]]],
  ])('%s', (expr, needs) => {
    const found = needsOf(parseExpr(expr), MINUTE).map(({ selector, backMs, aheadMs, isInstant }) => [
      selector,
      backMs / MINUTE,
      aheadMs / MINUTE,
      isInstant,
    ])

    expect(found).toEqual(needs)
  })

  test('a rule that reads at a fixed time cannot be replayed, and is named with its line', async () => {
    await expect(replay('{ alert: A, expr: up @ 100 == 0 }', recorded())).rejects.toThrow(
      /rules\.yml:1: A: .*fixed time/,
    )
  })
})

describe('limits and failures', () => {
  test('a rule that fails is told once, with how often', async () => {
    const series = recorded('a{j="1"} 1x180', 'b{j="1",k="1"} 1x180', 'b{j="1",k="2"} 1x180')
    const { failures, evaluations } = await replay(
      '{ record: x, expr: "a + on (j) b" }, { record: y, expr: a }',
      series,
    )

    expect(failures).toMatchObject([{ rule: 'x', atMs: 0, count: 181 }])
    expect(evaluations).toBe(362)
  })

  test('more evaluations than can be waited for are refused at once', async () => {
    await expect(replay(DOWN, recorded(), { toMs: 1e15 })).rejects.toThrow(ConfigError)
  })

  test('progress goes up to 1', async () => {
    const told: number[] = []
    await replay(DOWN, recorded(), { onProgress: (done) => told.push(done) })

    expect(told.length).toBeGreaterThan(1)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBe(1)
  })

  test('only as much as the rules reach back to is held', async () => {
    const stored = recorded('up 1x600', 'other 1x600')
    const asked: string[] = []
    const history = historyOf(stored)
    await replay('{ alert: A, expr: "rate(up[10m]) == 1" }', stored, {
      toMs: 10 * HOUR,
      history: {
        raw: async (selector, fromMs, toMs) => {
          asked.push(`${formatExpr(parseExpr(selector))} ${fromMs / MINUTE} ${toMs / MINUTE}`)
          return history.raw(selector, fromMs, toMs)
        },
        steps: async () => Promise.reject(new Error('nobody reads at an instant')),
      },
    })

    expect(asked.slice(0, 2)).toEqual(['up -10 60', 'up 60 120'])
    expect(asked).toHaveLength(10)
  })
})

test('series in memory forget what is older, and then the series', () => {
  const series = recorded('a 1x5', 'b 1x1')
  const before = series.generation
  series.trim(3 * MINUTE)

  expect(series.size).toBe(3)
  expect(series.select([]).map(({ labels }) => labels)).toEqual([{ __name__: 'a' }])
  expect(series.generation).toBeGreaterThan(before)
})
