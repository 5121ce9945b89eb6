import { formatDuration } from '../../../lib/duration.ts'
import { isLocal, selectorsOf } from '../../../promql/index.ts'
import type { Check, Subject } from '../finding.ts'
import { metricOf } from '../knowledge.ts'

/**
 * Nobody looks again before the interval is over, so a shorter `for` waits for the interval all the same.
 *
 * A local rule is also evaluated whenever its target arrives: without an interval of its own, that is how often.
 */
export const forShorterThanInterval: Check = {
  name: 'for-shorter-than-interval',
  find(subject) {
    const { rule, group } = subject
    if (rule.kind !== 'alert' || rule.forMs === 0) return []
    const intervalMs = group.intervalMs ?? arrivalMsOf(subject) ?? subject.knowledge.defaultIntervalMs
    if (rule.forMs >= intervalMs) return []
    const interval = formatDuration(intervalMs)
    return [
      {
        message: `for is ${formatDuration(rule.forMs)}, but the rule is evaluated every ${interval}: the alert fires after ${interval}, and what lasts less is never seen`,
        suggestion: { words: 'let for be a multiple of the interval, or 0s', for: interval },
      },
    ]
  },
}

function arrivalMsOf({ rule, knowledge }: Subject): number | undefined {
  if (!isLocal(rule.parsed)) return undefined
  const intervals = selectorsOf(rule.parsed).flatMap(({ name }) => metricOf(name, knowledge)?.intervalMs ?? [])
  return intervals.length === 0 ? undefined : Math.min(...intervals)
}
