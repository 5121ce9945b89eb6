import fc from 'fast-check'
import { expect, test } from 'vitest'

import { OutsideError } from './errors.ts'
import { createLogger, type LogLevel, type LogLine } from './log.ts'
import { Secret } from './secret.ts'

function recorder(level: LogLevel = 'debug') {
  const lines: LogLine[] = []
  const log = createLogger({ level, write: (line) => lines.push(line), now: () => 42 })
  const fieldsOf = (fields: Readonly<Record<string, unknown>>) => {
    log.info('m', fields)
    return lines.at(-1)?.fields
  }
  return { log, lines, fieldsOf }
}

test('a line holds time, level, message, logger and fields', () => {
  const { log, lines } = recorder()

  log.warn('endpoint lags', { blocks: 3 })

  expect(lines).toEqual([
    { timestampMs: 42, level: 'warn', message: 'endpoint lags', logger: 'chainwarden', fields: { blocks: 3 } },
  ])
})

test('levels below the lowest are not written', () => {
  const { log, lines } = recorder('warn')

  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')

  expect(lines.map((line) => line.level)).toEqual(['warn', 'error'])
})

test('a child has its own name, and its fields are on every line unless a line says otherwise', () => {
  const { log, lines } = recorder()
  const child = log.child('scheduler', { target: 'a', part: 'x' }).child('collector', { part: 'y' })

  child.info('m', { target: 'b' })

  expect(lines[0]).toMatchObject({ logger: 'collector', fields: { target: 'b', part: 'y' } })
})

test.each([
  ['a secret', new Secret('hunter2'), '<secret>'],
  ['a secret deep inside', { a: [new Secret('hunter2')] }, { a: ['<secret>'] }],
  ['a bigint past 2^53', 2n ** 64n, '18446744073709551616'],
  ['a number that JSON does not know', [NaN, Infinity], ['NaN', 'Infinity']],
  ['null', null, null],
  ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['a date that is none', new Date(NaN), 'invalid date'],
  ['a URL with credentials', new URL('https://me:pw@host/x?key=1'), 'https://host/x'],
  ['bytes', new Uint8Array([1, 255]), '0x01ff'],
  ['a map', new Map([['a', 1n]]), { a: '1' }],
  ['a set', new Set(['a']), ['a']],
  ['undefined inside', { a: undefined, b: 1 }, { b: 1 }],
  ['undefined in a list', [undefined], [null]],
])('%s is shown as JSON', (_, value, shown) => {
  expect(recorder().fieldsOf({ value })).toEqual({ value: shown })
})

test('undefined and functions are left out', () => {
  expect(recorder().fieldsOf({ a: undefined, b: () => 1, c: 1 })).toEqual({ c: 1 })
})

test('an error of somebody else shows its chain of causes and its reason, without a stack', () => {
  const cause = new Error('socket hang up', { cause: new Error('ECONNRESET') })
  const error = new OutsideError('unreachable', 'node:8545 could not be reached', { retry: true, cause })

  expect(recorder().fieldsOf({ error })).toEqual({
    error: 'node:8545 could not be reached: socket hang up: ECONNRESET',
    reason: 'unreachable',
  })
})

test('an error that nobody foresaw shows its stack', () => {
  const fields = recorder().fieldsOf({ error: new TypeError('x is undefined') })

  expect(fields?.['error']).toBe('x is undefined')
  expect(fields?.['stack']).toContain('log.test.ts')
})

test('errors that cause each other end', () => {
  const first = new Error('first')
  first.cause = new Error('second', { cause: first })

  expect(recorder().fieldsOf({ error: first })).toMatchObject({ error: 'first: second' })
})

test('circles, depth, length and number are bounded', () => {
  const circle: Record<string, unknown> = { name: 'a' }
  circle['self'] = circle
  let deep: unknown = 'bottom'
  for (let depth = 0; depth < 1_000; depth += 1) deep = [deep]
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, { index }]))

  const fields = recorder().fieldsOf({
    circle,
    deep,
    wide: { a: wide, b: wide, c: wide },
    long: 'x'.repeat(1_000_000),
    list: Array.from({ length: 100_000 }, (_, index) => index),
  })

  expect(fields?.['circle']).toEqual({ name: 'a', self: '<circular>' })
  expect(JSON.stringify(fields?.['deep'])).toContain('<more>')
  expect(JSON.stringify(fields).length).toBeLessThan(30_000)
})

test('the same object twice, side by side, is no circle', () => {
  const shared = { a: 1 }

  expect(recorder().fieldsOf({ x: shared, y: shared })).toEqual({ x: { a: 1 }, y: { a: 1 } })
})

test('what throws when it is looked at is said, and the line is written', () => {
  const hostile = {
    get a(): never {
      throw new Error('no')
    },
    b: 1,
  }
  const angry = {
    toJSON(): never {
      throw new Error('no')
    },
  }

  expect(recorder().fieldsOf({ hostile, angry })).toEqual({
    hostile: { a: '<unreadable>', b: 1 },
    angry: '<unreadable>',
  })
})

test('a logger never throws, whatever the fields and however the writer fails', () => {
  const log = createLogger({
    level: 'debug',
    now: () => 0,
    write() {
      throw new Error('disk full')
    },
  })

  expect(() => log.error('m', { error: new Error('x') })).not.toThrow()
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )
  expect(() => recorder().log.error('m', { proxy })).not.toThrow()
})

test('any field becomes JSON', () => {
  const { fieldsOf } = recorder()
  const anything = fc.dictionary(
    fc.string(),
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
  )
  fc.assert(
    fc.property(anything, (fields) => {
      expect(isJson(fieldsOf(fields))).toBe(true)
    }),
  )
})

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'object' && Object.values(value).every(isJson)
}
