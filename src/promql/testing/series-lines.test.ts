import { describe, expect, test } from 'vitest'

import { parseSeriesLine } from './series-lines.ts'

describe('parseSeriesLine', () => {
  test.each([
    ['m 1 2.5 -3', [1, 2.5, -3]],
    ['m 1+2x3', [1, 3, 5, 7]],
    ['m 1-2x2', [1, -1, -3]],
    ['m 4x2', [4, 4, 4]],
    ['m _ 1 _x2 stale', ['gap', 1, 'gap', 'gap', 'stale']],
    ['m Inf -Inf NaN 1e3', [Infinity, -Infinity, NaN, 1000]],
    ['m {{schema:1 sum:1}}x1 2', ['native', 'native', 2]],
    ['m', []],
  ])('%s', (line, points) => {
    expect(parseSeriesLine(line)).toEqual({ labels: { __name__: 'm' }, isStarts: false, points })
  })

  test.each([
    ['m{a="b", c="d e"} 1', { __name__: 'm', a: 'b', c: 'd e' }],
    ['{a="b"} 1', { a: 'b' }],
    ['m{} 1', { __name__: 'm' }],
    ['{} 1', {}],
  ])('the labels of %s', (line, labels) => {
    expect(parseSeriesLine(line).labels).toEqual(labels)
  })

  test.each(['m two', 'm 1+2', 'm{a=1} 1', 'm 1x', '"m" 1'])('%s cannot be read', (line) => {
    expect(() => parseSeriesLine(line)).toThrow(/./)
  })
})
