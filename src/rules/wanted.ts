import type { PlannedRule, RulePlan } from './plan.ts'
import { writesOf } from './plan.ts'

/** What is to be evaluated in one pass: rules, each for some targets or for all. */
export type Wanted = Map<PlannedRule, Set<string> | 'all'>

export interface Changed {
  readonly target: string
  readonly metrics: Iterable<string>
}

/**
 * The rules that read what arrived, and those that read what these write, and so on, in an order in which each comes after
 * what it reads. Local rules are wanted for the targets that arrived. Any other is wanted only where `mayRun` lets it:
 * what it holds back has to run later.
 */
export function wantedByArrival(
  plan: RulePlan,
  changed: readonly Changed[],
  mayRun: (rule: PlannedRule) => boolean,
): Wanted {
  const wanted: Wanted = new Map()
  const held = new Set<PlannedRule>()
  const want = (rule: PlannedRule, targets: Iterable<string>): void => {
    if (rule.isLocal) {
      if (addTargets(wanted, rule, targets)) follow(plan, wanted, rule, want)
      return
    }
    if (wanted.has(rule) || held.has(rule)) return
    if (!mayRun(rule)) {
      held.add(rule)
      return
    }
    wantAll(plan, wanted, rule)
  }
  for (const { target, metrics } of changed) {
    const concerns = ({ targets }: PlannedRule) => targets === undefined || targets.has(target)
    for (const metric of metrics) {
      for (const rule of plan.readersOf(metric).filter(concerns)) want(rule, [target])
    }
  }
  return sorted(plan, wanted)
}

/** These rules for all targets, and all that read what they write. */
export function wantedWhole(plan: RulePlan, rules: Iterable<PlannedRule>): Wanted {
  const wanted: Wanted = new Map()
  for (const rule of rules) wantAll(plan, wanted, rule)
  return sorted(plan, wanted)
}

function wantAll(plan: RulePlan, wanted: Wanted, first: PlannedRule): void {
  const waiting = [first]
  for (let rule = waiting.pop(); rule !== undefined; rule = waiting.pop()) {
    if (wanted.get(rule) === 'all') continue
    wanted.set(rule, 'all')
    waiting.push(...writesOf(rule.rule).flatMap((metric) => plan.readersOf(metric)))
  }
}

/** @returns whether any of them is new */
function addTargets(wanted: Wanted, rule: PlannedRule, targets: Iterable<string>): boolean {
  const known = wanted.get(rule)
  if (known === 'all') return false
  const all = known ?? new Set()
  const before = all.size
  for (const target of targets) all.add(target)
  wanted.set(rule, all)
  return all.size > before
}

function follow(
  plan: RulePlan,
  wanted: Wanted,
  rule: PlannedRule,
  want: (rule: PlannedRule, targets: Iterable<string>) => void,
): void {
  const targets = wanted.get(rule)
  if (targets === undefined || targets === 'all') return
  for (const metric of writesOf(rule.rule)) for (const reader of plan.readersOf(metric)) want(reader, targets)
}

function sorted(plan: RulePlan, wanted: Wanted): Wanted {
  return new Map([...wanted].toSorted(([a], [b]) => plan.placeOf(a) - plan.placeOf(b)))
}
