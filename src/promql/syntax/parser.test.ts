import { parser as lezer } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'

import { PromqlError } from '../errors.ts'
import { typeOf } from './check.ts'
import { parseExpr } from './parser.ts'
import { formatExpr } from './printer.ts'

function faultOf(text: string): PromqlError {
  try {
    parseExpr(text)
  } catch (error) {
    if (error instanceof PromqlError) return error
    throw error
  }
  throw new Error(`${text} was accepted`)
}

/** What is written, and how it is printed; equal unless the second is given. */
const VALID: readonly (readonly [string, string?])[] = [
  ['up'],
  ['1'],
  ['1.', '1'],
  ['.5', '0.5'],
  ['0x1f', '31'],
  ['1e21', '1e+21'],
  ['1_000', '1000'],
  ['5m'],
  ['-5', '-5'],
  ['+Inf'],
  ['inf', '+Inf'],
  ['NaN'],
  ['"a\\n\\u00e9"', '"a\\né"'],
  ['`raw\\n`', '"raw\\\\n"'],
  ['up{job="a", instance=~"b.*"}', 'up{job="a",instance=~"b.*"}'],
  ['{"my.metric", "a.b"="c"}', '{"my.metric","a.b"="c"}'],
  ['{__name__="up"}', 'up'],
  ['foo:bar:rate5m'],
  ['rate(up[5m])'],
  ['rate(up[300])', 'rate(up[5m])'],
  ['up offset 5m'],
  ['up offset -5m'],
  ['up @ 1.5 offset 1h', 'up @ 1.500 offset 1h'],
  ['up offset 1h @ start()', 'up @ start() offset 1h'],
  ['rate(up[5m] @ end() offset 1m)'],
  ['max_over_time(rate(up[5m])[1h:1m])'],
  ['max_over_time(up[1h:] offset 1d)', 'max_over_time(up[1h:] offset 1d)'],
  ['rate(up[5m] anchored)'],
  ['up smoothed'],
  ['up offset step()'],
  ['rate(up[step() * 2 + 1m])'],
  ['rate(up[max_of(step(), 1m)])'],
  ['sum(up) by (job)', 'sum by (job) (up)'],
  ['sum without (a, "b.c") (up)', 'sum without (a, "b.c") (up)'],
  ['topk(5, up)'],
  ['count_values("v", up)'],
  ['-up ^ 2'],
  ['(-up) ^ 2'],
  ['a + on (x, y) group_left (z) b'],
  ['a == bool b'],
  ['a / ignoring (x) group_right b', 'a / ignoring (x) group_right () b'],
  ['a + fill(0) b', 'a + fill (0) b'],
  ['a + on (x) fill_left(1) fill_right(-2) b', 'a + on (x) fill_left (1) fill_right (-2) b'],
  ['a and on () b', 'a and on () b'],
  ['a or b unless c and d'],
  ['A AND B', 'A and B'],
  ['sum + offset', 'sum + offset'],
  ['fill + fill(0) fill', 'fill + fill (0) fill'],
  ['time() % 60'],
  ['info(up, {data=~".*"})'],
  ['# a comment\nup # another'.replace('#', '#'), 'up'],
  ['1 atan2 2'],
]

/** What is wrong, where (offset), and what the sentence must say. */
const INVALID: readonly (readonly [string, number, RegExp])[] = [
  ['', 0, /empty/],
  ['up{', 3, /label name/],
  ['up{job="a"', 10, /"}"/],
  ['up{job=="a"}', 6, /write = \(not ==\)/],
  ['up{job=a}', 7, /in quotes/],
  ['up{job=~"("}', 8, /regular expression/],
  ['{}', 0, /every series/],
  ['{job=~".*"}', 0, /every series/],
  ['up{__name__="x"}', 0, /twice/],
  ['rate(up)', 5, /add a range/],
  ['rate(sum(up))', 5, /subquery/],
  ['sum(up[5m])', 4, /range vector/],
  ['sum(1)', 4, /vector\(\.\.\.\)/],
  ['rate(up[5m], 1)', 0, /1 argument, not 2/],
  ['label_replace(up, "a")', 0, /at least|5 arguments/],
  ['ratee(up[5m])', 0, /did you mean rate\(\)/],
  ['topk(up)', 0, /two arguments/],
  ['1 == 2', 0, /bool/],
  ['up + bool 1', 5, /comparisons only/],
  ['1 and up', 0, /vector/],
  ['up and on (a) group_left () up', 14, /many to many/],
  ['a * on (x) group_left (x) b', 11, /matched on already/],
  ['up + on (a) 1', 0, /scalar needs none/],
  ['up[5m', 5, /"]"/],
  ['up[5m][5m]', 6, /subquery/],
  ['sum(up)[5m]', 7, /subquery/],
  ['up offset', 9, /duration/],
  ['sum(up) offset 5m', 8, /follows a selector/],
  ['up offset 5m offset 1m', 13, /twice/],
  ['up @ foo', 5, /seconds/],
  ['up 5', 3, /operator missing/],
  ['up = 1', 3, /==/],
  ['up)', 2, /closes nothing/],
  ['"abc', 0, /never ends/],
  ['"a\\q"', 2, /escape/],
  ['5m1h', 0, /large to small/],
  ['1.5m', 0, /number like/],
  ['up && up', 3, /and/],
  ['-"a"', 1, /instant vector/],
  ['"a" + 1', 0, /not on a string/],
  ['up >/ 1', 3, /native histograms/],
  ['up\n  + +\n  )', 11, /expected an expression/],
  ['sum by (a.b) (up)', 9, /in quotes/],
  ['up[0x]', 3, /number/],
  ['1[5m:]', 0, /scalar/],
  [`a${' + a'.repeat(1100)}`, 4002, /more than 1000 operators/],
  [`${'-'.repeat(5000)}1`, 200, /deeper/],
  [`${'('.repeat(300)}1${')'.repeat(300)}`, 200, /deeper/],
]

describe('parseExpr', () => {
  test.each(VALID)('reads %s', (text = '', printed = text) => {
    expect(formatExpr(parseExpr(text))).toBe(printed)
    expect(formatExpr(parseExpr(printed))).toBe(printed)
  })

  test.each(INVALID)('refuses %j at %i', (text, position, message) => {
    const fault = faultOf(text)

    expect(fault.message).toMatch(message)
    expect({ position: fault.position, reason: fault.reason }).toEqual({ position, reason: 'parse' })
  })

  test.each([
    ['-2 ^ 2', '-(2 ^ 2)'],
    ['-a * b', '(-a) * b'],
    ['2 ^ 3 ^ 2', '2 ^ (3 ^ 2)'],
    ['a + b * c', 'a + (b * c)'],
    ['a - b - c', '(a - b) - c'],
    ['a or b and c', 'a or (b and c)'],
    ['a == b + c', 'a == (b + c)'],
    ['a > b or c', '(a > b) or c'],
    ['a offset 5m ^ 2', '(a offset 5m) ^ 2'],
  ])('%s means %s', (text, grouped) => {
    expect(shape(text)).toBe(shape(grouped))
  })

  test.each([
    ['up', 'vector'],
    ['up[5m]', 'matrix'],
    ['up[5m:]', 'matrix'],
    ['1 + 2', 'scalar'],
    ['1 + up', 'vector'],
    ['"a"', 'string'],
    ['scalar(up)', 'scalar'],
  ])('%s is a %s', (text, type) => {
    expect(typeOf(parseExpr(text))).toBe(type)
  })

  test('a name of any characters survives printing', () => {
    const text = '{"büro \\"1\\"","label with space"="x"}'

    expect(formatExpr(parseExpr(text))).toBe(text)
  })
})

/** The tree without parentheses and places. */
function shape(text: string): string {
  return JSON.stringify(parseExpr(text), (key, value: unknown) =>
    key === 'start' || key === 'end' || key === 'text' ? undefined : unparen(value),
  )
}

function unparen(value: unknown): unknown {
  const isParen = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'paren'
  return isParen && 'expr' in value ? unparen(value.expr) : value
}

describe("Prometheus' own grammar", () => {
  /** Where its editor grammar is known to be behind Prometheus itself. */
  const BEHIND = new Set(['1.', 'rate(up[max_of(step(), 1m)])', 'sum + offset'])

  test.each(VALID.map(([text]) => text).filter((text) => !BEHIND.has(text)))('accepts what we accept: %s', (text) => {
    expect(hasError(text)).toBe(false)
  })

  test.each(['up{', 'up{job=a}', 'up[5m', 'up offset', 'up 5', 'up)', 'sum by (a) up', 'rate(', '1 +'])(
    'refuses what we refuse: %s',
    (text) => {
      expect(hasError(text)).toBe(true)
      expect(faultOf(text).reason).toBe('parse')
    },
  )
})

function hasError(text: string): boolean {
  let isBroken = false
  lezer.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) isBroken = true
    },
  })
  return isBroken
}
