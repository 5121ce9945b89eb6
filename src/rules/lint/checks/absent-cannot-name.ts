import { METRIC_NAME } from '../../../core/labels.ts'
import type { Check, Remark, Subject } from '../finding.ts'
import { alternativesOf, callsOf, fixedValue, type Kind, rewrite, textOf } from '../syntax.ts'

const ABSENT = new Set(['absent', 'absent_over_time'])
const REFERENCE = /\$labels\.(\w+)|\.Labels\.(\w+)/g

/** `absent()` bears only the labels its selector asks for with `=`: without any, it cannot say what is missing. */
export const absentCannotName: Check = {
  name: 'absent-cannot-name',
  find: (subject) =>
    callsOf(subject.rule.parsed, ABSENT).flatMap(({ node }) => {
      const selector = selectorOf(node)
      const named = (selector?.matchers ?? []).filter(
        ({ name }) => name !== METRIC_NAME && fixedValue(selector?.matchers ?? [], name) !== undefined,
      )
      const has = new Set([...named.map(({ name }) => name), ...Object.keys(subject.rule.labels), 'alertname'])
      const isOnlyAbsent = subject.rule.parsed.kind === 'call'
      const lost = isOnlyAbsent ? referencesOf(subject).filter((label) => !has.has(label)) : []
      const isNameless = named.length === 0 && !isNamedByHand(subject)
      if (!isNameless && lost.length === 0) return []
      return [remarkOf(subject, node, selector, lost)]
    }),
}

function remarkOf(
  subject: Subject,
  call: Kind<'call'>,
  selector: Kind<'selector'> | undefined,
  lost: readonly string[],
): Remark {
  const text = textOf(subject.rule.expr, call)
  const bears = lost.length === 0 ? 'no label' : `no label ${lost.join(', ')}`
  return {
    message: `${text} bears ${bears}, so nobody can tell what is missing; and it is silent as long as one such series is left`,
    suggestion: {
      words: 'ask for each by name, or compare with what was there within the last hour',
      expr: selector === undefined ? undefined : better(subject, call, selector),
    },
  }
}

function selectorOf({ args: [of] }: Kind<'call'>): Kind<'selector'> | undefined {
  if (of?.kind === 'selector') return of
  return of?.kind === 'matrix' ? of.selector : undefined
}

/** Labels of the rule that say by hand what it is about. */
function isNamedByHand({ rule }: Subject): boolean {
  return ['target', 'job', 'instance'].some((label) => rule.labels[label] !== undefined)
}

function referencesOf({ rule }: Subject): readonly string[] {
  if (rule.kind !== 'alert') return []
  const text = Object.values(rule.annotations).join('\n')
  return [...new Set(Array.from(text.matchAll(REFERENCE), (match) => match[1] ?? match[2] ?? ''))]
}

/** One `absent` for each of the values of `a=~"x|y"`; else whatever was there and is no more. */
function better({ rule }: Subject, call: Kind<'call'>, selector: Kind<'selector'>): string | undefined {
  const argument = textOf(rule.expr, call.args[0] ?? call)
  const plain = textOf(rule.expr, selector)
  const listed = selector.matchers.find((matcher) => matcher.operator === '=~' && alternativesOf(matcher) !== undefined)
  const values = listed === undefined ? [] : (alternativesOf(listed) ?? [])
  const each = values.map((value) =>
    listed === undefined
      ? ''
      : `${call.name}(${argument.replace(/=~\s*(["'`])(.*?)\1/, (whole, _, inner) => (inner === listed.value ? `=${JSON.stringify(value)}` : whole))})`,
  )
  const by = each.length > 0 ? each.join(' or ') : `(present_over_time(${plain}[1h]) unless ${plain})`
  return rewrite(rule.expr, [{ start: call.start, end: call.end, by }])
}
