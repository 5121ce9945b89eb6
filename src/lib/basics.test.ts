import { inspect } from 'node:util'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createBatchQueue } from './batch-queue.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { createMetricsRegistry } from './metrics-registry.ts'
import { createUrlRedactor, redactUrl, Secret } from './secret.ts'
import { parseTime } from './time.ts'
import { uuidV7 } from './uuid.ts'

describe('durations', () => {
  test.each([
    ['0', 0],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1w', 604_800_000],
    ['1y2w3d4h5m6s7ms', 33_019_506_007],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', '5', '1m1h', '1h1h', '-1s', '1.5s', ' 1s', '1S', 'soon'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  test('what is printed reads back as the same', () => {
    fc.assert(fc.property(fc.nat(10 ** 12), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe('secrets', () => {
  test('show nowhere but where they are revealed', () => {
    const secret = new Secret('hunter2')

    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }),
      JSON.stringify(inspect(secret)),
    ]
    expect(shown.join()).not.toContain('hunter2')
    expect(secret.reveal()).toBe('hunter2')
  })

  test.each([
    ['https://me:hunter2@node.example/rpc?key=hunter2#hunter2', 'https://node.example/rpc'],
    ['https://mainnet.example/v3/0123456789abcdef0123456789abcdef', 'https://mainnet.example/v3/<secret>'],
    ['http://127.0.0.1:8545/', 'http://127.0.0.1:8545'],
    ['wss://node.example:8546', 'wss://node.example:8546'],
    ['hunter2', '<not a URL>'],
  ])('%s is shown as %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })

  test.each([
    ['https://me:hunter2@node.example/rpc', 'me has no access with hunter2', 'me has no access with <secret>'],
    ['https://node.example/v3/short-key', 'GET /v3/short-key: not found', 'GET <secret>: not found'],
    ['https://node.example/v3/short-key', 'no project short-key in v3', 'no project <secret> in v3'],
    ['https://node.example/rpc?key=abc', 'key abc is over its quota', 'key <secret> is over its quota'],
    ['https://node.example/a%20long%20key', 'unknown: a long key', 'unknown: <secret>'],
    ['https://node.example/rpc', '/rpc is not there', '/rpc is not there'],
  ])('of %s nothing is left in what a service says: %s', (url, said, shown) => {
    expect(createUrlRedactor(url)(said)).toBe(shown)
  })
})

describe('uuidV7', () => {
  const chance = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])

  test('has the shape of RFC 9562', () => {
    expect(uuidV7(1_767_225_600_000, chance)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
  })

  test('sorts by time', () => {
    expect(uuidV7(1, chance) < uuidV7(2, Uint8Array.from({ length: 10 }))).toBe(true)
  })
})

describe('parseTime', () => {
  test.each([
    ['1767225600', 1_767_225_600_000],
    ['1767225600.5', 1_767_225_600_500],
    ['2026-01-01T00:00:00Z', 1_767_225_600_000],
    ['', undefined],
    ['yesterday', undefined],
  ])('%j is %s', (text, ms) => {
    expect(parseTime(text)).toBe(ms)
  })
})

describe('batches', () => {
  test('what waits while one runs goes together in the next, and shares its fate', async () => {
    const seen: (readonly number[])[] = []
    const queue = createBatchQueue<number>(3, async (items) => {
      seen.push(items)
      if (items.includes(2)) throw new Error('two')
    })

    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(async (item) => queue.push(item)))
    await queue.idle()

    expect(seen).toEqual([[1], [2, 3, 4], [5]])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'])
  })
})

describe('our own metrics', () => {
  const SPECS = [
    { name: 'a_total', type: 'counter', help: 'a' },
    { name: 'b', type: 'gauge', help: 'b' },
    { name: 'h_seconds', type: 'histogram', help: 'h', buckets: [1, 2] },
  ] as const

  test('a counter exists at 0, adds up, and never goes down', () => {
    const metrics = createMetricsRegistry(SPECS)
    metrics.add('a_total', 0, { x: '1' })
    metrics.add('a_total', 2, { x: '2' })
    metrics.raise('a_total', 1, { x: '2' })

    expect(metrics.samples()).toEqual([
      { name: 'a_total', labels: { x: '1' }, value: 0 },
      { name: 'a_total', labels: { x: '2' }, value: 2 },
    ])
  })

  test('a histogram is cumulative, with its bounds included', () => {
    const metrics = createMetricsRegistry(SPECS)
    for (const value of [1, 1.5, 99]) metrics.observe('h_seconds', value)

    expect(metrics.samples().map(({ name, labels, value }) => [name, labels['le'], value])).toEqual([
      ['h_seconds_bucket', '1', 1],
      ['h_seconds_bucket', '2', 2],
      ['h_seconds_bucket', '+Inf', 3],
      ['h_seconds_sum', undefined, 101.5],
      ['h_seconds_count', undefined, 3],
    ])
  })

  test('what is not declared, or declared otherwise, is a mistake that shows', () => {
    const metrics = createMetricsRegistry(SPECS)

    expect(() => metrics.add('nobody_total', 1)).toThrow('nobody_total')
    expect(() => metrics.set('a_total', 1)).toThrow('a_total')
  })

  test('what is gone is forgotten', () => {
    const metrics = createMetricsRegistry(SPECS)
    metrics.set('b', 1, { target: 'x' })
    metrics.observe('h_seconds', 1, { target: 'x' })
    metrics.set('b', 1, { target: 'y' })
    metrics.forget('target', 'x')

    expect(metrics.samples()).toEqual([{ name: 'b', labels: { target: 'y' }, value: 1 }])
  })
})
