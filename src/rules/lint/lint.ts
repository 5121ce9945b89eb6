import { compareText } from '../../core/labels.ts'
import type { Rule, RuleGroup } from '../rule-file.ts'
import { absentCannotName } from './checks/absent-cannot-name.ts'
import { collidingLabels } from './checks/colliding-labels.ts'
import { counterBornLate } from './checks/counter-born-late.ts'
import { forPastWindow } from './checks/for-past-window.ts'
import { forShorterThanInterval } from './checks/for-shorter-than-interval.ts'
import { neverEqual } from './checks/never-equal.ts'
import { rateAsRatio } from './checks/rate-as-ratio.ts'
import { rateOnGauge } from './checks/rate-on-gauge.ts'
import { rawBuckets } from './checks/raw-buckets.ts'
import { thresholdAboveBounds } from './checks/threshold-above-bounds.ts'
import { unknownJob } from './checks/unknown-job.ts'
import { unwrittenSeries } from './checks/unwritten-series.ts'
import type { Check, Finding, Subject } from './finding.ts'
import type { RuleKnowledge } from './knowledge.ts'

/** Every check. */
const CHECKS: readonly Check[] = [
  rateAsRatio,
  rawBuckets,
  thresholdAboveBounds,
  unwrittenSeries,
  unknownJob,
  forShorterThanInterval,
  forPastWindow,
  absentCannotName,
  collidingLabels,
  neverEqual,
  rateOnGauge,
  counterBornLate,
]

export interface LintOptions {
  readonly knowledge: RuleKnowledge
  /** Rules that are loaded beside them and are not judged: what they record is written. */
  readonly others?: readonly RuleGroup[]
}

/** What is probably wrong with rules that are valid, in the order of their files and lines. Pure. */
export function lintRules(groups: readonly RuleGroup[], { knowledge, others = [] }: LintOptions): readonly Finding[] {
  const all = [...groups, ...others]
  const recorded = new Set(
    all.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : []))),
  )
  const placed = groups.flatMap((group) => group.rules.map((rule) => ({ group, rule })))
  const byName = Map.groupBy(placed, ({ group, rule }) => nameKey(group, rule))
  const findings = groups.flatMap((group) =>
    group.rules.flatMap((rule) => {
      const namesakes = (byName.get(nameKey(group, rule)) ?? []).map((one) => one.rule)
      return findingsOf({ rule, group, groups, namesakes, recorded, knowledge })
    }),
  )
  return findings.toSorted((a, b) => compareText(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0))
}

function nameKey({ file }: RuleGroup, { kind, name }: Rule): string {
  return `${file}\n${kind}\n${name}`
}

function findingsOf(subject: Subject): readonly Finding[] {
  const { rule, group } = subject
  return CHECKS.flatMap(({ name, find }) =>
    find(subject).map(({ message, suggestion }) => ({
      file: group.file,
      line: rule.line,
      group: group.name,
      rule: rule.name,
      check: name,
      message,
      suggestion,
    })),
  )
}
