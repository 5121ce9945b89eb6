import { describe, expect, test } from 'vitest'

import { parseExpr } from '../../operations/index.ts'
import { treeOf } from './syntax-tree.ts'

const NO_SHIFT = { offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null }
const PLAIN = { ...NO_SHIFT, anchored: false, smoothed: false }

function selector(name: string, ...matchers: readonly unknown[]) {
  const own = { name: '__name__', value: name, type: '=' }
  return { type: 'vectorSelector', name, matchers: [...matchers, own], ...PLAIN }
}

// The shapes are those of Prometheus' web/api/v1/translate_ast_test.go.
describe('the tree of', () => {
  test.each([
    ['1.5', { type: 'numberLiteral', val: '1.5' }],
    ['"a"', { type: 'stringLiteral', val: 'a' }],
    ['-up', { type: 'unaryExpr', op: '-', expr: selector('up') }],
    ['(up)', { type: 'parenExpr', expr: selector('up') }],
    ['up{job!~"x"}', selector('up', { name: 'job', value: 'x', type: '!~' })],
    ['up offset -5m', { ...selector('up'), offset: -300_000 }],
    ['up @ 1.5', { ...selector('up'), timestamp: 1500 }],
    ['up @ end()', { ...selector('up'), startOrEnd: 'end' }],
    [
      'up[5m] offset 1m',
      { ...selector('up'), type: 'matrixSelector', range: 300_000, rangeExpr: null, offset: 60_000 },
    ],
    [
      'up[1h:1m] @ start()',
      {
        type: 'subquery',
        expr: selector('up'),
        range: 3_600_000,
        rangeExpr: null,
        step: 60_000,
        stepExpr: null,
        ...NO_SHIFT,
        startOrEnd: 'start',
      },
    ],
    [
      'topk by (job) (3, up)',
      {
        type: 'aggregation',
        op: 'topk',
        expr: selector('up'),
        param: { type: 'numberLiteral', val: '3' },
        grouping: ['job'],
        without: false,
      },
    ],
    [
      'round(up)',
      {
        type: 'call',
        func: { name: 'round', argTypes: ['vector', 'scalar'], variadic: 1, returnType: 'vector' },
        args: [selector('up')],
      },
    ],
    [
      'a / on (x) group_left (y) b',
      {
        type: 'binaryExpr',
        op: '/',
        lhs: selector('a'),
        rhs: selector('b'),
        matching: {
          card: 'many-to-one',
          labels: ['x'],
          on: true,
          include: ['y'],
          fillValues: { lhs: null, rhs: null },
        },
        bool: false,
      },
    ],
    [
      'a > bool 1',
      {
        type: 'binaryExpr',
        op: '>',
        lhs: selector('a'),
        rhs: { type: 'numberLiteral', val: '1' },
        matching: null,
        bool: true,
      },
    ],
  ])('%s', (text, tree) => {
    expect(treeOf(parseExpr(text))).toEqual(tree)
  })

  test('a length that depends on the query stands beside 0', () => {
    expect(treeOf(parseExpr('up[step() * 2]'))).toMatchObject({
      range: 0,
      rangeExpr: {
        type: 'durationExpr',
        op: '*',
        lhs: { type: 'durationExpr', op: 'step', lhs: null, rhs: null, wrapped: false },
        rhs: { type: 'numberLiteral', val: '2', duration: false },
        wrapped: false,
      },
    })
  })

  test.each([
    ['label_join(up, "a", "b")', -1],
    ['days_in_month()', 1],
    ['sort_by_label(up, "a")', -1],
    ['histogram_quantiles(up, "q", 0.5)', 9],
    ['abs(up)', 0],
  ])('%s says how many arguments may be left out', (text, variadic) => {
    expect(treeOf(parseExpr(text))).toMatchObject({ func: { variadic } })
  })
})
