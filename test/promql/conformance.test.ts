import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { runScript } from './runner/run-script.ts'

const OURS = import.meta.dirname
/** Prometheus' own scripts lie beside the project, where they are at hand. */
const UPSTREAM = join(import.meta.dirname, '../../../shared/promqltest/testdata')

function scripts(folder: string, extension: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(extension)) : []
}

async function report(path: string): Promise<{ readonly failures: readonly string[]; readonly passed: number }> {
  const { failures, passed } = await runScript(readFileSync(path, 'utf8'))
  return {
    passed,
    failures: failures.map(
      ({ line, query, expected, got }) => `${line}: ${query}\n  expected ${expected}\n  got ${got}`,
    ),
  }
}

describe('our scripts', () => {
  test.each(scripts(OURS, '.promqltest'))('%s holds', async (name) => {
    const { failures, passed } = await report(join(OURS, name))

    expect(failures).toEqual([])
    expect(passed).toBeGreaterThan(0)
  })
})

describe.runIf(existsSync(UPSTREAM))("Prometheus' scripts", () => {
  test.each(scripts(UPSTREAM, '.test'))('%s holds', async (name) => {
    const { failures } = await report(join(UPSTREAM, name))

    expect(failures).toEqual([])
  })
})

describe('the runner', () => {
  const load = 'load 1m\n  m{a="x"} 1 2 3\n\n'

  test('a wrong value fails, with line, expected and got', async () => {
    const { failures, passed } = await runScript(`${load}eval instant at 1m m\n  m{a="x"} 5\n`)

    expect(passed).toBe(0)
    expect(failures).toEqual([
      { line: 4, query: 'm', expected: '{a="x", __name__="m"} 5', got: '{a="x", __name__="m"} 2' },
    ])
  })

  test.each([
    ['a series too many', 'eval instant at 1m m\n'],
    ['a series too few', 'eval instant at 1m m\n  m{a="x"} 2\n  m{a="y"} 2\n'],
    ['a wrong label', 'eval instant at 1m m\n  m{a="y"} 2\n'],
    ['an error that did not come', 'eval instant at 1m m\n  expect fail\n'],
    ['an error with another message', 'eval instant at 1m max_of(1)\n  expect fail msg: something else\n'],
    ['a warning that did not come', 'eval instant at 1m m\n  expect warn\n  m{a="x"} 2\n'],
    ['a warning that came', 'eval instant at 1m quantile(2, m)\n  expect no_warn\n  {} +Inf\n'],
    ['a wrong order', 'eval instant at 1m sort(m or -m)\n  expect ordered\n  m{a="x"} 2\n  {a="x"} -2\n'],
    ['a wrong step of a range', 'eval range from 0 to 2m step 1m m\n  m{a="x"} 1 2 4\n'],
    ['a gap that is none', 'eval range from 0 to 2m step 1m m\n  m{a="x"} 1 _ 3\n'],
    ['a line that cannot be read', 'eval instant at 1m m\n  expect wonders\n'],
    ['an unknown command', 'evaluate m\n'],
    ['a query that cannot be read', 'eval instant at 1m m{\n'],
  ])('%s is a failure', async (_, script) => {
    const { failures, passed } = await runScript(load + script)

    expect(failures).toHaveLength(1)
    expect(passed).toBe(0)
  })

  test('after a line that cannot be read the file goes on', async () => {
    const { failures, passed } = await runScript(`nonsense\n\n${load}eval instant at 1m m\n  m{a="x"} 2\n`)

    expect(failures).toHaveLength(1)
    expect(passed).toBe(1)
  })

  test('a series that cannot be read is one failure, and the others are loaded', async () => {
    const { failures, passed } = await runScript(`load 1m\n  m 1 2 3\n  n 1 two 3\n\neval instant at 1m m\n  m 2\n`)

    expect(failures).toMatchObject([{ line: 3 }])
    expect(passed).toBe(1)
  })

  test('only cases that expect or read a native histogram are left out', async () => {
    const native = 'load 1m\n  h {{schema:0 sum:1 count:1}}x3\n  m 1 2 3\n\n'
    const { skipped, passed } = await runScript(
      `${native}eval instant at 1m h\n  h {{schema:0 sum:1 count:1}}\n\neval instant at 1m count(h)\n  {} 1\n\neval instant at 1m m\n  m 2\n`,
    )

    expect({ skipped, passed }).toEqual({ skipped: 2, passed: 1 })
  })
})
