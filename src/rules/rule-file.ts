import { z } from 'zod'

import type { Labels } from '../core/labels.ts'
import { METRIC_NAME } from '../core/labels.ts'
import { parseDuration } from '../lib/duration.ts'
import { ConfigError, type ConfigFault, messageOf } from '../lib/errors.ts'
import { type Expr, parseExpr } from '../promql/index.ts'
import { checkAlertTemplate } from './template.ts'
import { faultsOfIssues, readYaml, type YamlSource } from './yaml-source.ts'

interface RuleCommon {
  /** As written. */
  readonly expr: string
  readonly parsed: Expr
  /** The rule's own over its group's. Of an alerting rule these are templates. */
  readonly labels: Labels
  /** Where the rule begins in its file. */
  readonly line: number | undefined
}

export interface AlertRule extends RuleCommon {
  readonly kind: 'alert'
  readonly name: string
  readonly forMs: number
  readonly keepFiringForMs: number
  /** Templates. */
  readonly annotations: Labels
  /** What to do with an alert whose element is missing while a part could not be read. */
  readonly whenBlind: 'unknown' | 'resolve'
}

export interface RecordRule extends RuleCommon {
  readonly kind: 'record'
  /** The metric it writes. */
  readonly name: string
}

export type Rule = AlertRule | RecordRule

/** A group of a Prometheus rule file. Its rules are evaluated in order, at one instant. */
export interface RuleGroup {
  readonly file: string
  readonly name: string
  /** Undefined: the default interval. */
  readonly intervalMs: number | undefined
  /** The most alerts, or series, that one rule may give; 0 is no limit. */
  readonly limit: number
  readonly queryOffsetMs: number
  readonly labels: Labels
  readonly rules: readonly Rule[]
}

const INTEGER = /^[+-]?\d+$/

/** Go reads a key without a value as if it were not there. */
const isBlank = (value: unknown) => value === '' || value === '~' || value === 'null'
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (isBlank(value) ? undefined : value), schema.optional())

const text = z.string()
const durationText = optional(
  text.transform((written, context) => {
    const ms = parseDuration(written)
    if (ms !== undefined) return ms
    context.addIssue({ code: 'custom', message: `${written} is no duration: write it as 30s, 5m or 1h30m` })
    return z.NEVER
  }),
)
const limitText = optional(text.regex(INTEGER, 'this must be a whole number').transform(Number))
const labelName = text
  .min(1, 'a label needs a name')
  .refine((name) => name !== METRIC_NAME, `${METRIC_NAME} cannot be set here`)
const labelTexts = optional(z.record(labelName, text))

const ruleSchema = z.strictObject({
  record: optional(text),
  alert: optional(text),
  expr: text,
  for: durationText,
  keep_firing_for: durationText,
  labels: labelTexts,
  annotations: optional(z.record(text.min(1, 'an annotation needs a name'), text)),
})

const groupSchema = z.strictObject({
  name: text.min(1, 'a group needs a name'),
  interval: durationText,
  query_offset: durationText,
  limit: limitText,
  labels: labelTexts,
  rules: optional(z.array(ruleSchema)),
})

const fileSchema = z.strictObject({
  groups: optional(z.array(groupSchema)),
  /** Mimir's and Cortex' rule files carry it; Prometheus reads and ignores it too. */
  namespace: optional(text),
})

type RawGroup = z.infer<typeof groupSchema>
type RawRule = z.infer<typeof ruleSchema>

/**
 * Reads a Prometheus rule file as Prometheus 3 does (model/rulefmt).
 *
 * @throws ConfigError with every fault of the file: its YAML, its keys, its expressions and its templates
 */
export function parseRuleFile(content: string, file: string): readonly RuleGroup[] {
  const source = readYaml(content, file)
  if (source.faults.length > 0) throw new ConfigError(source.faults)
  const isEmpty = source.value === null || isBlank(source.value)
  const parsed = fileSchema.safeParse(isEmpty ? {} : source.value)
  if (!parsed.success) {
    throw new ConfigError([...faultsOfIssues(source, parsed.error.issues), ...faultsOfExpressions(source)])
  }
  const faults: ConfigFault[] = []
  const raw = parsed.data.groups ?? []
  const groups = raw.map((group, index) => {
    const first = raw.findIndex((other) => other.name === group.name)
    if (first !== index) {
      faults.push(source.faultAt(['groups', index, 'name'], `there is another group ${group.name} in this file`))
    }
    return readGroup(group, { source, file, path: ['groups', index], faults })
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return groups
}

interface Reading {
  readonly source: YamlSource
  readonly file: string
  readonly path: readonly PropertyKey[]
  readonly faults: ConfigFault[]
}

function readGroup(raw: RawGroup, reading: Reading): RuleGroup {
  const groupLabels = raw.labels ?? {}
  const rules = (raw.rules ?? []).flatMap((rule, index) => {
    const read = readRule(rule, groupLabels, { ...reading, path: [...reading.path, 'rules', index] })
    return read === undefined ? [] : [read]
  })
  return {
    file: reading.file,
    name: raw.name,
    intervalMs: raw.interval === 0 ? undefined : raw.interval,
    limit: Math.max(0, raw.limit ?? 0),
    queryOffsetMs: raw.query_offset ?? 0,
    labels: groupLabels,
    rules,
  }
}

function readRule(raw: RawRule, groupLabels: Labels, reading: Reading): Rule | undefined {
  const { source, path, faults } = reading
  const add = (key: string, message: string) => {
    faults.push(source.faultAt(key === '' ? path : [...path, key], message))
  }
  const before = faults.length
  faultsOfShape(raw, add)
  const parsed = readExpr(raw.expr, (message) => add('expr', message))
  if (raw.alert !== undefined) faultsOfTemplates(raw, path, reading)
  if (faults.length > before || parsed === undefined) return undefined
  const common = {
    expr: raw.expr,
    parsed,
    labels: { ...groupLabels, ...raw.labels },
    line: source.faultAt(path, '').line,
  }
  if (raw.alert === undefined) return { kind: 'record', name: raw.record ?? '', ...common }
  return {
    kind: 'alert',
    name: raw.alert,
    forMs: raw.for ?? 0,
    keepFiringForMs: raw.keep_firing_for ?? 0,
    annotations: raw.annotations ?? {},
    whenBlind: 'unknown',
    ...common,
  }
}

function faultsOfShape(raw: RawRule, add: (key: string, message: string) => void): void {
  if (raw.alert === undefined && raw.record === undefined) add('', 'a rule needs either alert or record')
  if (raw.alert !== undefined && raw.record !== undefined) add('record', 'a rule has either alert or record, not both')
  if (raw.alert !== undefined || raw.record === undefined) return
  if (raw.for !== undefined) add('for', 'only an alerting rule has a for')
  if (raw.keep_firing_for !== undefined) add('keep_firing_for', 'only an alerting rule has a keep_firing_for')
  if (raw.annotations !== undefined) add('annotations', 'only an alerting rule has annotations')
  if (/[{}]/.test(raw.record)) add('record', 'this is the name of a metric, without braces: labels go under labels')
}

function faultsOfTemplates(raw: RawRule, path: readonly PropertyKey[], { source, faults }: Reading): void {
  for (const key of ['labels', 'annotations'] as const) {
    for (const [name, template] of Object.entries(raw[key] ?? {})) {
      try {
        checkAlertTemplate(template)
      } catch (error) {
        faults.push(source.faultAt([...path, key, name], `the template cannot be read: ${messageOf(error)}`))
      }
    }
  }
}

function readExpr(expr: string, add: (message: string) => void): Expr | undefined {
  if (isBlank(expr.trim())) {
    add('this is needed (a PromQL expression)')
    return undefined
  }
  try {
    return parseExpr(expr)
  } catch (error) {
    add(`${messageOf(error)}${placeWithin(expr, error)}`)
    return undefined
  }
}

const SHOWN_MAX = 30

/** Where in the expression: ` (at character 14, before "> 5")`. */
function placeWithin(expr: string, error: unknown): string {
  const position = typeof error === 'object' && error !== null && 'position' in error ? error.position : undefined
  if (typeof position !== 'number') return ''
  const rest = expr.slice(position).trimStart()
  if (rest === '') return ' (at the end of the expression)'
  const shown = rest.length > SHOWN_MAX ? `${rest.slice(0, SHOWN_MAX)}...` : rest
  return ` (at character ${position + 1}, before ${JSON.stringify(shown)})`
}

const looseRule = z.object({ expr: z.string().catch('') }).catch({ expr: '' })
const looseGroup = z.object({ rules: z.array(looseRule).catch([]) }).catch({ rules: [] })
const looseFile = z.object({ groups: z.array(looseGroup).catch([]) }).catch({ groups: [] })

/** Of a file whose keys are wrong, the expressions that are wrong as well: all faults are reported at once. */
function faultsOfExpressions(source: YamlSource): readonly ConfigFault[] {
  const faults: ConfigFault[] = []
  for (const [groupIndex, group] of looseFile.parse(source.value).groups.entries()) {
    for (const [index, rule] of group.rules.entries()) {
      if (rule.expr === '') continue
      const path = ['groups', groupIndex, 'rules', index, 'expr']
      readExpr(rule.expr, (message) => faults.push(source.faultAt(path, message)))
    }
  }
  return faults
}
