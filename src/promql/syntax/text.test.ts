import { describe, expect, test } from 'vitest'

import { formatFloat, formatShort, quote, unescape } from './text.ts'

describe('formatFloat', () => {
  test.each([
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [1e21, '1000000000000000000000'],
    [1.5e22, '15000000000000000000000'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [123456789012345680000, '123456789012345680000'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [Number.NaN, 'NaN'],
  ])('writes %d without an exponent', (value, text) => {
    expect(formatFloat(value)).toBe(text)
  })
})

describe('formatShort', () => {
  test.each([
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [1.5e-10, '1.5e-10'],
    [-2e300, '-2e+300'],
    [Infinity, '+Inf'],
  ])('writes %d as Go does', (value, text) => {
    expect(formatShort(value)).toBe(text)
  })
})

describe('strings', () => {
  test.each([
    ['plain', 'plain'],
    ['\\n\\t\\\\\\"\\\'', '\n\t\\"\''],
    ['\\x41\\101\\u00e9\\U0001F600', 'AAé😀'],
    ['\\xc3\\xa9', 'é'],
  ])('%s means %j', (body, text) => {
    expect(unescape(body)).toEqual({ text })
  })

  test.each([
    ['\\q', 0],
    ['ab\\x4', 2],
    ['\\ud800', 0],
    ['é\\U00110000', 1],
  ])('%s is no escape', (body, badAt) => {
    expect(unescape(body)).toEqual({ badAt })
  })

  test.each(['a\\xc5z', '\\xff\\xfe', '\\xe2\\x82'])('bytes that are no UTF-8 survive: %s', (body) => {
    const unescaped = unescape(body)
    const text = 'text' in unescaped ? unescaped.text : ''

    expect(text.isWellFormed()).toBe(false)
    expect(quote(text)).toBe(`"${body}"`)
  })

  test('quoting is what unescaping takes back', () => {
    const text = 'a"b\\c\n\u0001é😀'
    const quoted = quote(text)

    expect(unescape(quoted.slice(1, -1))).toEqual({ text })
  })
})
