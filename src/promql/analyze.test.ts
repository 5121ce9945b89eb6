import { describe, expect, test } from 'vitest'

import { isLocal, selectorsOf } from './analyze.ts'
import { parseExpr } from './syntax/parser.ts'

describe('isLocal', () => {
  test.each([
    'up == 0',
    'rate(errors_total[5m]) > 0.1',
    'sum by (target) (rate(errors_total[5m])) > 1',
    'sum by (target, code) (x) / on (target) group_left () sum by (target) (x)',
    'sum without (code) (x)',
    'lag > on (target) group_left () chainwarden_threshold{name="lag"}',
    'a and ignoring (code) b',
    'a + b',
    'topk by (target) (3, x)',
    'histogram_quantile(0.9, sum by (target, le) (rate(h_bucket[5m])))',
    'max_over_time(rate(x[5m])[1h:1m]) > 1',
    'label_replace(x, "a", "$1", "b", "(.*)")',
    'time() - last_seen_timestamp_seconds > 60',
    'x unless on (target) y',
    '-(x)',
  ])('%s says of a target only what its own series say', (text) => {
    expect(isLocal(parseExpr(text))).toBe(true)
  })

  test.each([
    'sum(x)',
    'sum by (job) (x)',
    'sum without (target) (x)',
    'x / on (job) group_left y',
    'x / ignoring (target) y',
    'x and on () y',
    'absent(up)',
    'absent_over_time(up[5m])',
    'topk(3, x)',
    'limitk(3, x)',
    'count_values("v", x)',
    'count_values by (target) ("target", x)',
    'scalar(x) > bool 1',
    'x > scalar(y)',
    'vector(1)',
    'x or vector(0)',
    'label_replace(x, "target", "$1", "b", "(.*)")',
    'label_join(x, "target", "-", "a", "b")',
    'x * on (job) group_left (target) y',
    'sum by (target) (sum(x) or y)',
    'quantile by (target) (scalar(y), x)',
    'y + (5 + scalar(x))',
    '1',
    'time()',
    'info(x)',
  ])('%s does not', (text) => {
    expect(isLocal(parseExpr(text))).toBe(false)
  })
})

describe('selectorsOf', () => {
  test('names every selector in the order of the text, with what stands around it', () => {
    const uses = selectorsOf(
      parseExpr('sum(rate(a{x="1"}[5m] offset 1h)) / on (t) info(b, {data=~".+"}) > max_over_time(c[1h:])'),
    )

    expect(uses.map(({ name, start, end }) => ({ name, start, end }))).toEqual([
      { name: 'a', start: 9, end: 17 },
      { name: 'b', start: 48, end: 49 },
      { name: 'c', start: 81, end: 82 },
    ])
    expect(uses[0]).toMatchObject({
      range: { kind: 'seconds', seconds: 300 },
      offset: { kind: 'seconds', seconds: 3600 },
      matchers: [{ name: 'x', operator: '=', value: '1' }, { name: '__name__' }],
    })
    expect(uses.map(({ path }) => path.map((expr) => expr.kind))).toEqual([
      ['binary', 'binary', 'aggregation', 'call', 'matrix'],
      ['binary', 'binary', 'call'],
      ['binary', 'call', 'subquery'],
    ])
  })
})
