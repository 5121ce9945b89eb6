import { readFileSync } from 'node:fs'

import { ConfigError, type ConfigFault, messageOf } from '../lib/errors.ts'
import { parseRuleFile, type RuleGroup } from '../rules/index.ts'

/**
 * Reads rule files by name.
 *
 * @throws ConfigError with every fault of all of them
 */
export function readRuleFiles(files: readonly string[]): readonly RuleGroup[] {
  const faults: ConfigFault[] = []
  const groups = files.flatMap((file) => {
    try {
      return parseRuleFile(readText(file), file)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(...error.faults)
      return []
    }
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return groups
}

/** @throws ConfigError where the file cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([{ file, message: `the file cannot be read: ${messageOf(error)}` }])
  }
}
