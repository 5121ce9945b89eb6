import { getAddress } from 'viem/utils'
import { describe, expect, test } from 'vitest'

import { parseAddress } from './address.ts'

const ENTRY_POINT = '0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789'

describe('an address', () => {
  test.each([
    ENTRY_POINT,
    ENTRY_POINT.toLowerCase(),
    `0x${ENTRY_POINT.slice(2).toUpperCase()}`,
    `0X${ENTRY_POINT.slice(2)}`,
  ])('is taken as %s and written with its checksum', (text) => {
    expect(parseAddress(text)).toEqual({ kind: 'address', address: ENTRY_POINT })
  })

  test('has the checksum viem gives it', () => {
    for (let seed = 0; seed < 200; seed++) {
      const lower = `0x${(seed * 2_654_435_761).toString(16).padStart(8, '0').repeat(5).slice(0, 40)}`
      expect(parseAddress(lower)).toEqual({ kind: 'address', address: getAddress(lower) })
    }
  })

  test('with a wrong capital is refused, and the right writing is told', () => {
    const parsed = parseAddress(ENTRY_POINT.replace('FF', 'Ff'))

    expect(parsed).toMatchObject({ kind: 'fault' })
    expect(JSON.stringify(parsed)).toContain(`if every digit is right, it is written ${ENTRY_POINT}`)
  })

  test.each([
    ['5FF137D4b0FDCD49DcA30c7CF57E578a026d2789', 'starts with 0x'],
    ['0x5FF137', 'it has 6 digits after 0x, and an address has 40'],
    [`0x${'g'.repeat(40)}`, 'only the digits 0-9 and a-f'],
    ['', 'starts with 0x'],
  ])('is not %s', (text, words) => {
    expect(JSON.stringify(parseAddress(text))).toContain(words)
  })
})
