import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createVirtualWorld } from '../../test/support/virtual-world.ts'
import { openStorage } from '../app/wire-storage.ts'
import { ConfigError } from '../lib/errors.ts'
import { createLogger } from '../lib/log.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { rulesLint } from './rules-lint.ts'
import { rulesReplay } from './rules-replay.ts'
import { rulesTest } from './rules-test.ts'

const START = Date.UTC(2026, 0, 1)
const MINUTE = 60_000

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

function terminal(): CommandContext & { readonly said: () => string } {
  let said = ''
  const console = {
    out: (text: string) => void (said += text),
    error: (text: string) => void (said += text),
    isTerminal: false,
    hasColour: false,
  }
  return { world: createVirtualWorld({ seed: 1, start: START }), console, said: () => said }
}

const CONFIG = 'storage: { path: ./data }\ntargets: [{ type: host, name: h }]\n'
const HEALTHY = 'groups: [{ name: g, rules: [{ alert: A, expr: up == 0, for: 5m }] }]'

describe('rules lint', () => {
  test('ends with 1 when something is found, and says it with file, line and a better rule', async () => {
    const config = write('c.yaml', CONFIG)
    const rules = write('r.yml', 'groups:\n- name: g\n  rules:\n  - { alert: A, expr: "rate(host_load1[5m]) > 1" }\n')
    const context = terminal()

    expect(await rulesLint(context, [rules], { config })).toBe(EXIT.mustChange)
    expect(context.said()).toContain(`${rules}:4: A: host_load1 is a gauge`)
    expect(context.said()).toContain('expr: deriv(host_load1[5m]) > 1\n')
  })

  test('ends with 0 when there is nothing to be found, and looks at the rules of the configuration by itself', async () => {
    write('r.yml', HEALTHY)
    const config = write('c.yaml', `${CONFIG}rules: { files: [r.yml] }\n`)
    const context = terminal()

    expect(await rulesLint(context, [], { config, json: true })).toBe(EXIT.fine)
    expect(JSON.parse(context.said())).toEqual({ rules: 1, findings: [] })
  })
})

const tests = (value: number) =>
  write('t.yml', `tests: [{ name: sum, promql_expr_test: [{ expr: 1 + 1, exp_samples: [{ value: ${value} }] }] }]`)

describe('rules test', () => {
  test('ends with 0 when every case passes', async () => {
    const context = terminal()

    expect(await rulesTest(context, [tests(2)], {})).toBe(EXIT.fine)
    expect(context.said()).toContain('SUCCESS: 1 passed, 0 failed')
  })

  test('ends with 1 when one fails, with what was expected and what came', async () => {
    const context = terminal()

    expect(await rulesTest(context, [tests(3)], {})).toBe(EXIT.mustChange)
    expect(context.said()).toMatch(/sum: 1 \+ 1 at 0s\n +expected: \{\} 3\n +got: +\{\} 2\n/)
  })

  test('ends with 1 when a file cannot be read, and goes on with the next', async () => {
    const context = terminal()

    expect(await rulesTest(context, [join(folder, 'nowhere.yml'), tests(2)], {})).toBe(EXIT.mustChange)
    expect(context.said()).toMatch(/nowhere\.yml: the file cannot be read[^]*SUCCESS/)
  })
})

/** An hour of `up`, a sample a minute: down from minute 10 to minute 20, and gone after minute 50. */
async function record(context: CommandContext): Promise<void> {
  const log = createLogger({ level: 'error', write: () => undefined, now: () => context.world.now() })
  const day = 86_400_000
  const storage = await openStorage(
    {
      storage: {
        path: join(folder, 'data'),
        url: undefined,
        retention: { events: day, journeys: day, duties: day, notifications: day },
      },
      metrics: { retention: day, history: day, max_series: 1000, max_series_per_target: 1000 },
    },
    context.world,
    log,
  )
  for (let minute = 0; minute <= 50; minute += 1) {
    const value = minute >= 10 && minute < 20 ? 0 : 1
    const samples = [{ name: 'up', labels: {}, value }]
    storage.tsdb.append({ at: START + minute * MINUTE, scope: 'h', labels: { target: 'h' }, samples })
  }
  storage.tsdb.endScope('h', START + 51 * MINUTE)
  await storage.close()
}

describe('rules replay', () => {
  const timeline = z.object({
    timeline: z.array(
      z.object({
        alert: z.string(),
        active_at: z.string(),
        told_at: z.string().nullable(),
        ended_at: z.string().nullable(),
      }),
    ),
  })

  test('says over what is stored when an alert would have been told', async () => {
    const config = write('c.yaml', `${CONFIG}rules: { interval: 1m }\n`)
    const rules = write(
      'r.yml',
      `groups: [{ name: g, rules: [{ alert: Down, expr: up == 0, for: 5m }, { alert: Seen, expr: up }] }]`,
    )
    const context = terminal()
    await record(context)
    const asked = { config, from: new Date(START).toISOString(), to: String(START / 1000 + 3600), json: true }

    expect(await rulesReplay(context, [rules], asked)).toBe(EXIT.fine)
    expect(timeline.parse(JSON.parse(context.said())).timeline).toEqual([
      {
        alert: 'Seen',
        active_at: '2026-01-01T00:00:00.000Z',
        told_at: '2026-01-01T00:00:00.000Z',
        ended_at: '2026-01-01T00:51:00.000Z',
      },
      {
        alert: 'Down',
        active_at: '2026-01-01T00:10:00.000Z',
        told_at: '2026-01-01T00:15:00.000Z',
        ended_at: '2026-01-01T00:20:00.000Z',
      },
    ])
  })

  test.each([
    ['a time that is none', { from: 'dawn' }, /--from dawn: write/],
    ['an end before the beginning', { from: '1h', to: '2h' }, /--from 1h is not before --to 2h/],
  ])('%s is refused', async (_, times, words) => {
    const config = write('c.yaml', CONFIG)
    const replaying = rulesReplay(terminal(), [write('r.yml', HEALTHY)], { config, ...times })

    await expect(replaying).rejects.toThrow(ConfigError)
    await expect(replaying).rejects.toThrow(words)
  })
})
