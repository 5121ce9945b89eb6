import { keccak256 as referenceKeccak } from 'viem/utils'
import { describe, expect, test } from 'vitest'

import { keccak256 } from './keccak.ts'

describe('keccak256', () => {
  test('hashes the empty text as everybody does', () => {
    expect(keccak256('')).toBe('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  })

  test('agrees with viem for every length around the block borders', () => {
    for (let length = 0; length <= 420; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 31 + length) % 256)
      expect(keccak256(bytes), `length ${length}`).toBe(referenceKeccak(bytes))
    }
  })

  test('makes the topics of the events that are watched', () => {
    expect(keccak256('TransactionFailed(bytes32,string)')).toBe(
      '0xa3897ec9f635f9e079f0cc337815d014bf44b6ea44b6a6fe16660183bf4cf4d8',
    )
  })
})
