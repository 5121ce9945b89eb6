import { METRIC_NAME } from '../../../core/labels.ts'
import type { Check } from '../finding.ts'
import { callsOf, isWithin, rewrite, selectorsIn } from '../syntax.ts'

const QUANTILES = new Set(['histogram_quantile', 'histogram_fraction', 'histogram_quantiles'])
/** What makes of a counter what happened in a window. */
const WINDOWED = new Set(['rate', 'irate', 'increase', 'delta', 'idelta'])

/** A quantile over buckets since the process started, rather than over the last minutes. */
export const rawBuckets: Check = {
  name: 'raw-buckets',
  find: ({ rule, recorded }) =>
    callsOf(rule.parsed, QUANTILES).flatMap(({ node: call }) =>
      selectorsIn(call).flatMap(({ node: selector, path }) => {
        const isCounter =
          selector.name.endsWith('_bucket') && !recorded.has(selector.name) && !selector.name.includes(':')
        const isSubtracted = path.some((around) => around.kind === 'binary' && around.operator === '-')
        if (!isCounter || isSubtracted || isWithin(path, WINDOWED)) return []
        const isInRange = path.at(-1)?.kind === 'matrix'
        const [start, end] = [selector.start, selector.end]
        return [
          {
            message: `${call.name} over the raw ${selector.matchers.find(({ name }) => name === METRIC_NAME)?.value} is over everything since its process started: what is slow now hardly moves it, and it never comes back down`,
            suggestion: {
              words: 'take the rate of the buckets first',
              expr: isInRange
                ? undefined
                : rewrite(rule.expr, [{ start, end, by: `rate(${withRange(rule.expr.slice(start, end))})` }]),
            },
          },
        ]
      }),
    ),
}

const DEFAULT_RANGE = '[5m]'

/** The range goes before `offset` and `@`. */
function withRange(selector: string): string {
  const text = selector.trim()
  const modifier = /\s+(?:offset\b|@)[^"'`]*$/.exec(text)
  if (modifier === null) return `${text}${DEFAULT_RANGE}`
  return `${text.slice(0, modifier.index)}${DEFAULT_RANGE}${modifier[0]}`
}
