import type { ActiveAlert } from './alert-book.ts'
import type { PlannedRule } from './plan.ts'

/**
 * Finds the rule that an alert belongs to now: the one of its source. Where a group has several rules of one name they may
 * have changed places, so then the labels decide: those that a rule writes down plainly must be those of the alert.
 */
export function createHomes(rules: readonly PlannedRule[]): (alert: ActiveAlert) => PlannedRule | undefined {
  const bySource = new Map<string, PlannedRule[]>()
  for (const rule of rules) {
    if (rule.rule.kind === 'record') continue
    const name = withoutNumber(rule.source)
    bySource.set(name, [...(bySource.get(name) ?? []), rule])
  }
  return (alert) => {
    const candidates = bySource.get(withoutNumber(alert.source)) ?? []
    const own = candidates.filter(({ source }) => source === alert.source)
    const ordered = [...own, ...candidates]
    return ordered.find((candidate) => fits(candidate, alert)) ?? ordered[0]
  }
}

function withoutNumber(source: string): string {
  return source.replace(/#\d+$/, '')
}

function fits({ rule }: PlannedRule, alert: ActiveAlert): boolean {
  return Object.entries(rule.labels).every(
    ([name, value]) => value.includes('{{') || (alert.labels[name] ?? '') === value,
  )
}
