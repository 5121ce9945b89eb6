import type { EvmLogFilter, Hex } from './contract.ts'
import { keccak256 } from './keccak.ts'

/*
 * A header's bloom has 2,048 bits; each address and topic of the block's logs sets three of them (Yellow Paper, 4.4.1).
 * So a bit that is missing proves that something did not happen, and bits that are there promise little.
 */

const BLOOM_DIGITS = 512

/** Whether logs of the filter may lie in a block. `silent`: the bloom says nothing, as on chains that leave it empty or full. */
type BloomVerdict = 'no' | 'maybe' | 'silent'

/** The places of an item's three bits, as hex digit and mask. */
type Bits = readonly { readonly digit: number; readonly mask: number }[]

export interface BloomReader {
  verdict(bloom: Hex, filter: EvmLogFilter): BloomVerdict
  /** Whether these items account for every bit of the bloom: then no log is missing. */
  isCovered(bloom: Hex, items: Iterable<Hex>): boolean
}

const ITEMS_MAX = 10_000

export function createBloomReader(): BloomReader {
  const known = new Map<Hex, Bits>()

  function bitsOf(item: Hex): Bits {
    const held = known.get(item)
    if (held !== undefined) return held
    const digest = keccak256(Buffer.from(item.slice(2), 'hex'))
    const bits = [2, 6, 10].map((at) => {
      const bit = parseInt(digest.slice(at, at + 4), 16) % 2048
      return { digit: BLOOM_DIGITS - 1 - Math.floor(bit / 4), mask: 1 << (bit % 4) }
    })
    if (known.size >= ITEMS_MAX) known.clear()
    known.set(item, bits)
    return bits
  }

  function mayHold(digits: string, item: Hex): boolean {
    return bitsOf(item).every(({ digit, mask }) => (parseInt(digits.charAt(digit), 16) & mask) !== 0)
  }

  return {
    verdict(bloom, filter) {
      const digits = bloom.slice(2)
      if (isSilent(digits)) return 'silent'
      const { addresses, topics } = filter
      const hasAddress = addresses.length === 0 || addresses.some((address) => mayHold(digits, address))
      const hasTopic = topics === undefined || topics.some((topic) => mayHold(digits, topic))
      return hasAddress && hasTopic ? 'maybe' : 'no'
    },
    isCovered(bloom, items) {
      const left = Array.from(bloom.slice(2), (digit) => parseInt(digit, 16))
      for (const item of items) {
        for (const { digit, mask } of bitsOf(item)) left[digit] = (left[digit] ?? 0) & ~mask
      }
      return left.every((bits) => bits === 0)
    },
  }
}

function isSilent(digits: string): boolean {
  return digits.length !== BLOOM_DIGITS || /^(0+|f+)$/.test(digits)
}
