import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { collectors } from '../collectors/index.ts'
import type { EventTable } from '../core/event.ts'
import type { ConfigFault } from '../lib/errors.ts'
import {
  checkEventRules,
  compileEventRules,
  type EventRule,
  type EventRuleConfig,
  eventRuleSchema,
  parseEventRuleFile,
} from '../rules/index.ts'
import type { ConfigDocument } from './document.ts'
import { faultAt, faultsOf } from './faults.ts'
import type { ConfiguredTarget } from './targets.ts'

/** Names the operator's own event rules for ever, wherever their file lies: what is stored of them hangs on it. */
const OWN_FILE = 'config'

export interface LoadedEventRules {
  readonly rules: readonly EventRule[]
  readonly faults: readonly ConfigFault[]
}

interface EventRuleSource {
  readonly document: ConfigDocument
  readonly file: string
  readonly useDefaults: boolean
}

/** The operator's own event rules, and those that the types of targets bring for their own targets. */
export function loadEventRules(
  items: readonly unknown[],
  targets: readonly ConfiguredTarget[],
  source: EventRuleSource,
): LoadedEventRules {
  const own = parseOwn(items, source)
  const builtIn = source.useDefaults ? loadBuiltIn(targets) : []
  return { rules: [...compileEventRules(own.rules, OWN_FILE), ...builtIn], faults: own.faults }
}

function parseOwn(
  items: readonly unknown[],
  { document, file }: EventRuleSource,
): { readonly rules: readonly EventRuleConfig[]; readonly faults: readonly ConfigFault[] } {
  const rules: EventRuleConfig[] = []
  /** Where each rule that can be read stands in the list. */
  const places: number[] = []
  const faults: ConfigFault[] = []
  for (const [index, item] of items.entries()) {
    const parsed = eventRuleSchema.safeParse(item)
    if (parsed.success) {
      rules.push(parsed.data)
      places.push(index)
    } else faults.push(...faultsOf(parsed.error.issues, document, file, ['event_rules', index]))
  }
  for (const { path, message } of checkEventRules(rules, everyEvent())) {
    const [place = 0, ...below] = path
    faults.push(faultAt(['event_rules', places[Number(place)] ?? 0, ...below], message, document, file))
  }
  return { rules, faults }
}

function everyEvent(): EventTable {
  return Object.fromEntries(collectors.flatMap(({ events }) => Object.entries(events)))
}

/** Each file once, for the targets whose type and configuration bring it. */
function loadBuiltIn(targets: readonly ConfiguredTarget[]): readonly EventRule[] {
  const files = new Map<string, { readonly events: EventTable; readonly names: string[] }>()
  for (const { definition, config } of targets) {
    for (const { href } of definition.rules(config).eventRules) {
      const known = files.get(href) ?? { events: definition.events, names: [] }
      known.names.push(config.name)
      files.set(href, known)
    }
  }
  return [...files].flatMap(([href, { events, names }]) => {
    const path = fileURLToPath(href)
    const name = `builtin/${basename(dirname(path))}/${basename(path)}`
    return compileEventRules(parseEventRuleFile(readFileSync(path, 'utf8'), name, events), name, names)
  })
}
