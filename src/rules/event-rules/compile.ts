import { z } from 'zod'

import type { EventTable } from '../../core/event.ts'
import type { Labels } from '../../core/labels.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { RuleOverride } from '../overrides.ts'
import { type EventTemplate, parseEventTemplate } from '../template.ts'
import { faultsOfIssues, readYaml } from '../yaml-source.ts'
import { type CelProgram, compileCel } from './cel.ts'
import { checkEventRules } from './check-events.ts'
import { type EventRuleConfig, eventRuleSchema, type Window } from './schema.ts'

/** Which events a condition is about. */
export interface EventCondition {
  readonly on: string
  readonly where: CelProgram | undefined
}

export interface EventRule {
  /** `event/<file>/<alert>` */
  readonly source: string
  readonly file: string
  readonly name: string
  readonly raise: EventCondition
  readonly resolve: EventCondition | undefined
  /** Undefined: every target. The targets that brought the rule along, where it is not the operator's own. */
  readonly targets: ReadonlySet<string> | undefined
  readonly by: readonly { readonly label: string; readonly path: readonly string[] }[]
  /** One alert per event, told apart by the label `event_id`. */
  readonly isPerEvent: boolean
  /** How many facts it takes. */
  readonly needs: number
  readonly window: Window | undefined
  readonly resolveAfterMs: number | undefined
  readonly labels: readonly (readonly [string, EventTemplate])[]
  readonly annotations: readonly (readonly [string, EventTemplate])[]
}

const RESOLVE_AFTER_MS = 15 * 60_000

/**
 * Makes rules of checked configuration.
 *
 * @param file names the rules for ever: what is stored of them hangs on it
 */
export function compileEventRules(
  rules: readonly EventRuleConfig[],
  file: string,
  targets?: Iterable<string>,
): readonly EventRule[] {
  const only = targets === undefined ? undefined : new Set(targets)
  return rules.map((rule) => ({
    source: `event/${file}/${rule.alert}`,
    file,
    name: rule.alert,
    raise: condition(rule.on, rule.where),
    resolve: rule.resolve_on === undefined ? undefined : condition(rule.resolve_on.on, rule.resolve_on.where),
    targets: only,
    by: Object.entries(rule.by ?? {}).map(([label, path]) => ({ label, path })),
    isPerEvent: rule.by === undefined && rule.count === undefined,
    needs: rule.count ?? 1,
    window: rule.within,
    resolveAfterMs: rule.resolve_after ?? (rule.resolve_on === undefined ? RESOLVE_AFTER_MS : undefined),
    labels: templates(rule.labels),
    annotations: templates(rule.annotations),
  }))
}

const fileSchema = z.strictObject({ event_rules: z.array(eventRuleSchema).default([]) })

/**
 * Reads a file whose one key is `event_rules`, as collectors bring them along.
 *
 * @throws ConfigError with every fault of the file
 */
export function parseEventRuleFile(content: string, file: string, events: EventTable): readonly EventRuleConfig[] {
  const source = readYaml(content, file, 'typed')
  if (source.faults.length > 0) throw new ConfigError(source.faults)
  const parsed = fileSchema.safeParse(source.value ?? {})
  if (!parsed.success) throw new ConfigError(faultsOfIssues(source, parsed.error.issues))
  const rules = parsed.data.event_rules
  const faults = checkEventRules(rules, events)
  if (faults.length === 0) return rules
  throw new ConfigError(faults.map(({ path, message }) => source.faultAt(['event_rules', ...path], message)))
}

/** `rules.overrides` for event rules: their severity, or `false` to leave them out. */
export function overrideEventRules(
  rules: readonly EventRule[],
  overrides: Readonly<Record<string, RuleOverride>>,
): readonly EventRule[] {
  return rules.flatMap((rule) => {
    const override = Object.hasOwn(overrides, rule.name) ? overrides[rule.name] : undefined
    if (override === false) return []
    if (override?.severity === undefined) return [rule]
    const others = rule.labels.filter(([name]) => name !== 'severity')
    return [{ ...rule, labels: [...others, ['severity', parseEventTemplate(override.severity)] as const] }]
  })
}

function condition(on: string, where: string | undefined): EventCondition {
  return { on, where: where === undefined ? undefined : compileCel(where) }
}

function templates(texts: Labels): readonly (readonly [string, EventTemplate])[] {
  return Object.entries(texts).map(([name, text]) => [name, parseEventTemplate(text)] as const)
}
