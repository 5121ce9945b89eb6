import { existsSync, globSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

import type { World } from '../lib/world.ts'
import { parseUnitTest, runUnitTest, type UnitTestReport } from '../rules/index.ts'
import { readRuleFiles, readText } from './rule-files.ts'

export interface UnitTestRun extends UnitTestReport {
  /** Patterns that no rule file has: promtool goes on, and so do we, aloud. */
  readonly missing: readonly string[]
}

/**
 * Runs a file in promtool's unit-test format. Its rule files are relative to it.
 *
 * @throws ConfigError with every fault of the file, or of its rules
 */
export async function testRuleFile(
  file: string,
  world: Pick<World, 'monotonic' | 'yield'>,
  run: string | undefined,
): Promise<UnitTestRun> {
  const document = parseUnitTest(readText(file), file)
  const found = document.ruleFiles.map((pattern) => ({ pattern, files: filesOf(pattern, dirname(file)) }))
  const groups = readRuleFiles(found.flatMap(({ files }) => files))
  const report = await runUnitTest(document, groups, { clock: world, run })
  return { ...report, missing: found.flatMap(({ pattern, files }) => (files.length === 0 ? [pattern] : [])) }
}

function filesOf(pattern: string, folder: string): readonly string[] {
  const path = isAbsolute(pattern) ? pattern : join(folder, pattern)
  return existsSync(path) ? [path] : globSync(path).toSorted()
}
