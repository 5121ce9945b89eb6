import { formatFloat } from '../../../promql/index.ts'
import type { Check, Subject } from '../finding.ts'
import { familyOf } from '../knowledge.ts'
import { callsOf, rewrite, selectorsIn, textOf, thresholdsOf } from '../syntax.ts'

const QUANTILE = new Set(['histogram_quantile'])
/** The last finite bound of a client library's histogram of seconds that names no bounds of its own. */
const DEFAULT_LAST_BOUND = 10

/** A quantile never comes above the last finite bound, so it never passes a threshold up there. */
export const thresholdAboveBounds: Check = {
  name: 'threshold-above-bounds',
  find: (subject) =>
    thresholdsOf(subject.rule.parsed).flatMap(({ whole, measured, operator, limit, limitNode }) => {
      if (operator !== '>' && operator !== '>=') return []
      const bounds = callsOf(measured, QUANTILE).flatMap(({ node }) =>
        selectorsIn(node).flatMap(({ node: selector }) => lastBoundOf(selector.name, subject) ?? []),
      )
      const last = bounds.toSorted((a, b) => b.bound - a.bound)[0]
      if (last === undefined) return []
      if (operator === '>' ? limit < last.bound : limit <= last.bound) return []
      const text = subject.rule.expr
      const isLeft = limitNode.start === whole.start
      const atBound = isLeft
        ? `${formatFloat(last.bound)} <= ${textOf(text, measured)}`
        : `${textOf(text, measured)} >= ${formatFloat(last.bound)}`
      return [
        {
          message: `${last.words}, and a quantile is never above the last finite bound: ${formatFloat(limit)} is never passed`,
          suggestion: {
            words: `give the histogram bounds beyond ${formatFloat(limit)}; until then, ask whether the last bound is reached`,
            expr: rewrite(text, [{ start: whole.start, end: whole.end, by: atBound }]),
          },
        },
      ]
    }),
}

interface LastBound {
  readonly bound: number
  readonly words: string
}

function lastBoundOf(name: string, { knowledge, recorded }: Subject): LastBound | undefined {
  if (!name.endsWith('_bucket') || recorded.has(name)) return undefined
  const family = familyOf(name, knowledge)
  const bound = knowledge.metrics.get(family)?.bounds?.at(-1)
  if (bound !== undefined) return { bound, words: `the bounds of ${family} end at ${formatFloat(bound)}` }
  // A histogram of ours whose bounds are nowhere told.
  if (knowledge.configured?.written.has(family) === true) return undefined
  if (!name.endsWith('_seconds_bucket')) return undefined
  return {
    bound: DEFAULT_LAST_BOUND,
    words: `unless ${family} has bounds of its own, they are those of the client libraries and end at ${DEFAULT_LAST_BOUND}`,
  }
}
