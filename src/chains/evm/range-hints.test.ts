import { describe, expect, test } from 'vitest'

import { type RangeHint, rangeHint } from './range-hints.ts'

const limit = (blocks: number): RangeHint => ({ kind: 'limit', blocks })
const attempt = (blocks: number): RangeHint => ({ kind: 'try', blocks })
const smaller: RangeHint = { kind: 'smaller' }

describe('the words of providers who refuse a range', () => {
  test.each<readonly [string, RangeHint]>([
    ['query returned more than 10000 results. Try with this block range [0x1, 0x64].', attempt(100)],
    ['Log response size exceeded. this block range should work: [0x10, 0x1f]', attempt(16)],
    [
      'Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your parameters, this block range should work: [0x64, 0x6d]',
      attempt(10),
    ],
    ['query exceeds max results 20000, retry with the range 100-199', attempt(100)],
    ['eth_getLogs is limited to a 10,000 range', limit(10_000)],
    ['eth_getLogs and eth_newFilter are limited to a 10,000 blocks range', limit(10_000)],
    ['getLogs request exceeded max allowed range: limited to 1024 block', limit(1024)],
    ['eth_getLogs is limited to 0 - 5000 blocks range', limit(5000)],
    ['maximum block range: 2000', limit(2000)],
    ['exceed maximum block range: 5000', limit(5000)],
    ['Max range: 800', limit(800)],
    ['block range is too wide', smaller],
    ['block range too large', smaller],
    ['Block range is too large', smaller],
    ['query exceeds max results 20000', smaller],
    ['query exceeds max block range 100000', limit(100_000)],
    ['exceed max block range: 3000', limit(3000)],
    ['block range exceeds 1000', limit(1000)],
    ['block range greater than 5000 max', limit(5000)],
    ['please limit the query to at most 1000 blocks', limit(1000)],
    ['query returned more than 10000 results', smaller],
    ['logs matched by query exceeds limit of 10000', smaller],
    ['response size should not greater than 10000000 bytes', smaller],
    ['backend response too large', smaller],
    ['Block range limit exceeded. See more details at the documentation', smaller],
    ['eth_getLogs range is too large, max is 1k blocks', limit(1000)],
    ['eth_getLogs range is too large, max is 10k blocks', limit(10_000)],
    ['ranges over 10000 blocks are not supported on freetier', limit(10_000)],
    ['block range exceeds the range allowed for your plan (4000 > 500)', limit(500)],
    ['you can make requests with up to a 500 block range', limit(500)],
    ['query must be smaller than size 1024', limit(1024)],
    ['maximum [from, to] blocks distance: 2000', limit(2000)],
    ['no backend is currently healthy to serve traffic', smaller],
    ['query timeout exceeded', smaller],
  ])('%s', (message, expected) => {
    expect(rangeHint(message)).toEqual(expected)
  })

  test.each([
    'execution reverted',
    'header not found',
    'block range extends beyond current head block',
    'rate limit exceeded, 10000 requests per day',
    'the method eth_getLogs does not exist/is not available',
  ])('are not: %s', (message) => {
    expect(rangeHint(message)).toBeUndefined()
  })

  test('that suggest a range backwards mean only: less', () => {
    expect(rangeHint('Try with this block range [0x64, 0x1].')).toEqual(smaller)
  })
})
