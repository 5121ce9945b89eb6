import { describe, expect, test } from 'vitest'

import { celValueOf, compileCel } from './cel.ts'

const WEI = '123456789012345678901234567890'

const event = {
  type: 'evm.log',
  name: 'Failed',
  target: 'bridge',
  labels: { team: '7' },
  block: { number: 100n, time: 1_700_000_000_000 },
  args: celValueOf({
    tx_id: '0xab',
    amount: WEI,
    small: '9',
    big: '10',
    negative: '-5',
    reason: 'out of gas',
    zeros: '007',
    ratio: 0.5,
    code: 3,
    paused: true,
    nothing: null,
    ids: ['1', '2'],
    nested: { deep: '42' },
  }),
}

function test1(text: string): boolean {
  return compileCel(text).test(event)
}

describe('where', () => {
  test.each([
    ['event.name == "Failed" && event.target == "bridge"', true],
    ['event.args.tx_id == "0xab"', true],
    ['event.args["tx_id"] == "0xab"', true],
    ['event.args.paused', true],
    ['event.args.nothing == null', true],
    ['event.labels.team == "7"', true],
    ['event.args.reason.contains("gas")', true],
    ['re(event.args.reason, "^out of")', true],
    ['re(event.args.reason, "^of")', false],
    ['event.args.ratio * 2 >= 1.0', true],
    ['event.args.code + 1 == 4.0', true],
    ['event.args.code / 2 == 1.5', true],
    ['event.args.ids.exists(id, id == 2)', true],
    ['event.args.ids.all(id, event.args.ids.exists(other, other == id))', true],
  ])('%s is %s', (text, expected) => {
    expect(test1(text)).toBe(expected)
  })

  test.each([
    ['event.args.small < event.args.big', true],
    [`event.args.amount == ${WEI}`, true],
    [`event.args.amount == "${WEI}"`, true],
    [`event.args.amount > 1000000000000000000`, true],
    ['event.args.amount / 1000000000000000000 > 100', true],
    ['event.args.negative < 0', true],
    ['event.args.negative == "-5"', true],
    ['event.args.small != "8"', true],
    ['event.args.nested.deep == 42', true],
    ['event.args.zeros == "007"', true],
    ['event.args.small in [8, 9]', true],
    ['"nr " + event.args.small == "nr 9"', true],
    ['event.args.amount.startsWith("1234") && size(event.args.small) == 1', true],
    ['re(event.args.small, "^[0-9]$")', true],
    ['event.block.number >= 100', true],
  ])('integers: %s is %s', (text, expected) => {
    expect(test1(text)).toBe(expected)
  })

  test.each([
    'event.args.missing == "x"',
    '!(event.args.missing == "x")',
    'event.tx.hash == "0x"',
    'event.args.ids[5] == 1',
    'event.args.missing == "x" && true',
  ])('%s is false, because the event has no such thing', (text) => {
    expect(test1(text)).toBe(false)
  })

  test('what is missing does not hide what decides', () => {
    expect(test1('event.args.missing == "x" || event.name == "Failed"')).toBe(true)
  })

  test.each([
    ['event.args.reason > 5', /no such overload/],
    ['event.args.amount * 1000000000000 > 0', /overflow/],
    ['1 / (event.args.small - event.args.small) > 0', /^division by zero/],
    ['event.name', /gave string, but it must be true or false/],
    ['re(event.name, event.args.reason + "(")', /./],
  ])('%s cannot be answered', (text, reason) => {
    expect(() => test1(text)).toThrow(reason)
  })

  test('says which attributes it reads', () => {
    const { attributes } = compileCel(
      'event.args["a"].b == event.name && has(event.args.c) && event.args.l.exists(x, x == 1)',
    )

    expect(attributes).toEqual([['args', 'a', 'b'], ['name'], ['args', 'c'], ['args', 'l']])
  })
})

describe('what is refused before any event', () => {
  test.each([
    ['event.name.matches("(a+)+$")', /^matches\(\) is not offered.*re\(text, pattern\)/],
    ['matches(event.name, "a")', /^matches\(\) is not offered/],
    ['event.args.l.exists(x, x.matches("a"))', /^matches\(\) is not offered/],
    ['re(event.name, "(")', /^"\(" is no RE2 expression/],
    ['event.name ==', /^unexpected token: EOF \(at character 14\)$/],
    ['evnt.name == "a"', /^unknown variable: evnt \(at character 1\)$/],
    ['1 + 1', /gives int, but it must be true or false/],
    ['"a" - 1 == 2', /^no such overload: string - int/],
    ['event.args.x in ["5", "6"]', /^write 5 without quotes/],
    ['"5" in event.args.ids', /^write 5 without quotes/],
    [
      'event.a.exists(x, event.a.exists(y, event.a.exists(z, x == y && y == z)))',
      /^more than 2 loops .* within each other are too slow$/,
    ],
    [`${'('.repeat(60)}true${')'.repeat(60)}`, /^the expression is too large$/],
    [Array.from({ length: 300 }, () => 'event.a').join(' && '), /^the expression is too large$/],
    [`event.name == "${'x'.repeat(4_000)}"`, /^the expression has more than 4000 characters$/],
  ])('%s', (text, reason) => {
    expect(() => compileCel(text)).toThrow(reason)
  })
})
