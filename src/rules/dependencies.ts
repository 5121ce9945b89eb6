import { METRIC_NAME } from '../core/labels.ts'
import type { PartLedger, PartRef } from './part-ledger.ts'
import type { PlannedRule, RulePlan } from './plan.ts'

/**
 * What an alert of a rule rests on. An alert of a target rests on the parts of that target that its rule's metrics come
 * from, recorded metrics being traced back to what they are made of. Any other alert rests on the parts of every series
 * that its rule selects.
 */
export interface Dependencies {
  partsOf(rule: PlannedRule, target: string): readonly PartRef[]
}

interface Remembered {
  readonly stamp: string
  readonly byTarget: Map<string, readonly PartRef[]>
}

/** Answers are kept until a metric turns up in another part, or other series are selected. */
export function createDependencies(plan: RulePlan, ledger: PartLedger): Dependencies {
  const remembered = new WeakMap<PlannedRule, Remembered>()

  function find(rule: PlannedRule, target: string): readonly PartRef[] {
    if (target !== '') return ledger.partsOf(target, plan.rootsOf(rule).names)
    const metrics = new Map<string, Set<string>>()
    collectMetrics(rule, metrics, new Set())
    return [...metrics].flatMap(([owner, names]) => ledger.partsOf(owner, names.has('') ? 'any' : names))
  }

  /** The metrics of each target that the rule reads, itself or through rules that record them; '' is any. */
  function collectMetrics(rule: PlannedRule, metrics: Map<string, Set<string>>, seen: Set<PlannedRule>): void {
    if (seen.has(rule)) return
    seen.add(rule)
    for (const { labels } of rule.progress.reads.flat()) {
      const name = labels[METRIC_NAME] ?? ''
      const makers = plan.makersOf(name)
      const owner = labels['target']
      if (owner === undefined) {
        for (const maker of makers) collectMetrics(maker, metrics, seen)
        continue
      }
      // What a local rule gives without a target comes from series without one.
      if (rule.isLocal) continue
      const names = metrics.get(owner) ?? new Set()
      metrics.set(owner, names.add(name))
      for (const maker of makers) for (const root of namesOf(maker)) names.add(root)
    }
  }

  function namesOf(maker: PlannedRule): Iterable<string> {
    const { names } = plan.rootsOf(maker)
    return names === 'any' ? [''] : names
  }

  function remember(rule: PlannedRule, stamp: string): Remembered {
    const fresh = { stamp, byTarget: new Map() }
    remembered.set(rule, fresh)
    return fresh
  }

  return {
    partsOf(rule, target) {
      const readings = plan.rootsOf(rule).rules.reduce((sum, root) => sum + root.progress.readsVersion, 0)
      const stamp = `${ledger.generation} ${readings}`
      const known = remembered.get(rule)
      const { byTarget } = known?.stamp === stamp ? known : remember(rule, stamp)
      const parts = byTarget.get(target) ?? find(rule, target)
      byTarget.set(target, parts)
      return parts
    },
  }
}
