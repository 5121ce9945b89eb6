import { createHash } from 'node:crypto'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { compareText } from '../../core/labels.ts'
import { matchesAll } from '../../core/matcher.ts'
import { formatExpr, parseExpr, type RuleGroupStatus } from '../../operations/index.ts'
import type { Routes } from '../routes.ts'
import { goTime, jsonArray, sendData } from './answer.ts'
import { type Form, formOf, invalid, matchersOf, wholeNumber } from './form.ts'
import { formatExponent } from './value.ts'

type Rule = RuleGroupStatus['rules'][number]
type RuleAlert = Rule['alerts'][number]

const UNKNOWN_ANNOTATION = 'chainwarden_unknown'
const CANNOT_BE_SEEN = 'This alert cannot be seen at the moment.'

/** `GET /api/v1/rules`: the groups by file and name, each with its rules in their order. */
export async function answerRules({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const choice = choiceOf(form)
  const groups = options.operations
    .ruleGroups(actor(request))
    .toSorted((a, b) => compareText(a.file, b.file) || compareText(a.name, b.name))
  const { page, next } = paged(chosen(groups, choice), choice)
  return sendData(reply, rulesPieces(page, next, choice.withAlerts), options.clock)
}

/** `GET /api/v1/alerts`: what is pending or firing. */
export async function answerAlerts({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const rules = options.operations.ruleGroups(actor(request)).flatMap((group) => group.rules)
  return sendData(reply, alertsPieces(rules), options.clock)
}

function* alertsPieces(rules: readonly Rule[]): Generator<string, void, undefined> {
  yield '{"alerts":'
  yield* jsonArray(
    rules.flatMap((rule) => rule.alerts),
    (alert) => JSON.stringify(alertOf(alert)),
  )
  yield '}'
}

interface Choice {
  readonly names: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  readonly files: ReadonlySet<string>
  readonly selectors: readonly ReturnType<typeof matchersOf>[]
  readonly type: '' | 'alert' | 'record'
  readonly withAlerts: boolean
  /** Groups on one page; 0 is all. */
  readonly pageSize: number
  readonly token: string
}

function choiceOf(form: Form): Choice {
  const type = form.get('type').toLowerCase()
  if (type !== '' && type !== 'alert' && type !== 'record') {
    throw invalid('type', `not supported value ${JSON.stringify(type)}`)
  }
  return {
    names: new Set(form.all('rule_name[]')),
    groups: new Set(form.all('rule_group[]')),
    files: new Set(form.all('file[]')),
    selectors: form.all('match[]').map((text) => matchersOf('match[]', text)),
    type,
    withAlerts: !booleanOf(form, 'exclude_alerts'),
    ...pageOf(form),
  }
}

function booleanOf(form: Form, name: string): boolean {
  const text = form.get(name).toLowerCase()
  if (['', '0', 'f', 'false'].includes(text)) return false
  if (['1', 't', 'true'].includes(text)) return true
  throw invalid(name, `error converting ${name}: ${JSON.stringify(text)} is neither true nor false`)
}

function pageOf(form: Form): Pick<Choice, 'pageSize' | 'token'> {
  const limit = form.get('group_limit')
  const token = form.get('group_next_token')
  if (limit === '') {
    if (token === '') return { pageSize: 0, token }
    throw invalid('group_next_token', 'group_limit needs to be present in order to paginate over the groups')
  }
  const pageSize = wholeNumber(limit)
  if (pageSize === undefined) throw invalid('group_limit', 'group_limit needs to be a valid number')
  if (pageSize <= 0) throw invalid('group_limit', 'group_limit needs to be greater than 0')
  return { pageSize, token }
}

/** The rules asked for, without the groups of which none is left. */
function chosen(groups: readonly RuleGroupStatus[], choice: Choice): readonly RuleGroupStatus[] {
  return groups.flatMap((group) => {
    if (!isOneOf(choice.groups, group.name) || !isOneOf(choice.files, group.file)) return []
    const rules = group.rules.filter((rule) => isChosen(rule, choice))
    return rules.length === 0 ? [] : [{ ...group, rules }]
  })
}

/** Whether a name was asked for; where none was, all are. */
function isOneOf(asked: ReadonlySet<string>, name: string): boolean {
  return asked.size === 0 || asked.has(name)
}

function isChosen(rule: Rule, { names, selectors, type }: Choice): boolean {
  if (!isOneOf(names, rule.name)) return false
  if (type !== '' && type !== (rule.type === 'alerting' ? 'alert' : 'record')) return false
  return selectors.length === 0 || selectors.some((matchers) => matchesAll(matchers, rule.labels))
}

function paged(
  groups: readonly RuleGroupStatus[],
  { pageSize, token }: Choice,
): { readonly page: readonly RuleGroupStatus[]; readonly next: string | undefined } {
  if (pageSize === 0) return { page: groups, next: undefined }
  const start = token === '' ? 0 : groups.findIndex((group) => tokenOf(group) === token)
  if (start === -1) {
    throw invalid('group_next_token', `invalid group_next_token '${token}'. were rule groups changed?`)
  }
  const after = groups[start + pageSize]
  return { page: groups.slice(start, start + pageSize), next: after === undefined ? undefined : tokenOf(after) }
}

function tokenOf({ file, name }: RuleGroupStatus): string {
  return createHash('sha256').update(`${file};${name}`).digest('hex')
}

function* rulesPieces(
  groups: readonly RuleGroupStatus[],
  next: string | undefined,
  withAlerts: boolean,
): Generator<string, void, undefined> {
  let separator = '{"groups":['
  for (const { rules, ...group } of groups) {
    const head = {
      name: group.name,
      file: group.file,
      interval: group.intervalMs / 1000,
      limit: group.limit,
      evaluationTime: group.evaluationMs / 1000,
      lastEvaluation: goTime(group.lastEvaluationAt),
    }
    yield `${separator}${JSON.stringify(head).slice(0, -1)},"rules":`
    yield* jsonArray(rules, (rule) => JSON.stringify(ruleOf(rule, withAlerts)))
    yield '}'
    separator = ','
  }
  if (groups.length === 0) yield separator
  yield next === undefined ? ']}' : `],"groupNextToken":${JSON.stringify(next)}}`
}

function ruleOf(rule: Rule, withAlerts: boolean): unknown {
  const common = {
    name: rule.name,
    query: formatExpr(parseExpr(rule.query)),
    labels: rule.labels,
    health: rule.health,
    ...(rule.lastError === '' ? {} : { lastError: rule.lastError }),
    evaluationTime: rule.evaluationMs / 1000,
    lastEvaluation: goTime(rule.lastEvaluationAt),
    type: rule.type,
  }
  if (rule.type === 'recording') return common
  return {
    state: stateOf(rule),
    ...common,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: rule.annotations,
    alerts: withAlerts ? rule.alerts.map(alertOf) : null,
  }
}

/** The state of a rule is that of its most urgent alert. */
function stateOf({ alerts, lastEvaluationAt }: Rule): string {
  if (alerts.some(({ state }) => state === 'firing')) return 'firing'
  if (alerts.length > 0) return 'pending'
  return lastEvaluationAt === 0 ? 'unknown' : 'inactive'
}

/** An alert that cannot be seen shows as what it was, with an annotation that says so. */
function alertOf(alert: RuleAlert): unknown {
  const { labels, annotations, state, activeAt, value, missingSince, unknownSince } = alert
  return {
    labels,
    annotations: unknownSince === undefined ? annotations : { [UNKNOWN_ANNOTATION]: CANNOT_BE_SEEN, ...annotations },
    state,
    activeAt: goTime(activeAt),
    ...(missingSince === undefined ? {} : { keepFiringSince: goTime(missingSince) }),
    value: formatExponent(value),
  }
}
