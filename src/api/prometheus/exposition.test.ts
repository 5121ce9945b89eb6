import { describe, expect, test } from 'vitest'

import { exposition } from './exposition.ts'
import { formatValue } from './value.ts'

describe('formatValue', () => {
  test.each([
    [1, '1'],
    [0.1, '0.1'],
    [1e21, '1000000000000000000000'],
    [1.5e-7, '0.00000015'],
    [-2.25e22, '-22500000000000000000000'],
    [123456789.5e15, '123456789500000000000000'],
    [-0, '-0'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [5e-324, `0.${'0'.repeat(323)}5`],
  ])('%d is printed without an exponent as %s', (value, text) => {
    expect(formatValue(value)).toBe(text)
  })

  test('reads back as the same number', () => {
    for (const value of [1 / 3, 2 ** 70, 1e-9 / 7, 123456.789e20]) expect(Number(formatValue(value))).toBe(value)
  })
})

const TABLE = {
  a_total: { type: 'counter', help: 'What is\ncounted.' },
  h_seconds: { type: 'histogram', help: 'How long.' },
} as const

const SAMPLES = [
  { labels: { __name__: 'h_seconds_bucket', le: '+Inf' }, value: 2, time: 0 },
  { labels: { __name__: 'a_total', kind: 'x"y\\z\n' }, value: 3, time: 0 },
  { labels: { __name__: 'h_seconds_sum' }, value: 0.5, time: 0 },
  { labels: { __name__: 'strange' }, value: NaN, time: 0 },
]

describe('exposition', () => {
  test('groups families, types them and escapes what must be escaped', () => {
    expect([...exposition(SAMPLES, TABLE, { isOpenMetrics: false })].join('')).toBe(
      [
        '# HELP a_total What is\\ncounted.',
        '# TYPE a_total counter',
        'a_total{kind="x\\"y\\\\z\\n"} 3',
        '# HELP h_seconds How long.',
        '# TYPE h_seconds histogram',
        'h_seconds_bucket{le="+Inf"} 2',
        'h_seconds_sum 0.5',
        '# TYPE strange untyped',
        'strange NaN',
        '',
      ].join('\n'),
    )
  })

  test('OpenMetrics names a counter without _total, ends with EOF and calls the untyped unknown', () => {
    const text = [...exposition(SAMPLES, TABLE, { isOpenMetrics: true })].join('')

    expect(text).toContain('# TYPE a counter\na_total{')
    expect(text).toContain('# TYPE strange unknown\n')
    expect(text.endsWith('# EOF\n')).toBe(true)
  })

  test('a histogram is written series by series, its buckets by their bound, then sum and count', () => {
    const samples = [
      { labels: { __name__: 'h_seconds_count', part: 'b' }, value: 6, time: 0 },
      { labels: { __name__: 'h_seconds_bucket', le: '+Inf', part: 'a' }, value: 3, time: 0 },
      { labels: { __name__: 'h_seconds_bucket', le: '10', part: 'a' }, value: 2, time: 0 },
      { labels: { __name__: 'h_seconds_bucket', le: '+Inf', part: 'b' }, value: 6, time: 0 },
      { labels: { __name__: 'h_seconds_sum', part: 'a' }, value: 9, time: 0 },
      { labels: { __name__: 'h_seconds_bucket', le: '2.5', part: 'b' }, value: 5, time: 0 },
      { labels: { __name__: 'h_seconds_bucket', le: '2.5', part: 'a' }, value: 1, time: 0 },
      { labels: { __name__: 'h_seconds_count', part: 'a' }, value: 3, time: 0 },
      { labels: { __name__: 'h_seconds_sum', part: 'b' }, value: 19, time: 0 },
    ]

    const lines = [...exposition(samples, TABLE, { isOpenMetrics: true })].join('').split('\n')

    expect(lines.slice(2, -2)).toEqual([
      'h_seconds_bucket{le="2.5",part="b"} 5',
      'h_seconds_bucket{le="+Inf",part="b"} 6',
      'h_seconds_sum{part="b"} 19',
      'h_seconds_count{part="b"} 6',
      'h_seconds_bucket{le="2.5",part="a"} 1',
      'h_seconds_bucket{le="10",part="a"} 2',
      'h_seconds_bucket{le="+Inf",part="a"} 3',
      'h_seconds_sum{part="a"} 9',
      'h_seconds_count{part="a"} 3',
    ])
  })

  test('names beyond letters, digits and underscores are quoted for who takes that, and flattened for others', () => {
    const samples = [{ labels: { __name__: '2.my.metric_total', 'a.label': 'x' }, value: 1, time: 0 }]
    const table = { '2.my.metric_total': { type: 'counter', help: 'Mine.' } } as const

    expect([...exposition(samples, table, { isOpenMetrics: true, takesUtf8: true })].join('')).toBe(
      '# HELP "2.my.metric" Mine.\n# TYPE "2.my.metric" counter\n{"2.my.metric_total","a.label"="x"} 1\n# EOF\n',
    )
    expect([...exposition(samples, {}, { isOpenMetrics: false })].join('')).toBe(
      '# TYPE __my_metric_total untyped\n__my_metric_total{a_label="x"} 1\n',
    )
  })

  test('to OpenMetrics a counter without _total is unknown, as its samples cannot be a counter', () => {
    const samples = [{ labels: { __name__: 'odd' }, value: 1, time: 0 }]
    const table = { odd: { type: 'counter', help: 'Says "odd".' } } as const

    expect([...exposition(samples, table, { isOpenMetrics: true })].join('')).toBe(
      '# HELP odd Says \\"odd\\".\n# TYPE odd unknown\nodd 1\n# EOF\n',
    )
  })
})
