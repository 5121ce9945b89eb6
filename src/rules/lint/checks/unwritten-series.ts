import type { Expr } from '../../../promql/index.ts'
import type { Check, Subject } from '../finding.ts'
import { familyOf } from '../knowledge.ts'
import { rewrite, selectorsIn } from '../syntax.ts'

const ALERT_SERIES = new Set(['ALERTS', 'ALERTS_FOR_STATE'])
/** Parts of names that differ by more than this many letters are not mistaken for each other. */
const DISTANCE_MAX = 4

/** A selector of a metric that neither a target nor a rule writes: the rule says nothing, for ever. */
export const unwrittenSeries: Check = {
  name: 'unwritten-series',
  find(subject) {
    const { configured } = subject.knowledge
    if (configured === undefined || configured.isOpen) return []
    return selectorsIn(subject.rule.parsed).flatMap(({ node, path }) => {
      if (node.name === '' || isWritten(node.name, subject) || isOptional(node, path)) return []
      const known = subject.knowledge.metrics.has(familyOf(node.name, subject.knowledge))
      const near = nearestOf(node.name, subject)
      const why = known ? 'comes with a type of target that is not configured' : 'is written by no target and no rule'
      const nameEnd = node.start + node.name.length
      return [
        {
          message: `${node.name} ${why}, so this rule never says anything`,
          suggestion: {
            words: near === undefined ? 'configure what writes it, or leave the rule out' : `perhaps ${near} is meant`,
            expr:
              near === undefined || !subject.rule.expr.startsWith(node.name, node.start)
                ? undefined
                : rewrite(subject.rule.expr, [{ start: node.start, end: nameEnd, by: near }]),
          },
        },
      ]
    })
  },
}

function isWritten(name: string, { knowledge, recorded }: Subject): boolean {
  if (recorded.has(name) || ALERT_SERIES.has(name)) return true
  return knowledge.configured?.written.has(familyOf(name, knowledge)) ?? true
}

/** What stands behind `or` and `unless` may be missing: that is what they are for. */
function isOptional(node: Expr, path: readonly Expr[]): boolean {
  return path.some(
    (around) =>
      around.kind === 'binary' &&
      (around.operator === 'or' || around.operator === 'unless') &&
      around.right.start <= node.start &&
      node.end <= around.right.end,
  )
}

function nearestOf(name: string, { knowledge, recorded }: Subject): string | undefined {
  const part = /_(?:bucket|sum|count)$/.exec(name)?.[0] ?? ''
  const candidates = [...(knowledge.configured?.written ?? [])].map((metric) =>
    knowledge.metrics.get(metric)?.type === 'histogram' ? `${metric}${part}` : metric,
  )
  const most = Math.min(DISTANCE_MAX, name.length / 3)
  const ranked = [...candidates, ...recorded]
    .filter((candidate) => Math.abs(candidate.length - name.length) <= most)
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .filter(({ distance }) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance)
  return ranked[0]?.candidate
}

/** How many letters must be added, taken or changed (Levenshtein). */
export function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [index, letter] of a.split('').entries()) {
    const next = [index + 1]
    for (const [column, other] of b.split('').entries()) {
      const change = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
