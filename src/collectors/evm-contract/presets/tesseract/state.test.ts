import { expect, test } from 'vitest'

import { encodingOf, stateName } from './state.ts'

test.each([
  ['1', 'ordinal', 'BUFFERED'],
  ['1', 'flags', 'EMPTY'],
  ['2', 'ordinal', 'READY'],
  ['2', 'flags', 'BUFFERED'],
  ['4', 'flags', 'READY'],
  ['8', 'flags', 'EXECUTED'],
  ['64', 'flags', 'REFUNDED'],
  ['5', 'ordinal', undefined],
  ['0', undefined, 'EMPTY'],
  ['1', undefined, undefined],
  ['3', undefined, 'EXECUTED'],
  ['16', undefined, 'FAILED'],
] as const)('state %s, numbered by %s, is %s', (value, encoding, name) => {
  expect(stateName(value, encoding)).toBe(name)
})

test.each([
  ['1', 'ordinal'],
  ['2', 'flags'],
  ['4', undefined],
])('a transaction that was just buffered and is in state %s is numbered by %s', (state, encoding) => {
  expect(encodingOf(state)).toBe(encoding)
})
