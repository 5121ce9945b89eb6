import type { Check, Subject } from '../finding.ts'
import { metricOf } from '../knowledge.ts'
import { callsOf, nodesOf, rewrite } from '../syntax.ts'

/** The same for a gauge. `resets` and `changes` are left alone: of a gauge they are something else, but not wrong. */
const FOR_GAUGES: Readonly<Record<string, string>> = { rate: 'deriv', irate: 'deriv', increase: 'delta' }
const COUNTERS_ONLY = new Set(Object.keys(FOR_GAUGES))

/** Names that gauges have, where nothing is known of the metric. */
const GAUGE_NAME = /(?:_ratio|_percent|_celsius|_info|_bytes|_timestamp_seconds)$/
const COUNTED_BYTES = /_(?:received?|transmit(?:ted)?|read|written|sent|rx|tx)_/

/** Every fall of a gauge looks like a counter that began again at 0, so what is added is its whole value. */
export const rateOnGauge: Check = {
  name: 'rate-on-gauge',
  find: (subject) =>
    callsOf(subject.rule.parsed, COUNTERS_ONLY).flatMap(({ node: call }) =>
      nodesOf(call).flatMap(({ node }) => {
        if (node.kind !== 'matrix' || !isGauge(node.selector.name, subject)) return []
        const instead = FOR_GAUGES[call.name] ?? 'delta'
        return [
          {
            message: `${node.selector.name} is a gauge, and ${call.name} takes each fall for a counter that began again: it counts what never happened`,
            suggestion: {
              words: `use ${instead}`,
              expr: rewrite(subject.rule.expr, [
                { start: call.start, end: call.start + call.name.length, by: instead },
              ]),
            },
          },
        ]
      }),
    ),
}

function isGauge(name: string, { knowledge, recorded }: Subject): boolean {
  const known = metricOf(name, knowledge)
  if (known !== undefined) return known.type === 'gauge'
  if (recorded.has(name) || name.includes(':')) return false
  return GAUGE_NAME.test(name) && !COUNTED_BYTES.test(name)
}
