import { describe, expect, test } from 'vitest'

import { formatExponent, formatSample } from './value.ts'

describe('formatSample', () => {
  test.each([
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [123456789.25, '123456789.25'],
    [999999999999999900000, '999999999999999900000'],
    [1e21, '1e+21'],
    [-2.5e22, '-2.5e+22'],
    [0.000001, '0.000001'],
    [1.5e-7, '1.5e-07'],
    [5e-324, '5e-324'],
    [NaN, 'NaN'],
    [-Infinity, '-Inf'],
  ])('%d is %s in an answer', (value, text) => {
    expect(formatSample(value)).toBe(text)
  })
})

describe('formatExponent', () => {
  test.each([
    [0, '0e+00'],
    [-0, '-0e+00'],
    [1, '1e+00'],
    [2.59, '2.59e+00'],
    [-1500, '-1.5e+03'],
    [1e-7, '1e-07'],
    [1e100, '1e+100'],
    [Infinity, '+Inf'],
    [NaN, 'NaN'],
  ])('%d is %s as the value of an alert', (value, text) => {
    expect(formatExponent(value)).toBe(text)
  })
})
