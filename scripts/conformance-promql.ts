/**
 * Runs every script of Prometheus' promqltest grammar in a folder against our PromQL: `npm run conformance:promql -- DIR`.
 * Prints each failure, and last `N passed, M failed`. Exits with 1 when something failed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { runScript } from '../test/promql/runner/run-script.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('usage: npm run conformance:promql -- DIR\n')
  process.exit(2)
}

let passed = 0
let failed = 0
let skipped = 0
const files = readdirSync(folder)
  .filter((name) => /\.(?:test|promqltest)$/.test(name))
  .toSorted()
for (const file of files) {
  const report = await runScript(readFileSync(join(folder, file), 'utf8'))
  passed += report.passed
  skipped += report.skipped
  failed += report.failures.length
  for (const { line, query, expected, got } of report.failures) {
    process.stdout.write(`${file}:${line}: ${query}\n  expected: ${expected}\n  got:      ${got}\n`)
  }
}
process.stdout.write(`${skipped} skipped: they expect or read native histograms, which are not supported\n`)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
