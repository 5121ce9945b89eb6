import { advance, type AlertTiming, sightOf } from '../core/alert-machine.ts'
import type { AlertChange } from '../core/alert.ts'
import { canonicalLabels, fingerprint, type Labels, labelsKey, METRIC_NAME } from '../core/labels.ts'
import type { Sample } from '../core/sample.ts'
import { messageOf } from '../lib/errors.ts'
import type { World } from '../lib/world.ts'
import type { QueryResult, VectorElement } from '../promql/index.ts'
import { type ActiveAlert, sameLabels, targetOf } from './alert-book.ts'
import { type AlertTeller, isToldUnknown } from './alert-teller.ts'
import type { Dependencies } from './dependencies.ts'
import type { PartLedger, PartRef } from './part-ledger.ts'
import type { PlannedRule } from './plan.ts'
import type { AlertRule, RecordRule } from './rule-file.ts'

/** What an alert would become. Nothing is true before it is committed. */
export interface Move {
  readonly rule: PlannedRule
  readonly before: ActiveAlert | undefined
  /** Undefined: it is no more. */
  readonly after: ActiveAlert | undefined
  readonly isStored: boolean
  readonly change: AlertChange | undefined
}

/** What one evaluation of one rule, of all targets or of one, came to. */
export interface Evaluated {
  readonly moves: readonly Move[]
  /** Series by target, or all under '' where the rule is not local; the samples of a scope that ended are empty. */
  readonly written: ReadonlyMap<string, readonly Sample[]>
  readonly error: string | undefined
}

/** What an evaluation needs beside the rule. The engine's `Runtime` is one. */
export interface Surroundings {
  readonly options: { readonly world: Pick<World, 'uuid'> }
  readonly ledger: PartLedger
  readonly dependencies: Dependencies
  readonly teller: AlertTeller
  readonly unknownAfterMs: number
  readonly settlesAt: number
  readonly leftTargets: ReadonlySet<string>
}

/** How often the texts of an alert follow its value, and how exactly a running clock is stored. Milliseconds. */
const ANNOTATE_MS = 60_000
const CHECKPOINT_MS = 5_000

/** Evaluates a rule at an instant. What goes wrong with the rule is part of the answer. */
export async function evaluateRule(
  runtime: Surroundings,
  rule: PlannedRule,
  at: number,
  target?: string,
): Promise<Evaluated> {
  const kind = rule.rule.kind
  try {
    const narrow = target === undefined ? {} : { narrow: { target } }
    const answer = rule.query.instant(at - rule.group.group.queryOffsetMs, narrow)
    const result = answer instanceof Promise ? await answer : answer
    if (target === undefined) noteReads(rule, result)
    const elements = elementsOf(result).filter(({ labels }) => !runtime.leftTargets.has(labels['target'] ?? ''))
    if (rule.rule.kind === 'record') {
      return { moves: [], written: record(rule, rule.rule, elements, target), error: undefined }
    }
    const found = await findAlerts(rule, rule.rule, elements, at)
    refuseTooMany(rule, found.size, target)
    const moves = await moveAlerts(runtime, { rule, alertRule: rule.rule, at, target }, found)
    return { moves, written: alertSeries(rule, moves, target), error: undefined }
  } catch (error) {
    const message = messageOf(error)
    if (kind === 'record') return { moves: [], written: new Map(), error: message }
    const moves = loseAll(runtime, { rule, at, target, message })
    return { moves, written: alertSeries(rule, moves, target), error: message }
  }
}

function elementsOf({ value }: QueryResult): readonly VectorElement[] {
  if (value.type === 'vector') return value.elements
  if (value.type === 'scalar') return [{ labels: {}, value: value.value }]
  throw new Error('rule result is not a vector or scalar')
}

function noteReads({ progress }: PlannedRule, { reads }: QueryResult): void {
  const isSame = reads.length === progress.reads.length && reads.every((refs, index) => refs === progress.reads[index])
  if (isSame) return
  progress.reads = reads
  progress.readsVersion += 1
}

interface Found {
  readonly fingerprint: string
  readonly labels: Labels
  readonly element: VectorElement
}

async function findAlerts(
  rule: PlannedRule,
  alertRule: AlertRule,
  elements: readonly VectorElement[],
  at: number,
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>()
  for (const element of elements) {
    const expanded = rule.templates?.labels(element, at) ?? {}
    const own = expanded instanceof Promise ? await expanded : expanded
    const labels = canonicalLabels({ ...withoutName(element.labels), ...own, alertname: alertRule.name })
    const key = fingerprint(labels)
    if (found.has(key)) {
      throw new Error('vector contains metrics with the same labelset after applying alert labels')
    }
    found.set(key, { fingerprint: key, labels, element })
  }
  return found
}

function refuseTooMany(rule: PlannedRule, found: number, target: string | undefined): void {
  const { limit } = rule.group.group
  if (limit === 0) return
  const others = target === undefined ? 0 : rule.book.size - [...rule.book.all(target)].length
  if (found + others > limit) throw new Error(`exceeded limit of ${limit} with ${found + others} alerts`)
}

interface Occasion {
  readonly rule: PlannedRule
  readonly alertRule: AlertRule
  readonly at: number
  readonly target: string | undefined
}

async function moveAlerts(
  runtime: Surroundings,
  occasion: Occasion,
  found: ReadonlyMap<string, Found>,
): Promise<readonly Move[]> {
  const { rule, at, target } = occasion
  const moves: Move[] = []
  for (const one of found.values()) moves.push(await moveFound(runtime, occasion, one))
  for (const alert of rule.book.all(target)) {
    if (found.has(alert.fingerprint)) continue
    const blind = blindParts(runtime, alert, at)
    const isBlind = blind.length > 0 || isUnsettled(runtime, alert, at)
    const sight = sightOf({ hasFailed: false, isPresent: false, isBlind }, occasion.alertRule.whenBlind)
    moves.push(moveGone(runtime, { rule, alert, at, sight, why: whyBlind(blind) }))
  }
  return moves
}

async function moveFound(runtime: Surroundings, occasion: Occasion, found: Found): Promise<Move> {
  const { rule, alertRule, at } = occasion
  const before = rule.book.get(found.fingerprint)
  const { state, transition } = advance(before?.state, 'present', at, timingOf(runtime, alertRule))
  if (state === undefined) throw new Error('an alert that is present has a state')
  const isDue = before === undefined || transition === 'fired' || at - before.toldAt >= ANNOTATE_MS
  const expanded = isDue ? (rule.templates?.annotations(found.element, at) ?? {}) : before.annotations
  const annotations = expanded instanceof Promise ? await expanded : expanded
  const isChanged = before !== undefined && isDue && !sameLabels(before.annotations, annotations)
  const isRunning = state.phase === 'pending' && at - (before?.storedAt ?? 0) >= CHECKPOINT_MS
  const isStored = transition !== 'none' || isChanged || isRunning
  const after: ActiveAlert = {
    source: before?.source ?? rule.source,
    fingerprint: found.fingerprint,
    labels: found.labels,
    annotations,
    value: found.element.value,
    state,
    episode: transition === 'fired' ? runtime.options.world.uuid() : (before?.episode ?? ''),
    parts: partsOf(runtime, rule, found.labels, before),
    storedAt: isStored ? at : (before?.storedAt ?? at),
    toldAt: isDue ? at : before.toldAt,
  }
  const isNews = state.phase === 'firing' && (isChanged || (before !== undefined && isToldUnknown(before)))
  const change = transition === 'fired' ? 'firing' : isNews ? 'updated' : undefined
  return {
    rule,
    before,
    after,
    isStored,
    change: change && { kind: change, alert: runtime.teller.tell(alertRule.expr, after) },
  }
}

interface Going {
  readonly rule: PlannedRule
  readonly alert: ActiveAlert
  readonly at: number
  readonly sight: 'missing' | 'unseen' | 'present'
  /** Why it cannot be seen. */
  readonly why: string
}

function moveGone(runtime: Surroundings, { rule, alert, at, sight, why }: Going): Move {
  const { teller } = runtime
  const { state, transition } = advance(alert.state, sight, at, timingOf(runtime, rule.rule))
  if (state === undefined) {
    const change = transition === 'resolved' ? teller.end(rule.rule.expr, alert, { at, end: 'resolved' }) : undefined
    return { rule, before: alert, after: undefined, isStored: true, change }
  }
  const isRunning = state.missingSince !== undefined && at - alert.storedAt >= CHECKPOINT_MS
  const isStored = transition !== 'none' || isRunning
  const after = { ...alert, state, storedAt: isStored ? at : alert.storedAt }
  if (transition === 'lost') {
    return {
      rule,
      before: alert,
      after,
      isStored,
      change: { kind: 'updated', alert: teller.tell(rule.rule.expr, after, why) },
    }
  }
  const isBack = isToldUnknown(alert) && !isToldUnknown(after)
  const change: AlertChange | undefined = isBack
    ? { kind: 'updated', alert: teller.tell(rule.rule.expr, after) }
    : undefined
  return { rule, before: alert, after, isStored, change }
}

/** The evaluation failed: it says nothing about any alert of the rule. */
function loseAll(
  runtime: Surroundings,
  failure: {
    readonly rule: PlannedRule
    readonly at: number
    readonly target: string | undefined
    readonly message: string
  },
): readonly Move[] {
  const { rule, at, target } = failure
  const why = `its rule could not be evaluated: ${failure.message}`
  return [...rule.book.all(target)].map((alert) => moveGone(runtime, { rule, alert, at, sight: 'unseen', why }))
}

function timingOf(runtime: Surroundings, rule: AlertRule | RecordRule): AlertTiming {
  const { unknownAfterMs } = runtime
  if (rule.kind === 'record') return { forMs: 0, keepFiringForMs: 0, unknownAfterMs }
  return { forMs: rule.forMs, keepFiringForMs: rule.keepFiringForMs, unknownAfterMs }
}

function blindParts({ ledger }: Surroundings, alert: ActiveAlert, at: number): readonly PartRef[] {
  return ledger.blindAmong(alert.parts, at)
}

function isUnsettled({ settlesAt }: Surroundings, alert: ActiveAlert, at: number): boolean {
  return alert.parts.length === 0 && alert.storedAt === 0 && at < settlesAt
}

function whyBlind(parts: readonly PartRef[]): string {
  const [first] = parts
  if (first === undefined) return 'nothing was seen of it since the start'
  const more = parts.length > 1 ? `, and ${parts.length - 1} more` : ''
  const part = first.part === '' ? first.target : `${first.part} of ${first.target}`
  return `${part} could not be read${more}`
}

/**
 * What an alert rests on now. What it rested on before stays when its target has not been heard of since the start: its
 * samples of before may still count.
 */
function partsOf(
  { dependencies, ledger }: Surroundings,
  rule: PlannedRule,
  labels: Labels,
  before: ActiveAlert | undefined,
): readonly PartRef[] {
  const parts = dependencies.partsOf(rule, targetOf({ labels }))
  const unheard = before?.parts.filter(({ target }) => !ledger.knows(target)) ?? []
  return unheard.length === 0 ? parts : [...parts, ...unheard]
}

function record(
  rule: PlannedRule,
  recordRule: RecordRule,
  elements: readonly VectorElement[],
  target: string | undefined,
): ReadonlyMap<string, readonly Sample[]> {
  const { limit } = rule.group.group
  if (limit !== 0 && elements.length > limit) {
    throw new Error(`exceeded limit of ${limit} with ${elements.length} series`)
  }
  const seen = new Set<string>()
  const samples = elements.map((element): Sample => {
    const labels = canonicalLabels({ ...withoutName(element.labels), ...recordRule.labels })
    const key = labelsKey(labels)
    if (seen.has(key)) throw new Error('vector contains metrics with the same labelset after applying rule labels')
    seen.add(key)
    return { name: recordRule.name, labels, value: element.value }
  })
  return byScope(rule, samples, target)
}

/** `ALERTS` and `ALERTS_FOR_STATE`, as they stand after the moves. */
function alertSeries(
  rule: PlannedRule,
  moves: readonly Move[],
  target: string | undefined,
): ReadonlyMap<string, readonly Sample[]> {
  const samples = moves.flatMap(({ after }): readonly Sample[] => {
    if (after === undefined) return []
    const { labels, state } = after
    return [
      { name: 'ALERTS', labels: { ...labels, alertstate: state.phase }, value: 1 },
      { name: 'ALERTS_FOR_STATE', labels, value: state.activeAt / 1000 },
    ]
  })
  return byScope(rule, samples, target)
}

/** A local rule writes each target's series on their own, so that an evaluation of one target ends no other's series. */
function byScope(
  rule: PlannedRule,
  samples: readonly Sample[],
  target: string | undefined,
): ReadonlyMap<string, readonly Sample[]> {
  const scopes = new Map<string, Sample[]>()
  const held = target === undefined ? rule.progress.scopes : [target].filter((one) => rule.progress.scopes.has(one))
  for (const scope of held) scopes.set(scope, [])
  for (const sample of samples) {
    const scope = rule.isLocal ? targetOf(sample) : ''
    const listed = scopes.get(scope)
    if (listed === undefined) scopes.set(scope, [sample])
    else listed.push(sample)
  }
  return scopes
}

function withoutName(labels: Labels): Labels {
  const { [METRIC_NAME]: _, ...rest } = labels
  return rest
}
