import type { Config } from '../config/index.ts'
import { type Finding, lintRules } from '../rules/index.ts'
import { readRuleFiles } from './rule-files.ts'
import { ruleKnowledge } from './rule-knowledge.ts'

/** Groups that come with a type of target are named so by the configuration. */
const BUILT_IN = 'builtin/'

/**
 * What is probably wrong with these rule files, or with all that the configuration names.
 *
 * @param config undefined where there is none
 * @throws ConfigError with every fault of a file that cannot be read
 */
export function lintRuleFiles(
  files: readonly string[],
  config: Config | undefined,
): { readonly findings: readonly Finding[]; readonly rules: number } {
  const configured = config?.ruleGroups ?? []
  const groups = files.length > 0 ? readRuleFiles(files) : configured.filter(({ file }) => !file.startsWith(BUILT_IN))
  const others = configured.filter((group) => !groups.includes(group))
  return {
    findings: lintRules(groups, { knowledge: ruleKnowledge(config), others }),
    rules: groups.reduce((count, group) => count + group.rules.length, 0),
  }
}
