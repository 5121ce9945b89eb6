import { type Labels, METRIC_NAME } from '../core/labels.ts'
import type { Matcher } from '../core/matcher.ts'
import { type PreparedQuery, type QueryEngine, isLocal, selectorsOf, type SeriesRef } from '../promql/index.ts'
import { type AlertBook, createAlertBook } from './alert-book.ts'
import type { MetricNames } from './part-ledger.ts'
import type { Rule, RuleGroup } from './rule-file.ts'
import { type AlertTemplates, compileAlertTemplates, type TemplateToolkit } from './template.ts'

/*
 * Who reads whom. From the names in their selectors it follows which rules an arrival concerns, in which order rules that
 * feed each other are evaluated, and which metrics of targets an alert rests on in the end, through whatever recording
 * rules lie between.
 */

/** A rule with all that follows from the files alone, and what is known of it while it runs. */
export interface PlannedRule {
  /** `rule/<file>/<group>/<alert>`; of the second rule of that name in the group `...#2`. */
  readonly source: string
  readonly rule: Rule
  readonly group: PlannedGroup
  readonly query: PreparedQuery
  readonly templates: AlertTemplates | undefined
  /** Can be evaluated for one target alone, because every series it reads and everything it gives has its target. */
  readonly isLocal: boolean
  /** Metrics in its selectors. */
  readonly reads: MetricNames
  /** The targets that its selectors name; undefined where one of them names none. */
  readonly targets: ReadonlySet<string> | undefined
  readonly book: AlertBook
  readonly progress: RuleProgress
}

/** What is known of a rule's evaluations. Times are milliseconds UTC. */
interface RuleProgress {
  lastAt: number
  /** When it last ran, on the clock that never jumps. */
  ranAt: number
  /** What went wrong in the last evaluations, by target; '' for all of them at once. */
  readonly errors: Map<string, string>
  /** Undefined before the first evaluation. */
  lastDurationMs: number | undefined
  /** Write scopes that hold series at the moment. */
  readonly scopes: Set<string>
  /** The series that its selectors chose in its last evaluation of all targets. */
  reads: readonly (readonly SeriesRef[])[]
  /** Grows when it chose others. */
  readsVersion: number
}

export interface PlannedGroup {
  readonly group: RuleGroup
  readonly key: string
  readonly intervalMs: number
  readonly rules: PlannedRule[]
  lastAt: number
  lastDurationMs: number | undefined
  missed: number
}

export interface RulePlan {
  readonly groups: readonly PlannedGroup[]
  /** Every rule, in the order of the files. */
  readonly rules: readonly PlannedRule[]
  /** Grows so that a rule comes after those it reads. */
  placeOf(rule: PlannedRule): number
  readersOf(metric: string): readonly PlannedRule[]
  /** What a rule rests on: the metrics it reads, with recorded ones traced back to what they are made of. */
  rootsOf(rule: PlannedRule): Roots
  /** The rules that record a metric. */
  makersOf(metric: string): readonly PlannedRule[]
}

/** The series that every alerting rule writes. */
const ALERT_SERIES = ['ALERTS', 'ALERTS_FOR_STATE']

export interface PlanOptions {
  readonly engine: Pick<QueryEngine, 'prepare'>
  readonly toolkit: TemplateToolkit
  readonly defaultIntervalMs: number
}

export function planRules(groups: readonly RuleGroup[], options: PlanOptions): RulePlan {
  const planned = groups.map((group) => planGroup(group, options))
  const rules = planned.flatMap((group) => group.rules)
  const readers = indexReaders(rules)
  const makers = indexMakers(rules)
  const readersOf = (metric: string) => {
    const listed = readers.byName.get(metric)
    return listed === undefined ? readers.open : [...listed, ...readers.open]
  }
  const places = new Map(inOrder(rules, readersOf).map((rule, place) => [rule, place]))
  const roots = new Map<PlannedRule, Roots>()
  return {
    groups: planned,
    rules,
    placeOf: (rule) => places.get(rule) ?? 0,
    readersOf,
    makersOf: (metric) => makers.get(metric) ?? [],
    rootsOf(rule) {
      const known = roots.get(rule)
      if (known !== undefined) return known
      const found = findRoots(rule, makers)
      roots.set(rule, found)
      return found
    },
  }
}

/** The series that a rule writes. */
export function writesOf(rule: Rule): readonly string[] {
  return rule.kind === 'record' ? [rule.name] : ALERT_SERIES
}

function planGroup(group: RuleGroup, options: PlanOptions): PlannedGroup {
  const planned: PlannedGroup = {
    group,
    key: `${group.file}\n${group.name}`,
    intervalMs: group.intervalMs ?? options.defaultIntervalMs,
    rules: [],
    lastAt: 0,
    lastDurationMs: undefined,
    missed: 0,
  }
  const seen = new Map<string, number>()
  for (const rule of group.rules) {
    const count = (seen.get(rule.name) ?? 0) + 1
    seen.set(rule.name, count)
    const source = `rule/${group.file}/${group.name}/${rule.name}${count === 1 ? '' : `#${count}`}`
    planned.rules.push(planRule(rule, planned, source, options))
  }
  return planned
}

function planRule(rule: Rule, group: PlannedGroup, source: string, options: PlanOptions): PlannedRule {
  const matchers = selectorsOf(rule.parsed).map((selector) => selector.matchers)
  return {
    source,
    rule,
    group,
    query: options.engine.prepare(rule.parsed),
    templates: rule.kind === 'alert' ? compileAlertTemplates(rule, options.toolkit) : undefined,
    isLocal: isLocal(rule.parsed) && keepsTarget(rule.labels),
    reads: named(matchers, METRIC_NAME) ?? 'any',
    targets: named(matchers, 'target'),
    book: createAlertBook(),
    progress: createProgress(),
  }
}

function createProgress(): RuleProgress {
  return {
    lastAt: 0,
    ranAt: Number.NEGATIVE_INFINITY,
    errors: new Map(),
    lastDurationMs: undefined,
    scopes: new Set(),
    reads: [],
    readsVersion: 0,
  }
}

function keepsTarget(labels: Labels): boolean {
  return labels['target'] === undefined
}

/** The values that selectors ask of a label; undefined where one of them does not ask for a single one. */
function named(selectors: readonly (readonly Matcher[])[], label: string): ReadonlySet<string> | undefined {
  const values = new Set<string>()
  for (const matchers of selectors) {
    const matcher = matchers.find(({ name, operator }) => name === label && operator === '=')
    if (matcher === undefined) return undefined
    values.add(matcher.value)
  }
  return values
}

interface Readers {
  readonly byName: ReadonlyMap<string, readonly PlannedRule[]>
  /** Rules with a selector that does not name its metric. */
  readonly open: readonly PlannedRule[]
}

function indexReaders(rules: readonly PlannedRule[]): Readers {
  const byName = new Map<string, PlannedRule[]>()
  const open: PlannedRule[] = []
  for (const rule of rules) {
    if (rule.reads === 'any') open.push(rule)
    else for (const name of rule.reads) add(byName, name, rule)
  }
  return { byName, open }
}

/** Depth first, so that what a rule reads comes before it; within a circle, the order of the files. */
function inOrder(
  rules: readonly PlannedRule[],
  readersOf: (metric: string) => readonly PlannedRule[],
): readonly PlannedRule[] {
  const done = new Set<PlannedRule>()
  const reversed: PlannedRule[] = []
  const visit = (rule: PlannedRule): void => {
    if (done.has(rule)) return
    done.add(rule)
    const readers = writesOf(rule.rule).flatMap(readersOf)
    for (const reader of readers.toReversed()) visit(reader)
    reversed.push(rule)
  }
  for (const rule of rules.toReversed()) visit(rule)
  return reversed.toReversed()
}

/** Who records a metric. `ALERTS` is not followed: an alert that cannot be seen stays in it. */
function indexMakers(rules: readonly PlannedRule[]): ReadonlyMap<string, readonly PlannedRule[]> {
  const makers = new Map<string, PlannedRule[]>()
  for (const maker of rules) if (maker.rule.kind === 'record') add(makers, maker.rule.name, maker)
  return makers
}

function add(index: Map<string, PlannedRule[]>, name: string, rule: PlannedRule): void {
  const listed = index.get(name)
  if (listed === undefined) index.set(name, [rule])
  else listed.push(rule)
}

interface Roots {
  readonly names: MetricNames
  /** The rule and every recording rule it reads from. */
  readonly rules: readonly PlannedRule[]
}

function findRoots(rule: PlannedRule, makers: ReadonlyMap<string, readonly PlannedRule[]>): Roots {
  const names = new Set<string>()
  const seen = new Set<PlannedRule>()
  let isOpen = false
  const waiting = [rule]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    if (next.reads === 'any') isOpen = true
    else {
      for (const name of next.reads) {
        // A recorded metric may also be a target's own, so the name itself stays among the roots.
        names.add(name)
        waiting.push(...(makers.get(name) ?? []))
      }
    }
  }
  return { names: isOpen ? 'any' : names, rules: [...seen] }
}
