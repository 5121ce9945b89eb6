import { formatDuration } from '../../../lib/duration.ts'
import type { Check } from '../finding.ts'
import { callsOf, canonical, isAnyAtAll, nodesOf, rangeMsOf, thresholdsOf } from '../syntax.ts'

const WINDOWED = new Set(['rate', 'increase'])

/** One event keeps `rate(x[w]) > 0` true for `w`: with a `for` as long as that it never fires. */
export const forPastWindow: Check = {
  name: 'for-past-window',
  find({ rule }) {
    if (rule.kind !== 'alert' || rule.forMs === 0) return []
    return thresholdsOf(rule.parsed)
      .filter(isAnyAtAll)
      .flatMap(({ measured }) => callsOf(measured, WINDOWED))
      .flatMap(({ node }) => {
        const windows = nodesOf(node).flatMap((inner) => (inner.node.kind === 'matrix' ? [rangeMsOf(inner.node)] : []))
        const [windowMs] = windows
        if (windowMs === undefined || rule.forMs < windowMs) return []
        const window = formatDuration(windowMs)
        return [
          {
            message: `what happened once keeps ${node.name} above 0 for ${window}, and for asks for ${formatDuration(rule.forMs)}: only what goes on all that time ever fires`,
            suggestion: {
              words: 'drop for: the window says already over how long it counts',
              expr: canonical(rule.expr),
              for: '0s',
            },
          },
        ]
      })
  },
}
