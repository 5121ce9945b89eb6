import type { Matcher } from '../../../core/matcher.ts'
import type { Check, Remark, Subject } from '../finding.ts'
import { alternativesOf, callsOf, rewrite, selectorsIn, textOf } from '../syntax.ts'
import { distanceOf } from './unwritten-series.ts'

const ABSENT = new Set(['absent', 'absent_over_time'])

/**
 * `up{job="x"} == 0` says nothing where no target has that job: what was to be watched is not, and nobody hears of it.
 * With no configuration at hand nobody knows, and only `up` without an `absent` beside it is named.
 */
export const unknownJob: Check = {
  name: 'unknown-job',
  find(subject) {
    const { rule, knowledge } = subject
    return selectorsIn(rule.parsed).flatMap(({ node, path }): readonly Remark[] => {
      const job = node.matchers.find(({ name, operator }) => name === 'job' && (operator === '=' || operator === '=~'))
      const isAbsent = path.some((around) => around.kind === 'call' && ABSENT.has(around.name))
      if (job === undefined || job.value === '' || isAbsent) return []
      const { configured } = knowledge
      if (configured === undefined) return node.name === 'up' ? unsure(subject, node, job) : []
      if (configured.isOpen || [...configured.jobs].some((known) => job.matches(known))) return []
      return [missing(subject, node, job, configured.jobs)]
    })
  },
}

interface Span {
  readonly start: number
  readonly end: number
}

function unsure(subject: Subject, selector: Span, job: Matcher): readonly Remark[] {
  if (isGuarded(subject, job)) return []
  const text = textOf(subject.rule.expr, selector)
  return [
    {
      message: `this says nothing at all when no target has the job ${job.value}, and no configuration was given (-c) that would tell`,
      suggestion: { words: 'ask as well whether it is there', expr: orAbsent(subject, text, job) },
    },
  ]
}

function missing(subject: Subject, selector: Span, job: Matcher, jobs: ReadonlySet<string>): Remark {
  const [nearest] = [...jobs].toSorted((a, b) => distanceOf(a, job.value) - distanceOf(b, job.value))
  const isNear = nearest !== undefined && distanceOf(nearest, job.value) <= job.value.length / 2
  const text = textOf(subject.rule.expr, selector)
  const by = text.replace(JSON.stringify(job.value), JSON.stringify(nearest))
  return {
    message: `no target has the job ${job.value}; there are: ${[...jobs].join(', ') || 'none'}`,
    suggestion: {
      words: isNear ? `perhaps ${nearest} is meant` : 'set `job` of the target, or ask as well whether it is there',
      expr: isNear && by !== text ? rewrite(subject.rule.expr, [{ ...selector, by }]) : orAbsent(subject, text, job),
    },
  }
}

function orAbsent({ rule }: Subject, selector: string, job: Matcher): string | undefined {
  const name = /^[^{]*/.exec(selector)?.[0] ?? ''
  const each = alternativesOf(job) ?? []
  const absences = each.map((value) => ` or absent(${name}{job=${JSON.stringify(value)}})`)
  if (absences.length === 0) return undefined
  return rewrite(rule.expr, [{ start: rule.expr.trimEnd().length, end: rule.expr.length, by: absences.join('') }])
}

/** Whether some rule already says when the job is not there. */
function isGuarded({ groups }: Subject, job: Matcher): boolean {
  return groups.some(({ rules }) =>
    rules.some((rule) =>
      callsOf(rule.parsed, ABSENT).some(({ node }) =>
        selectorsIn(node).some(({ node: selector }) =>
          selector.matchers.some(({ name, value }) => name === 'job' && value === job.value),
        ),
      ),
    ),
  )
}
