import type { Labels } from '../core/labels.ts'

/** Of a target: `owner`, `contact` and `runbook_url`, as far as they are configured. */
export type ContextOf = (target: string) => Labels

/** The annotations with what the target of an alert says about itself; what the rule says wins. */
export function withContext(annotations: Labels, labels: Labels, contextOf: ContextOf): Labels {
  const target = labels['target']
  return target === undefined ? annotations : { ...contextOf(target), ...annotations }
}

/** Why an alert ended that nobody saw resolved. */
export const CLOSED_REASON = 'resolved_reason'
