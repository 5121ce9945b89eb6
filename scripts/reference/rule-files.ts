import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'
import { z } from 'zod'

const ROOT = join(import.meta.dirname, '../..')

const texts = z.record(z.string(), z.string()).default({})

const alertRule = z.object({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: texts,
  annotations: texts,
})
const ruleFile = z.object({ groups: z.array(z.object({ rules: z.array(alertRule) })) })

const eventRule = z.object({
  alert: z.string(),
  on: z.string(),
  where: z.string().optional(),
  labels: texts,
  annotations: texts,
  resolve_after: z.string().optional(),
})
const eventRuleFile = z.object({ event_rules: z.array(eventRule) })

/** An alert that comes with a type of target or a preset, whatever raises it. */
export type BuiltInAlert = z.output<typeof alertRule> | z.output<typeof eventRule>

/** The alerts of one folder: a type of target, or a preset. */
export interface AlertSource {
  /** `host`, `evm-contract`, `tesseract`. */
  readonly name: string
  readonly alerts: readonly BuiltInAlert[]
}

/** Every alert that comes along, as its file says it, by folder. */
export function builtInAlerts(): readonly AlertSource[] {
  const files = globSync('src/collectors/**/{rules,event-rules}.yaml', { cwd: ROOT }).toSorted()
  const folders = [...new Set(files.map((file) => file.replace(/\/[^/]*$/, '')))]
  return folders.map((folder) => ({
    name: folder.replace(/^.*\//, ''),
    alerts: files
      .filter((file) => file.startsWith(`${folder}/`) && !file.slice(folder.length + 1).includes('/'))
      .flatMap(read),
  }))
}

function read(file: string): readonly BuiltInAlert[] {
  const document: unknown = parse(readFileSync(join(ROOT, file), 'utf8'))
  if (file.endsWith('/event-rules.yaml')) return eventRuleFile.parse(document).event_rules
  return ruleFile.parse(document).groups.flatMap(({ rules }) => rules)
}
