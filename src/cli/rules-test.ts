import { z } from 'zod'

import { testRuleFile } from '../app/rules-test.ts'
import { ConfigError, describeFault } from '../lib/errors.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'

const options = z.object({ run: z.string().optional(), json: z.boolean().default(false) })

type Run = Awaited<ReturnType<typeof testRuleFile>>

interface Result extends Run {
  readonly file: string
  /** What keeps the file, or its rules, from being read. */
  readonly faults: readonly string[]
}

/** `rules test`: runs files in promtool's unit-test format. Ends with 1 when a case fails or a file cannot be read. */
export async function rulesTest(context: CommandContext, files: readonly string[], given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const results: Result[] = []
  for (const file of files) {
    const result = await testOne(context, file, asked.run)
    results.push(result)
    if (!asked.json) context.console.out(describe(result))
  }
  if (asked.json) context.console.out(`${JSON.stringify({ files: results }, null, 2)}\n`)
  return results.every(isFine) ? EXIT.fine : EXIT.mustChange
}

async function testOne({ world }: CommandContext, file: string, run: string | undefined): Promise<Result> {
  try {
    return { file, faults: [], ...(await testRuleFile(file, world, run)) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { file, faults: error.faults.map(describeFault), passed: 0, skipped: 0, failures: [], missing: [] }
  }
}

function isFine({ faults, failures }: Result): boolean {
  return faults.length === 0 && failures.length === 0
}

function describe(result: Result): string {
  const { file, faults, missing, failures, passed, skipped } = result
  const lines = [
    ...missing.map((pattern) => `  no rule file is called ${pattern}`),
    ...faults.map((fault) => `  ${fault}`),
    ...failures.flatMap(({ test, what, expected, got }) => [
      `  ${test}: ${what}`,
      `      expected: ${indent(expected)}`,
      `      got:      ${indent(got)}`,
    ]),
    ...(skipped === 0 ? [] : [`  ${skipped} left out: they are about native histograms, which are not supported`]),
    `  ${isFine(result) ? 'SUCCESS' : 'FAILED'}: ${passed} passed, ${failures.length} failed`,
  ]
  return `${file}\n${lines.join('\n')}\n\n`
}

function indent(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(16)}`)
}
