import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { ConfigError, type ConfigFault, messageOf } from '../lib/errors.ts'
import { parseRuleFile, type RuleGroup } from '../rules/index.ts'

export interface LoadedRules {
  readonly groups: readonly RuleGroup[]
  readonly faults: readonly ConfigFault[]
}

/** Reads Prometheus rule files by name or pattern, relative to `folder`. A pattern that finds nothing is a fault. */
export function loadRuleFiles(patterns: readonly string[], folder: string): LoadedRules {
  const results = patterns.map((pattern) => {
    const files = isPattern(pattern) ? globSync(pattern, { cwd: folder }).toSorted() : [pattern]
    if (files.length === 0) return failed({ message: `no rule file is called ${pattern}`, path: 'rules.files' })
    return join(files.map((file) => loadFile(resolve(folder, file), shownName(file, folder))))
  })
  return join(results)
}

/** Reads rules that come with the product. */
export function loadBuiltInRules(files: readonly URL[]): readonly RuleGroup[] {
  return files.flatMap((url) => {
    const file = fileURLToPath(url)
    const name = `builtin/${basename(dirname(file))}/${basename(file)}`
    return parseRuleFile(readFileSync(file, 'utf8'), name)
  })
}

function loadFile(file: string, shown: string): LoadedRules {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return failed({ file: shown, message: `the rule file cannot be read: ${messageOf(error)}` })
  }
  try {
    return { groups: parseRuleFile(text, shown), faults: [] }
  } catch (error) {
    if (error instanceof ConfigError) return { groups: [], faults: error.faults }
    throw error
  }
}

function failed(fault: ConfigFault): LoadedRules {
  return { groups: [], faults: [fault] }
}

function join(results: readonly LoadedRules[]): LoadedRules {
  return { groups: results.flatMap(({ groups }) => groups), faults: results.flatMap(({ faults }) => faults) }
}

function isPattern(text: string): boolean {
  return /[*?]/.test(text)
}

/** Rules are known by their file's name, so it must not change with the folder Chainwarden was started in. */
function shownName(file: string, folder: string): string {
  return isAbsolute(file) ? relative(folder, file) : file
}
