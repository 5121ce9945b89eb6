import { z } from 'zod'

import { type CheckedTarget, checkTargets } from '../app/check.ts'
import { loadConfig, readEnvironment } from '../config/index.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { formatTable } from './table.ts'

const options = z.object({
  config: z.string(),
  envFile: z.string().optional(),
  offline: z.boolean().default(false),
  json: z.boolean().default(false),
})

/**
 * `check`: every fault of the configuration at once, and then what every endpoint in it can do. Ends with 1 when the
 * configuration must change, and with 75 when only an endpoint did not answer as it should.
 */
export async function check({ console, world }: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const config = await loadConfig({ file: asked.config, environment: readEnvironment({ file: asked.envFile }) })
  const checked = asked.offline ? [] : await checkTargets(config, world)
  const ok = checked.every(({ probes }) => probes.every((probe) => probe.ok))
  const rules = config.ruleGroups.reduce((count, group) => count + group.rules.length, 0)
  const counts = { targets: config.targets.length, rules, event_rules: config.eventRules.length }
  if (asked.json) console.out(`${JSON.stringify({ ok, ...counts, checked }, null, 2)}\n`)
  else console.out(describe(checked, counts, config.file ?? 'the default configuration (this host)'))
  return ok ? EXIT.fine : EXIT.tryAgain
}

function describe(
  checked: readonly CheckedTarget[],
  counts: { readonly targets: number; readonly rules: number; readonly event_rules: number },
  name: string,
): string {
  const rows = checked.flatMap(({ target, type, probes }) =>
    probes.map(({ what, ok, detail }) => [target, type, ok ? 'ok' : 'FAILS', what, detail]),
  )
  const table = rows.length === 0 ? '' : `\n${formatTable([['target', 'type', '', 'what', 'answer'], ...rows], 100)}`
  return `${name} is valid: ${counts.targets} targets, ${counts.rules} rules, ${counts.event_rules} event rules.\n${table}`
}
