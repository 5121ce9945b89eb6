import type { Expr } from '../../../promql/index.ts'
import type { Rule } from '../../rule-file.ts'
import type { Check, Subject } from '../finding.ts'
import { binariesOf, callsOf, isWithin, rewrite, selectorsIn, textOf, thresholdsOf } from '../syntax.ts'

const PER_SECOND = new Set(['rate', 'irate'])
const PERCENT = /(\d+(?:\.\d+)?)\s*(?:%|percent|per cent)/gi
/** How far a percentage in a text may be from the limit: what `0.1 * 100` may lose. */
const TOLERANCE = 1e-9

/** A threshold that the texts call a percentage, on what is a number per second. */
export const rateAsRatio: Check = {
  name: 'rate-as-ratio',
  find(subject) {
    const { rule } = subject
    const percentages = percentagesIn(rule)
    return thresholdsOf(rule.parsed).flatMap(({ measured, limit, whole }) => {
      const said = percentages.find((percent) => isAbout(percent / 100, limit) || isAbout(percent, limit))
      if (said === undefined || !isPerSecond(measured)) return []
      const [selector] = callsOf(measured, PER_SECOND).flatMap(({ node }) => selectorsIn(node))
      const total = selector === undefined ? undefined : totalOf(selector.node.name, subject)
      const better = total === undefined ? undefined : asRatio(rule.expr, measured, { ...total, said, limit, whole })
      return [
        {
          message: `the texts say ${said} %, but ${textOf(rule.expr, measured)} is a number per second: ${textOf(rule.expr, whole)} means ${limit} of them each second`,
          suggestion: {
            words: 'divide by the rate of all of them, so that the threshold is a share',
            expr: better,
          },
        },
      ]
    })
  },
}

function percentagesIn(rule: Rule): readonly number[] {
  const texts = rule.kind === 'alert' ? [...Object.values(rule.annotations), ...Object.values(rule.labels)] : []
  return texts.flatMap((text) => [...text.matchAll(PERCENT)].map((match) => Number(match[1])))
}

function isAbout(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE
}

/** Seconds per second are a share: of a core that is busy, of the time that is spent waiting. */
const SECONDS = /_seconds(?:_total|_sum)?$/

/** A rate that nothing is divided by, nor multiplied with. */
function isPerSecond(measured: Expr): boolean {
  const rates = callsOf(measured, PER_SECOND)
  if (selectorsIn(measured).some(({ node }) => SECONDS.test(node.name))) return false
  return rates.length > 0 && binariesOf(measured).length === 0 && rates.every(({ path }) => !isWithin(path, PER_SECOND))
}

interface Total {
  readonly name: string
  readonly total: string
}

/** The counter of all that the given one counts a part of: its sibling among the known metrics, else by habit. */
function totalOf(name: string, { knowledge }: Subject): Total | undefined {
  const stem = /^(.+)_[a-z]+_total$/.exec(name)?.[1]
  if (stem === undefined) return undefined
  const siblings = [...knowledge.metrics].flatMap(([other, { type }]) =>
    type === 'counter' && other.startsWith(`${stem}_`) && other !== name ? [other] : [],
  )
  return { name, total: siblings[0] ?? `${stem}_total` }
}

interface Ratio extends Total {
  readonly said: number
  readonly limit: number
  readonly whole: Expr
}

function asRatio(expr: string, measured: Expr, { name, total, said, limit, whole }: Ratio): string | undefined {
  const part = textOf(expr, measured)
  const all = part.replaceAll(new RegExp(String.raw`(?<![\w:])${name}(?![\w:])`, 'g'), total)
  const ratio = `(${part} / ${all})`
  const share = isAbout(said, limit) && said >= 1 ? `100 * ${ratio}` : ratio
  const isWhole = whole.start <= measured.start && measured.end <= whole.end
  return isWhole ? rewrite(expr, [{ start: measured.start, end: measured.end, by: share }]) : undefined
}
