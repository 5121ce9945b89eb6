import type { Rule, RuleGroup } from './rule-file.ts'

/** What `rules.overrides` may change of an alert, by its name, wherever it comes from. `false` leaves it out. */
export type RuleOverride =
  | false
  | {
      readonly for?: number | undefined
      readonly severity?: string | undefined
      /** `resolve`: what cannot be seen is over, as in Prometheus. */
      readonly missing?: 'resolve' | undefined
    }

/** Groups with the overrides in them; a group that loses its last rule is gone. */
export function overrideRules(
  groups: readonly RuleGroup[],
  overrides: Readonly<Record<string, RuleOverride>>,
): readonly RuleGroup[] {
  return groups
    .map((group) => ({ ...group, rules: group.rules.flatMap((rule) => overrideRule(rule, overrides)) }))
    .filter((group) => group.rules.length > 0)
}

function overrideRule(rule: Rule, overrides: Readonly<Record<string, RuleOverride>>): readonly Rule[] {
  if (rule.kind === 'record' || !Object.hasOwn(overrides, rule.name)) return [rule]
  const override = overrides[rule.name]
  if (override === undefined) return [rule]
  if (override === false) return []
  return [
    {
      ...rule,
      forMs: override.for ?? rule.forMs,
      whenBlind: override.missing ?? rule.whenBlind,
      labels: override.severity === undefined ? rule.labels : { ...rule.labels, severity: override.severity },
    },
  ]
}
