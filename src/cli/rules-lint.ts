import { z } from 'zod'

import { lintRuleFiles } from '../app/rules-lint.ts'
import { loadConfig, readEnvironment } from '../config/index.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'

const options = z.object({ config: z.string(), envFile: z.string().optional(), json: z.boolean().default(false) })

type Finding = ReturnType<typeof lintRuleFiles>['findings'][number]

/** `rules lint`: what is probably wrong with rules that are valid, each with a better one. Ends with 1 when anything is. */
export async function rulesLint(
  { console }: CommandContext,
  files: readonly string[],
  given: unknown,
): Promise<number> {
  const asked = parseOptions(options, given)
  const config = await loadConfig({ file: asked.config, environment: readEnvironment({ file: asked.envFile }) })
  // Without a file this host would be watched; rules that are only looked at are not about it.
  const { findings, rules } = lintRuleFiles(files, config.file === undefined ? undefined : config)
  if (asked.json) console.out(`${JSON.stringify({ rules, findings: findings.map(forMachines) }, null, 2)}\n`)
  else console.out(findings.map(describe).join(''))
  if (!asked.json) console.out(summary(findings.length, rules))
  return findings.length === 0 ? EXIT.fine : EXIT.mustChange
}

function forMachines({ suggestion, ...finding }: Finding) {
  return { ...finding, line: finding.line ?? null, suggestion }
}

function describe({ file, line, rule, check, message, suggestion }: Finding): string {
  const place = line === undefined ? file : `${file}:${line}`
  return [
    `${place}: ${rule}: ${message} [${check}]\n`,
    `    ${suggestion.words}${suggestion.expr === undefined && suggestion.for === undefined ? '' : ':'}\n`,
    suggestion.expr === undefined ? '' : `        expr: ${suggestion.expr}\n`,
    suggestion.for === undefined ? '' : `        for: ${suggestion.for}\n`,
    '\n',
  ].join('')
}

function summary(findings: number, rules: number): string {
  if (rules === 0) return 'No rules: name files, or list them under rules.files of the configuration.\n'
  return findings === 0 ? `${rules} rules, nothing found.\n` : `${rules} rules, ${findings} findings.\n`
}
