import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatFloat } from './float.ts'
import { sprintf } from './printf.ts'
import { goStruct } from './value.ts'

describe('printf', () => {
  test.each<readonly [string, readonly unknown[], string]>([
    ['plain', [], 'plain'],
    ['%%', [], '%'],
    ['%v %v %v %v', ['a', 1n, 1.5, true], 'a 1 1.5 true'],
    ['%v %s %d', [null, null, null], '<nil> %!s(<nil>) %!d(<nil>)'],
    ['%s|%5s|%-5s|%.2s|%5.1s|', ['ab', 'ab', 'ab', 'abc', 'abc'], 'ab|   ab|ab   |ab|    a|'],
    ['%3s|%-3s|', ['é', '日'], '  é|日  |'],
    ['%q %q %#q', ['a"b\n\t\u0001é\u200b', 'x', 'raw'], '"a\\"b\\n\\t\\x01é\\u200b" "x" `raw`'],
    ['%x %X %x % x %#x', ['hi', 'hi', 'é', 'abc', 'hi'], '6869 6869 c3a9 61 62 63 0x6869'],
    ['%d|%5d|%-5d|%05d|%+d|% d', [42n, 42n, 42n, 42n, 42n, 42n], '42|   42|42   |00042|+42| 42'],
    ['%05d|%-05d|%+05d', [-42n, -42n, 42n], '-0042|-42  |+0042'],
    ['%.5d|%8.5d|%08.5d', [42n, 42n, 42n], '00042|   00042|   00042'],
    ['%b %o %O %x %X %#x %#b %#o', [5n, 8n, 8n, 255n, 255n, 255n, 5n, 8n], '101 10 0o10 ff FF 0xff 0b101 010'],
    ['%c %q %U', [233n, 10n, 233n], "é '\\n' U+00E9"],
    ['%d', [2n ** 70n], '1180591620717411303424'],
    [
      '%f %.2f %.0f %8.3f|%-8.1f|%08.2f',
      [2.34567, 2.34567, 2.5, 2.34567, 2.25, -2.34567],
      '2.345670 2.35 2    2.346|2.2     |-0002.35',
    ],
    [
      '%e %.1e %E %g %G %.3g %.10g',
      [123456.789, 0.00012, 1e100, 1e-7, 1e-7, 1234.5, 1234.5],
      '1.234568e+05 1.2e-04 1.000000E+100 1e-07 1E-07 1.23e+03 1234.5',
    ],
    [
      '%v %v %v %f %5.1f|%05.1f|',
      [Infinity, -Infinity, NaN, Infinity, NaN, Infinity],
      '+Inf -Inf NaN +Inf   NaN| +Inf|',
    ],
    ['%+v %+.1f % .1f', [1.5, 1.5, 1.5], '1.5 +1.5  1.5'],
    ['%t %5t %v', [true, false, true], 'true false true'],
    [
      '%T %T %T %T %T %T',
      ['a', 1n, 1.5, true, [], {}],
      'string int float64 bool []interface {} map[string]interface {}',
    ],
    ['%v %d %s %q', [['a', 1n], [1n, 2n], ['a', 'b'], ['a']], '[a 1] [1 2] [a b] ["a"]'],
    ['%v %d', [{ b: 1n, a: 2n }, { x: 1n }], 'map[a:2 b:1] map[%!d(string=x):1]'],
    ['%v %+v', [goStruct({ A: 1n, B: 'x' }), goStruct({ A: 1n, B: 'x' })], '{1 x} {A:1 B:x}'],
    ['%s %v', [goStruct({}, { text: () => 'spoken' }), goStruct({}, { text: () => 'spoken' })], 'spoken spoken'],
    ['%*d|%-*d|%.*f', [5n, 42n, 5n, 42n, 1n, 2.55], '   42|42   |2.5'],
    ['%[2]s %[1]s %s', ['a', 'b'], 'b a b'],
    ['%[3]s', ['a'], '%!s(BADINDEX)'],
    // faults stand in the text
    ['%d %s %t %f', ['a', 1n, 'x', 1n], '%!d(string=a) %!s(int=1) %!t(string=x) %!f(int=1)'],
    ['%d', [], '%!d(MISSING)'],
    ['%s', ['a', 1n, null], 'a%!(EXTRA int=1, <nil>)'],
    ['100%', [], '100%!(NOVERB)'],
    ['%z %!', [1n, 2n], '%!z(int=1) %!!(int=2)'],
    ['%*d', ['x', 1n], '%!(BADWIDTH)1'],
    ['%9999999d', [1n], '%!(BADWIDTH)1'],
  ])('%s', (format, values, expected) => {
    expect(sprintf(format, values)).toBe(expected)
  })

  test('whatever the format and the values, it is text', () => {
    const value = fc.oneof(
      fc.string(),
      fc.bigInt(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string()),
    )
    const format = fc
      .array(
        fc.constantFrom(
          '%',
          '+',
          '-',
          '0',
          '#',
          ' ',
          '.',
          '*',
          '[1]',
          '[9]',
          '12',
          'd',
          's',
          'v',
          'q',
          'x',
          'f',
          'g',
          'é',
        ),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(format, fc.array(value), (text, values) => {
        expect(sprintf(text, values)).toBeTypeOf('string')
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('floats', () => {
  test.each<readonly [number, string]>([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [100_000, '100000'],
    [123_456, '123456'],
    [1_000_000, '1e+06'],
    [1_234_567, '1.234567e+06'],
    [123_456_789, '1.23456789e+08'],
    [1e20, '1e+20'],
    [1e21, '1e+21'],
    [0.1, '0.1'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [0.1 + 0.2, '0.30000000000000004'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [99.99, '99.99'],
  ])('%d prints as %s', (value, expected) => {
    expect(formatFloat(value, { verb: 'g' })).toBe(expected)
  })

  test.each<readonly [number, 'e' | 'f' | 'g', number, string]>([
    // ties go to the even digit, and only true ties are ties
    [0.5, 'f', 0, '0'],
    [1.5, 'f', 0, '2'],
    [2.5, 'f', 0, '2'],
    [0.125, 'f', 2, '0.12'],
    [0.375, 'f', 2, '0.38'],
    [1.005, 'f', 2, '1.00'],
    [2.675, 'f', 2, '2.67'],
    [9.995, 'f', 2, '9.99'],
    [0.999, 'f', 2, '1.00'],
    [999.96, 'f', 1, '1000.0'],
    [0.04, 'f', 1, '0.0'],
    [0.06, 'f', 1, '0.1'],
    [1e22, 'f', 1, '10000000000000000000000.0'],
    [1e-10, 'f', 3, '0.000'],
    [0, 'f', 2, '0.00'],
    [0, 'e', 2, '0.00e+00'],
    [9.99e9, 'e', 1, '1.0e+10'],
    [12_345, 'g', 4, '1.234e+04'],
    [12_355, 'g', 4, '1.236e+04'],
    [1234, 'g', 4, '1234'],
    [100_000, 'g', 4, '1e+05'],
    [1000, 'g', 4, '1000'],
    [10, 'g', 1, '1e+01'],
    [0.000_123_456, 'g', 4, '0.0001235'],
    [0.000_012_345_6, 'g', 4, '1.235e-05'],
    [99.999, 'g', 4, '100'],
    [0.1, 'f', 20, '0.10000000000000000555'],
  ])('%d by %%%s with %d digits prints as %s', (value, verb, precision, expected) => {
    expect(formatFloat(value, { verb, precision })).toBe(expected)
  })

  test('the shortest form reads back as the same number, in each verb', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom('e', 'f', 'g'),
        (value, verb) => {
          expect(Number(formatFloat(value, { verb }))).toBe(value)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('rounding is never off by more than half of the last digit', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e15, max: 1e15, noNaN: true }),
        fc.integer({ min: 0, max: 6 }),
        (value, digits) => {
          const shown = Number(formatFloat(value, { verb: 'f', precision: digits }))
          expect(Math.abs(shown - value)).toBeLessThanOrEqual(0.5 * 10 ** -digits + Math.abs(value) * 1e-15)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
