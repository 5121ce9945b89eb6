import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createFileSink, isRotationPeriod } from './log-file.ts'

const DAY_MS = 86_400_000
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chainwarden-log-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

function fail(sentence: string): never {
  throw new Error(sentence)
}

function sinkFor(path: string, rotate = { everyMs: DAY_MS, sizeBytes: 1_000_000, keep: 1 }, now = Date.now) {
  return createFileSink({ path, rotate, now, onProblem: fail })
}

async function contents(): Promise<string> {
  const names = (await readdir(folder)).toSorted()
  return (await Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')))).join('')
}

test('lines are in the file once it is closed, and a restart goes on behind them', async () => {
  const path = join(folder, 'deep', 'chainwarden.log')
  for (const text of ['a', 'b']) {
    const sink = sinkFor(path)
    sink.write(text)
    await sink.close()
  }

  expect(await readFile(path, 'utf8')).toBe('a\nb\n')
})

test('rotating by size within one period deletes nothing, whatever keep says', async () => {
  const sink = sinkFor(join(folder, 'x.log'), { everyMs: DAY_MS, sizeBytes: 20, keep: 1 })
  const lines = Array.from({ length: 50 }, (_, index) => `line ${String(index).padStart(4, '0')}`)

  for (const text of lines) sink.write(text)
  await sink.close()

  expect((await readdir(folder)).length).toBeGreaterThan(20)
  expect((await contents()).split('\n').toSorted().filter(Boolean)).toEqual(lines)
})

test('what ended longer ago than a period is deleted beyond keep, and nothing else in the folder', async () => {
  const now = Date.now()
  const ago = (days: number) => new Date(now - days * DAY_MS)
  const files: readonly (readonly [string, number])[] = [
    ['x.log.2020-01-01T00-00Z.1', 9],
    ['x.log.2020-01-02T00-00Z.1', 8],
    ['x.log.2020-01-03T00-00Z.1', 0.5],
    ['x.log.2020-01-03T00-00Z.2', 0.4],
    ['x.log.bak', 9],
    ['y.log.2020-01-01T00-00Z.1', 9],
  ]
  for (const [name, days] of files) {
    await writeFile(join(folder, name), name)
    await utimes(join(folder, name), ago(days), ago(days))
  }
  const sink = sinkFor(join(folder, 'x.log'), { everyMs: DAY_MS, sizeBytes: 4, keep: 1 })

  sink.write('long enough')
  await sink.close()

  const left = await readdir(folder)
  expect(left.filter((name) => name.includes('2020-01-0')).toSorted()).toEqual([
    'x.log.2020-01-03T00-00Z.1',
    'x.log.2020-01-03T00-00Z.2',
    'y.log.2020-01-01T00-00Z.1',
  ])
  expect(left).toContain('x.log.bak')
})

test('a file left from an earlier period is finished at the start, under the name of its period', async () => {
  const path = join(folder, 'x.log')
  await writeFile(path, 'old\n')
  await utimes(path, new Date(0), new Date(DAY_MS + 5))
  const sink = sinkFor(path)

  sink.write('new')
  await sink.close()

  expect(await readFile(path, 'utf8')).toBe('new\n')
  expect(await readFile(join(folder, 'x.log.1970-01-02T00-00Z.1'), 'utf8')).toBe('old\n')
})

test('a path that cannot be written is said once, tried again later, and never thrown', async () => {
  const path = join(folder, 'x.log')
  await mkdir(path)
  let now = 0
  const problems: string[] = []
  const told = Promise.withResolvers<void>()
  const sink = createFileSink({
    path,
    rotate: { everyMs: DAY_MS, sizeBytes: 1_000, keep: 1 },
    now: () => now,
    onProblem(sentence) {
      problems.push(sentence)
      told.resolve()
    },
  })

  sink.write('lost')
  await told.promise
  sink.write('lost too')
  await rm(path, { recursive: true })
  now += 10_000
  sink.write('kept')
  await sink.close()

  expect(problems).toEqual([expect.stringContaining(`The log file ${path} cannot be written`)])
  expect(await readFile(path, 'utf8')).toBe('kept\n')
})

test.each([
  [60_000, true],
  [3_600_000, true],
  [6 * 3_600_000, true],
  [DAY_MS, true],
  [7 * DAY_MS, true],
  [7 * 3_600_000, false],
  [7 * 60_000, false],
  [1_000, false],
  [0, false],
  [-DAY_MS, false],
  [Number.NaN, false],
])('a period of %d ms: %s', (ms, isOne) => {
  expect(isRotationPeriod(ms)).toBe(isOne)
})
