import { expect, test } from 'vitest'

import { parseExpr } from './parser.ts'
import { prettyExpr } from './pretty.ts'

const LONG = 'a_metric_with_a_name_that_is_rather_long_total{job="something", instance=~"some.*thing"}'

// As promtool promql format breaks them.
test.each([
  ['sum(up)by(job)>1', 'sum by (job) (up) > 1'],
  [`rate(${LONG}[5m]) > 100000000`, `  rate(${LONG.replace(', ', ',')}[5m])\n>\n  100000000`],
  [`sum without(le) (rate(${LONG}[5m]))`, `sum without (le) (\n  rate(${LONG.replace(', ', ',')}[5m])\n)`],
  [`topk(3, rate(${LONG}[5m]))`, `topk(\n  3,\n  rate(${LONG.replace(', ', ',')}[5m])\n)`],
  [`(${LONG} + up{a="b"})`, `(\n  ${LONG.replace(', ', ',')} + up{a="b"}\n)`],
  [`(${LONG} + up{a="bcdef"})`, `(\n    ${LONG.replace(', ', ',')}\n  +\n    up{a="bcdef"}\n)`],
  [`-sum(rate(${LONG}[5m]))`, `-sum(\n  rate(${LONG.replace(', ', ',')}[5m])\n)`],
])('%s', (text, expected) => {
  expect(prettyExpr(parseExpr(text))).toBe(expected)
})

test('what was broken means the same', () => {
  const text = `histogram_quantile(0.9, sum by (le) (rate(${LONG}[5m]))) / on (job) group_left () (max(up) or vector(1))`
  const broken = prettyExpr(parseExpr(text))

  expect(broken.split('\n').length).toBeGreaterThan(5)
  expect(prettyExpr(parseExpr(broken))).toBe(broken)
})
