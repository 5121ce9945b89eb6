import { z } from 'zod'

import type { Labels } from '../../core/labels.ts'
import { parseDuration } from '../../lib/duration.ts'
import { ConfigError, messageOf } from '../../lib/errors.ts'
import { parseTime } from '../../lib/time.ts'
import { parseSeriesLine, type SeriesLine } from '../../promql/index.ts'
import { faultsOfIssues, readYaml } from '../yaml-source.ts'

export interface AlertCase {
  readonly evalMs: number
  readonly alertname: string
  readonly expected: readonly { readonly labels: Labels; readonly annotations: Labels }[]
}

export interface ExprCase {
  readonly evalMs: number
  readonly expr: string
  readonly expected: readonly ExpectedSample[]
  /** It expects a native histogram, which is not supported. */
  readonly isNative: boolean
}

export interface ExpectedSample {
  readonly labels: Labels
  readonly value: number
}

/** One entry under `tests`. Times are milliseconds; those of cases count from `startMs`. */
export interface TestGroup {
  readonly name: string
  readonly startMs: number
  readonly intervalMs: number
  readonly series: readonly SeriesLine[]
  readonly alerts: readonly AlertCase[]
  readonly exprs: readonly ExprCase[]
  readonly externalLabels: Labels
  readonly externalUrl: string
}

/** A file in promtool's unit-test format. */
export interface UnitTestDocument {
  readonly ruleFiles: readonly string[]
  readonly intervalMs: number
  readonly isFuzzy: boolean
  /** Names of groups in the order they are evaluated in. */
  readonly groupOrder: readonly string[]
  readonly tests: readonly TestGroup[]
}

const DEFAULT_INTERVAL_MS = 60_000
const POINTS_MAX = 10_000_000
/** Evaluations of all rules; a year of minutes is half of it. */
const EVALUATIONS_MAX = 1_000_000

const blank = (value: unknown) => (value === '' || value === '~' || value === 'null' ? undefined : value)
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blank, schema.optional())

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `${text} is no duration: write it as 30s, 5m or 1h30m` })
  return z.NEVER
})

const instant = z.string().transform((text, context) => {
  const ms = parseTime(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `${text} is no time: write seconds since 1970 or 2026-11-20T12:00:00Z` })
  return z.NEVER
})

/** As Go's YAML reads a float. */
const float = z.string().transform((text, context) => {
  const plain = text.replaceAll('_', '').toLowerCase()
  if (/^[+-]?\.?inf$/.test(plain)) return plain.startsWith('-') ? -Infinity : Infinity
  if (/^\.?nan$/.test(plain)) return Number.NaN
  const value = Number(plain)
  if (plain !== '' && !Number.isNaN(value)) return value
  context.addIssue({ code: 'custom', message: `${text} is no number` })
  return z.NEVER
})

const boolean = z.enum(['true', 'false']).transform((text) => text === 'true')

/** The labels of `metric{label="value"}`; of an empty text none. */
const metric = z.string().transform((text, context): Labels => {
  if (text.trim() === '') return {}
  try {
    return parseSeriesLine(`${text} 0`).labels
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) })
    return z.NEVER
  }
})

const seriesLine = z
  .strictObject({ series: z.string(), values: optional(z.string()) })
  .transform(({ series, values = '' }, context) => {
    const points = Array.from(values.matchAll(/x(\d+)/g), (match) => Number(match[1]) + 1)
    try {
      if (points.reduce((sum, count) => sum + count, 0) > POINTS_MAX) throw new Error(`more than ${POINTS_MAX} samples`)
      return parseSeriesLine(`${series} ${values}`)
    } catch (error) {
      context.addIssue({ code: 'custom', message: `the series cannot be read: ${messageOf(error)}` })
      return z.NEVER
    }
  })

const texts = z.record(z.string(), z.string())

const alertCase = z.strictObject({
  eval_time: optional(duration),
  alertname: z.string().min(1, 'the name of an alert is needed'),
  exp_alerts: optional(z.array(z.strictObject({ exp_labels: optional(texts), exp_annotations: optional(texts) }))),
})

const sample = z.strictObject({ labels: optional(metric), value: optional(float), histogram: optional(z.string()) })

const exprCase = z.strictObject({
  expr: z.string(),
  eval_time: optional(duration),
  exp_samples: optional(z.array(sample)),
})

const testGroup = z.strictObject({
  interval: optional(duration),
  input_series: optional(z.array(seriesLine)),
  name: optional(z.string()),
  start_timestamp: optional(instant),
  alert_rule_test: optional(z.array(alertCase)),
  promql_expr_test: optional(z.array(exprCase)),
  external_labels: optional(texts),
  external_url: optional(z.string()),
})

const file = z.strictObject({
  rule_files: optional(z.array(z.string())),
  evaluation_interval: optional(duration),
  group_eval_order: optional(
    z.array(z.string()).refine((names) => new Set(names).size === names.length, 'a group stands here twice'),
  ),
  tests: optional(z.array(testGroup)),
  fuzzy_compare: optional(boolean),
})

/**
 * Reads a test file as promtool does (cmd/promtool/unittest.go).
 *
 * @throws ConfigError with every fault of the file
 */
export function parseUnitTest(content: string, name: string): UnitTestDocument {
  const source = readYaml(content, name)
  if (source.faults.length > 0) throw new ConfigError(source.faults)
  const parsed = file.safeParse(source.value ?? {})
  if (!parsed.success) throw new ConfigError(faultsOfIssues(source, parsed.error.issues))
  const {
    rule_files: ruleFiles = [],
    tests = [],
    group_eval_order: groupOrder = [],
    fuzzy_compare: isFuzzy = false,
  } = parsed.data
  const intervalMs = parsed.data.evaluation_interval || DEFAULT_INTERVAL_MS
  const groups = tests.map((test, index) => readGroup(test, index, intervalMs))
  const long = groups.findIndex((group) => lastEvalMs(group) / intervalMs > EVALUATIONS_MAX)
  if (long !== -1) {
    const message = `this takes more than ${EVALUATIONS_MAX} evaluations: make evaluation_interval longer`
    throw new ConfigError([source.faultAt(['tests', long], message)])
  }
  return { ruleFiles, intervalMs, isFuzzy, groupOrder, tests: groups }
}

/** When the last case of a test is looked at, from its start. */
export function lastEvalMs({ alerts, exprs }: TestGroup): number {
  return Math.max(0, ...alerts.map(({ evalMs }) => evalMs), ...exprs.map(({ evalMs }) => evalMs))
}

function readGroup(raw: z.output<typeof testGroup>, index: number, intervalMs: number): TestGroup {
  return {
    name: raw.name ?? `test ${index + 1}`,
    startMs: raw.start_timestamp ?? 0,
    intervalMs: raw.interval || intervalMs,
    series: raw.input_series ?? [],
    alerts: (raw.alert_rule_test ?? []).map(({ alertname, eval_time: evalMs = 0, exp_alerts: alerts = [] }) => ({
      alertname,
      evalMs,
      expected: alerts.map(({ exp_labels: labels = {}, exp_annotations: annotations = {} }) => ({
        labels: { ...labels, alertname },
        annotations,
      })),
    })),
    exprs: (raw.promql_expr_test ?? []).map(({ expr, eval_time: evalMs = 0, exp_samples: samples = [] }) => ({
      expr,
      evalMs,
      expected: samples.map(({ labels = {}, value = 0 }) => ({ labels, value })),
      isNative: samples.some(({ histogram = '' }) => histogram !== ''),
    })),
    externalLabels: raw.external_labels ?? {},
    externalUrl: raw.external_url ?? '',
  }
}
