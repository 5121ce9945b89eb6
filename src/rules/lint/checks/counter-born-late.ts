import { formatDuration } from '../../../lib/duration.ts'
import type { Check, Subject } from '../finding.ts'
import { metricOf } from '../knowledge.ts'
import { callsOf, canonical, isAnyAtAll, nodesOf, rangeMsOf, selectorsIn, textOf, thresholdsOf } from '../syntax.ts'

const WINDOWED = new Set(['rate', 'irate', 'increase'])

/**
 * A counter that appears with its first event is born as 1, and no window sees the step from nothing to 1: the first
 * event of each kind alerts nobody. The counters of our own collectors exist from the first round, at 0.
 */
export const counterBornLate: Check = {
  name: 'counter-born-late',
  find: (subject) =>
    thresholdsOf(subject.rule.parsed)
      .filter(isAnyAtAll)
      .flatMap(({ whole, measured }) =>
        callsOf(measured, WINDOWED).flatMap(({ node: call }) =>
          nodesOf(call).flatMap(({ node }) => {
            if (node.kind !== 'matrix' || !mayBeBornLate(node.selector.name, subject)) return []
            const selector = textOf(subject.rule.expr, node.selector)
            if (looksBefore(node.selector.name, subject)) return []
            const window = formatDuration(rangeMsOf(node) ?? 300_000)
            const isWhole = whole.start === subject.rule.parsed.start && whole.end === subject.rule.parsed.end
            return [
              {
                message: `${node.selector.name} may appear with its first event, as 1, and ${call.name} cannot see the step from nothing: the first event of each kind is missed`,
                suggestion: {
                  words: 'let the exporter write it from its start, at 0; else ask as well for what is new',
                  expr:
                    isWhole && node.selector.offset === undefined
                      ? canonical(`${subject.rule.expr} or (${selector} > 0 unless ${selector} offset ${window})`)
                      : undefined,
                },
              },
            ]
          }),
        ),
      ),
}

function mayBeBornLate(name: string, { knowledge, recorded }: Subject): boolean {
  return metricOf(name, knowledge) === undefined && !recorded.has(name) && !name.includes(':')
}

/** Whether the rule compares it with what was before: the mended form of this very finding does. */
function looksBefore(name: string, { rule }: Subject): boolean {
  return selectorsIn(rule.parsed).some(({ node }) => node.name === name && node.offset !== undefined)
}
