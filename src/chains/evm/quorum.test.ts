import { describe, expect, test } from 'vitest'

import type { EvmBlock, Hex } from './contract.ts'
import { chooseHead, type HeadReport, lagTolerance, type QuorumContext, type Standing, suspicionOf } from './quorum.ts'

const NOW = 1_800_000_000_000

function hashOf(number: number, branch: string): Hex {
  return `0x${branch}${number.toString(16).padStart(63, '0')}`
}

function block(number: number, branch = 'a', timeMs = NOW): EvmBlock {
  return { number, hash: hashOf(number, branch), parentHash: hashOf(number - 1, branch), timeMs, logsBloom: '0x' }
}

function reports(...blocks: readonly EvmBlock[]): readonly HeadReport[] {
  return blocks.map((one, index) => ({ name: `node${index}`, block: one }))
}

function context(served?: EvmBlock, plausibleAdvance = 10): QuorumContext {
  return { served, plausibleAdvance, now: NOW }
}

describe('the head of three endpoints', () => {
  test.each([
    ['all agree', [104, 104, 104], 104],
    ['one lags', [104, 104, 90], 104],
    ['one is stuck far behind', [104, 103, 1], 103],
    ['one lies far ahead', [104, 104, 9_000], 104],
    ['each is elsewhere', [104, 103, 102], 103],
  ])('is what a majority vouches for: %s', (_, numbers, expected) => {
    const choice = chooseHead(reports(...numbers.map((number) => block(number))), context(block(100)))

    expect(choice?.report.block.number).toBe(expected)
    expect(choice?.needsProof).toBe(false)
  })

  test('is the block with most votes where they differ', () => {
    const choice = chooseHead(reports(block(104, 'b'), block(104), block(104)), context())

    expect(choice?.report.block.hash).toBe(hashOf(104, 'a'))
  })

  test('is the block that continues the served one where votes are equal', () => {
    const choice = chooseHead(reports(block(104, 'b'), block(104, 'a'), block(1)), context(block(103, 'a')))

    expect(choice?.report.block.hash).toBe(hashOf(104, 'a'))
  })
})

describe('the head of five endpoints', () => {
  test('is not moved by two that lie together', () => {
    const choice = chooseHead(
      reports(block(9_000, 'b'), block(9_000, 'b'), block(104), block(104), block(103)),
      context(),
    )

    expect(choice?.report.block).toEqual(block(104))
  })
})

describe('the head of two endpoints', () => {
  test('is the higher one', () => {
    expect(chooseHead(reports(block(90), block(104)), context(block(100)))?.report.name).toBe('node1')
  })

  test('is the lower one where the higher one outruns the time that passed', () => {
    expect(chooseHead(reports(block(101), block(900)), context(block(100)))?.report.name).toBe('node0')
  })

  test('is the higher one where both outrun it', () => {
    expect(chooseHead(reports(block(899), block(900)), context(block(100)))?.report.name).toBe('node1')
  })

  test('is the lower one where the higher one is from the future', () => {
    const future = block(102, 'b', NOW + 3_600_000)

    expect(chooseHead(reports(block(101), future), context())?.report.name).toBe('node0')
  })

  test('stays what was served where they show different blocks of one height', () => {
    expect(chooseHead(reports(block(100, 'b'), block(100, 'a')), context(block(100, 'a')))?.report.name).toBe('node1')
  })
})

describe('the head of one endpoint', () => {
  test('is believed', () => {
    expect(chooseHead(reports(block(105)), context(block(100)))).toMatchObject({ needsProof: false })
  })

  test('needs proof where it outruns the time that passed', () => {
    expect(chooseHead(reports(block(900)), context(block(100)))).toMatchObject({ needsProof: true })
  })
})

test('no endpoint, no head', () => {
  expect(chooseHead([], context(block(100)))).toBeUndefined()
})

function fresh(number: number, branch = 'a'): Standing {
  return { block: block(number, branch), unchangedMs: 0 }
}

describe('suspicion', () => {
  const tolerance = lagTolerance(12_000)

  test.each([
    ['a block behind', 103],
    ['two behind', 102],
    ['one ahead', 105],
  ])('does not fall on an endpoint that is %s', (_, number) => {
    expect(suspicionOf(fresh(number), block(104), tolerance)).toBeUndefined()
  })

  test('says how far behind an endpoint is, and how long it has been stuck', () => {
    expect(suspicionOf({ block: block(90), unchangedMs: 45_000 }, block(104), tolerance)).toBe(
      'it is 14 blocks behind: it shows block 90 and has shown it for 45 s, and block 104 is known',
    )
  })

  test('says what an endpoint boasts of', () => {
    expect(suspicionOf(fresh(9_000), block(104), tolerance)).toContain('it claims block 9000, 8896 ahead of block 104')
  })

  test('falls on an endpoint with another block of the same height', () => {
    expect(suspicionOf(fresh(104, 'b'), block(104), tolerance)).toContain('it shows another block 104')
  })

  test('allows a fast chain more blocks', () => {
    expect(lagTolerance(250)).toBe(8)
    expect(lagTolerance(1)).toBe(20)
    expect(lagTolerance(undefined)).toBe(3)
  })
})
