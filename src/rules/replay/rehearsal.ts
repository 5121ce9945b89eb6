import type { Labels } from '../../core/labels.ts'
import { parseExpr, type QueryEngine, type VectorElement } from '../../promql/index.ts'
import type { ActiveAlert } from '../alert-book.ts'
import { createAlertTeller } from '../alert-teller.ts'
import { createDependencies } from '../dependencies.ts'
import { evaluateRule, type Move, type Surroundings } from '../evaluate-rule.ts'
import { createPartLedger } from '../part-ledger.ts'
import { type PlannedGroup, planRules } from '../plan.ts'
import type { RuleGroup } from '../rule-file.ts'
import { createTemplateToolkit } from '../template.ts'
import type { MemorySeries } from './memory-series.ts'

export interface RehearsalOptions {
  readonly groups: readonly RuleGroup[]
  readonly engine: QueryEngine
  /** What the engine reads, and where the rules write to. */
  readonly series: MemorySeries
  readonly externalLabels: Labels
  readonly externalUrl: string
  readonly defaultIntervalMs: number
}

/** A rule that failed. */
export interface RuleFailure {
  readonly rule: string
  readonly atMs: number
  readonly message: string
}

/** What happened to one alert in one evaluation. */
export type AlertMove = Pick<Move, 'before' | 'after'>

/** Rules evaluated by the engine's own code, with nobody to tell and nothing stored but in memory. */
export interface Rehearsal {
  readonly groups: readonly PlannedGroup[]
  /** Evaluates a group in its order at one instant, and writes what it gives. */
  evaluate(
    group: PlannedGroup,
    atMs: number,
  ): Promise<{ readonly moves: readonly AlertMove[]; readonly failures: readonly RuleFailure[] }>
  /** The firing alerts of rules with this name. */
  firing(name: string): readonly ActiveAlert[]
}

export function createRehearsal(options: RehearsalOptions): Rehearsal {
  const { engine, series, externalLabels, externalUrl, defaultIntervalMs } = options
  const query = async (expr: string, atMs: number) => askVector(engine, expr, atMs)
  const toolkit = createTemplateToolkit({ externalLabels, externalUrl, query })
  const plan = planRules(options.groups, { engine, toolkit, defaultIntervalMs })
  const ledger = createPartLedger()
  let episodes = 0
  const surroundings: Surroundings = {
    options: { world: { uuid: () => String((episodes += 1)) } },
    ledger,
    dependencies: createDependencies(plan, ledger),
    teller: createAlertTeller(externalUrl, () => ({})),
    unknownAfterMs: Number.POSITIVE_INFINITY,
    settlesAt: Number.NEGATIVE_INFINITY,
    leftTargets: new Set(),
  }

  return {
    groups: plan.groups,
    async evaluate(group, atMs) {
      const moves: AlertMove[] = []
      const failures: RuleFailure[] = []
      for (const rule of group.rules) {
        const evaluated = await evaluateRule(surroundings, rule, atMs)
        if (evaluated.error !== undefined) failures.push({ rule: rule.rule.name, atMs, message: evaluated.error })
        for (const { before, after } of evaluated.moves) {
          // Told long ago: the texts follow the value at each evaluation, as people see them here.
          if (after !== undefined) rule.book.set({ ...after, toldAt: Number.NEGATIVE_INFINITY })
          else if (before !== undefined) rule.book.delete(before.fingerprint)
          moves.push({ before, after })
        }
        for (const [scope, samples] of evaluated.written) {
          if (samples.length === 0) rule.progress.scopes.delete(scope)
          else rule.progress.scopes.add(scope)
          series.write(`${rule.source}@${scope}`, atMs - group.group.queryOffsetMs, samples)
        }
      }
      return { moves, failures }
    },
    firing: (name) =>
      plan.rules
        .filter(({ rule }) => rule.kind === 'alert' && rule.name === name)
        .flatMap(({ book }) => book.all())
        .filter(({ state }) => state.phase === 'firing'),
  }
}

/** @throws Error where the answer is no vector and no scalar */
export async function askVector(engine: QueryEngine, expr: string, atMs: number): Promise<readonly VectorElement[]> {
  const { value } = await engine.instant(parseExpr(expr), atMs)
  if (value.type === 'vector') return value.elements
  if (value.type === 'scalar') return [{ labels: {}, value: value.value }]
  throw new Error(`${expr} gives a ${value.type}, not a vector or a scalar`)
}
