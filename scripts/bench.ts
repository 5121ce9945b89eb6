/**
 * Measures what Chainwarden promises, each figure in a fresh run against the real thing: `npm run bench`, or
 * `npm run bench -- backfill memory --quick --minutes 1 --json FILE --readme`. Exits with 1 when a goal is missed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { ROOT } from '../test/tidy/sources.ts'
import { backfill } from './bench/backfill.ts'
import type { Benchmark, Figure } from './bench/figure.ts'
import { latency } from './bench/latency.ts'
import { type Machine, readMachine } from './bench/machine.ts'
import { memory } from './bench/memory.ts'
import { ready } from './bench/ready.ts'
import { formatMarkdown, formatTable } from './bench/table.ts'

const BENCHMARKS: readonly Benchmark[] = [ready, latency, backfill, memory]
const MINUTES = { full: 10, quick: 1 }
const README_BLOCK = /(<!-- bench -->)[\s\S]*?(<!-- \/bench -->)/

interface Asked {
  readonly benchmarks: readonly Benchmark[]
  readonly isQuick: boolean
  readonly minutes: number
  readonly jsonFile: string | undefined
  readonly readme: boolean
}

function readArguments(): Asked | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      json: { type: 'string' },
      readme: { type: 'boolean', default: false },
    },
  })
  const minutes = Number(values.minutes ?? (values.quick ? MINUTES.quick : MINUTES.full))
  const isKnown = positionals.every((name) => BENCHMARKS.some((benchmark) => benchmark.name === name))
  if (!isKnown || !(minutes > 0)) return undefined
  return {
    benchmarks: BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    isQuick: values.quick,
    minutes,
    jsonFile: values.json,
    readme: values.readme,
  }
}

async function run({ benchmarks, isQuick, minutes }: Asked): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const benchmark of benchmarks) {
    const folder = mkdtempSync(join(tmpdir(), `chainwarden-bench-${benchmark.name}-`))
    const say = (what: string) => process.stderr.write(`${benchmark.name}: ${what}\n`)
    try {
      figures.push(...(await benchmark.run({ isQuick, minutes, folder, say })))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return figures
}

function updateReadme(figures: readonly Figure[], machine: Machine): void {
  const file = join(ROOT, 'README.md')
  const text = readFileSync(file, 'utf8')
  if (!README_BLOCK.test(text)) throw new Error('README.md has no <!-- bench --> ... <!-- /bench -->')
  const block = formatMarkdown(figures, machine)
  writeFileSync(
    file,
    text.replace(README_BLOCK, (_, start: string, end: string) => `${start}\n\n${block}\n\n${end}`),
  )
}

const asked = readArguments()
if (asked === undefined) {
  const names = BENCHMARKS.map(({ name }) => `[${name}]`).join(' ')
  process.stderr.write(`usage: npm run bench -- ${names} [--quick] [--minutes N] [--json FILE] [--readme]\n`)
  process.exit(2)
}
const before = readMachine()
const figures = await run(asked)
const machine = { ...before, loadAfter: readMachine().loadBefore }
process.stdout.write(`${formatTable(figures, machine)}${asked.isQuick ? 'A quick run: not for the record.\n' : ''}`)
if (asked.jsonFile !== undefined) {
  const document = {
    quick: asked.isQuick,
    machine,
    figures: figures.map((figure) => ({ ...figure, ratio: figure.value / figure.goal })),
  }
  writeFileSync(asked.jsonFile, `${JSON.stringify(document, null, 2)}\n`)
}
if (asked.readme) updateReadme(figures, machine)
process.exitCode = figures.every(({ value, goal }) => value <= goal) ? 0 : 1
