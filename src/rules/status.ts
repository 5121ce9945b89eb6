import type { Labels } from '../core/labels.ts'
import type { ActiveAlert } from './alert-book.ts'
import type { PlannedGroup, PlannedRule } from './plan.ts'

/** One pending or firing alert. Times are milliseconds UTC. */
interface RuleAlertStatus {
  readonly labels: Labels
  readonly annotations: Labels
  readonly state: 'pending' | 'firing'
  readonly activeAt: number
  readonly value: number
  /** Since when its element is missing, while `keep_firing_for` holds it. */
  readonly missingSince: number | undefined
  /** Since when it cannot be seen. */
  readonly unknownSince: number | undefined
}

interface RuleStatus {
  readonly type: 'alerting' | 'recording'
  readonly name: string
  readonly query: string
  readonly labels: Labels
  readonly annotations: Labels
  readonly forMs: number
  readonly keepFiringForMs: number
  /** `unknown` before the first evaluation. */
  readonly health: 'ok' | 'err' | 'unknown'
  readonly lastError: string
  /** Milliseconds UTC; 0 before the first evaluation. */
  readonly lastEvaluationAt: number
  readonly evaluationMs: number
  readonly isLocal: boolean
  readonly alerts: readonly RuleAlertStatus[]
}

/** One group, as `/api/v1/rules` shows it. */
export interface RuleGroupStatus {
  readonly name: string
  readonly file: string
  readonly intervalMs: number
  readonly limit: number
  readonly queryOffsetMs: number
  readonly lastEvaluationAt: number
  readonly evaluationMs: number
  /** Ticks that were skipped because the evaluation before was not over. */
  readonly missedIterations: number
  readonly rules: readonly RuleStatus[]
}

export function statusOf(groups: readonly PlannedGroup[]): readonly RuleGroupStatus[] {
  return groups.map(({ group, intervalMs, lastAt, lastDurationMs, missed, rules }) => ({
    name: group.name,
    file: group.file,
    intervalMs,
    limit: group.limit,
    queryOffsetMs: group.queryOffsetMs,
    lastEvaluationAt: lastAt,
    evaluationMs: lastDurationMs ?? 0,
    missedIterations: missed,
    rules: rules.map(statusOfRule),
  }))
}

function statusOfRule({ rule, book, progress, isLocal }: PlannedRule): RuleStatus {
  const isAlert = rule.kind === 'alert'
  const { errors, lastDurationMs } = progress
  const [lastError] = errors.values()
  return {
    type: isAlert ? 'alerting' : 'recording',
    name: rule.name,
    query: rule.expr,
    labels: rule.labels,
    annotations: isAlert ? rule.annotations : {},
    forMs: isAlert ? rule.forMs : 0,
    keepFiringForMs: isAlert ? rule.keepFiringForMs : 0,
    health: healthOf(lastError, lastDurationMs),
    lastError: lastError ?? '',
    lastEvaluationAt: progress.lastAt,
    evaluationMs: lastDurationMs ?? 0,
    isLocal,
    alerts: [...book.all()].map(statusOfAlert),
  }
}

function healthOf(lastError: string | undefined, lastDurationMs: number | undefined): RuleStatus['health'] {
  if (lastError !== undefined) return 'err'
  return lastDurationMs === undefined ? 'unknown' : 'ok'
}

function statusOfAlert({ labels, annotations, state, value }: ActiveAlert): RuleAlertStatus {
  return {
    labels,
    annotations,
    state: state.phase,
    activeAt: state.activeAt,
    value,
    missingSince: state.missingSince,
    unknownSince: state.unknown?.since,
  }
}
