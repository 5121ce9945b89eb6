import { METRIC_NAME, type Labels } from '../../core/labels.ts'
import { createMatcher, type Matcher } from '../../core/matcher.ts'
import { PromqlError } from '../errors.ts'
import { applyRegrouping, regroup } from '../evaluate/names.ts'
import {
  fixedInstant,
  resolveDuration,
  vectorOf,
  type Grid,
  type Scope,
  type Steps,
  type Vector,
} from '../evaluate/run.ts'
import { evaluateSelector } from '../evaluate/selectors.ts'
import {
  childrenOf,
  type AtModifier,
  type Call,
  type DurationExpr,
  type Expr,
  type VectorSelector,
} from '../syntax/ast.ts'
import { vectorArgument } from './histograms.ts'

/** Labels by which an info series says whom it describes. */
const IDENTIFYING = ['instance', 'job']

/**
 * `info(v, {matchers})`: adds to each element the labels of the info series (`target_info` unless the matchers name
 * others) that share its `instance` and `job`. Where a matcher does not accept an empty label, elements without a match
 * go.
 */
export function* addInfo(scope: Scope, call: Call): Steps<Vector> {
  const [vectorArg, selectorArg] = call.args
  if (vectorArg === undefined) throw new PromqlError('info() needs a vector', { position: call.start })
  const base = yield* vectorArgument(scope, vectorArg)
  const matchers = selectorArg?.kind === 'selector' ? selectorArg.matchers : []
  const nameMatchers = effectiveNameMatchers(matchers.filter((matcher) => matcher.name === METRIC_NAME))
  const dataMatchers = matchers.filter((matcher) => matcher.name !== METRIC_NAME)
  const info = yield* evaluateSelector(
    scope,
    infoSelector(scope, vectorArg, [...nameMatchers, ...dataMatchers]),
    'time',
  )
  const isInfo = base.labels.map((labels) =>
    nameMatchers.every((matcher) => matcher.matches(labels[METRIC_NAME] ?? '')),
  )
  return yield* enrich(scope, { base, info, isInfo, dataMatchers })
}

function effectiveNameMatchers(matchers: readonly Matcher[]): readonly Matcher[] {
  if (matchers.length === 0) return [createMatcher(METRIC_NAME, '=', 'target_info')]
  const isPositive = matchers.some((matcher) => matcher.operator === '=' || matcher.operator === '=~')
  return isPositive ? matchers : [createMatcher(METRIC_NAME, '=~', '.+_info'), ...matchers]
}

/** Info series are read as of the time that the first selector of the vector reads, its `@` and offsets included. */
function infoSelector(scope: Scope, vectorArg: Expr, matchers: readonly Matcher[]): VectorSelector {
  const { query } = scope.run
  const reference = referenceOf(vectorArg, query, []) ?? { at: undefined, offsetMs: 0 }
  const offset: DurationExpr = { kind: 'seconds', seconds: reference.offsetMs / 1000, isDuration: true }
  const { start, end } = vectorArg
  return { kind: 'selector', name: '', matchers, offset, at: reference.at, mode: undefined, start, end }
}

interface Reference {
  readonly at: AtModifier | undefined
  readonly offsetMs: number
}

function referenceOf(expr: Expr, query: Grid, above: readonly Expr[]): Reference | undefined {
  if (expr.kind !== 'selector') {
    for (const child of childrenOf(expr)) {
      const found = referenceOf(child, query, [...above, expr])
      if (found !== undefined) return found
    }
    return undefined
  }
  let at = fixedInstant(expr.at, query)
  let offsetMs = resolveDuration(expr.offset, query)
  for (const node of above.toReversed()) {
    if (at !== undefined) break
    if (node.kind !== 'subquery') continue
    offsetMs += resolveDuration(node.offset, query)
    at = fixedInstant(node.at, query)
  }
  return { at: at === undefined ? undefined : { kind: 'time', ms: at }, offsetMs }
}

interface Enrichment {
  readonly base: Vector
  /** Each value is the time of the sample, so that of two the newer is known. */
  readonly info: Vector
  readonly isInfo: readonly boolean[]
  readonly dataMatchers: readonly Matcher[]
}

function* enrich(scope: Scope, { base, info, isInfo, dataMatchers }: Enrichment): Steps<Vector> {
  const { run, grid } = scope
  const { count } = grid
  const byIdentity = indexInfo(info)
  const wanted = dataMatchers.length === 0 ? undefined : new Set(dataMatchers.map((matcher) => matcher.name))
  const mustMatch = dataMatchers.some((matcher) => !matcher.matches(''))
  const cells: Cell[] = []
  const rows = new Map<string, number>()
  const labels: Labels[] = []
  for (const [row, set] of base.labels.entries()) {
    const candidates = isInfo[row] === true || !isIdentified(set) ? undefined : byIdentity.get(identity(set))
    for (let step = 0; step < count; step += 1) {
      const at = row * count + step
      if (base.present[at] !== 1) continue
      const chosen = newest(info, candidates ?? [], { count, step })
      if (chosen.length === 0 && mustMatch && isInfo[row] !== true) continue
      const key = `${row}:${chosen.join(',')}`
      let target = rows.get(key)
      if (target === undefined) {
        target = labels.length
        rows.set(key, target)
        labels.push(joinLabels(set, { chosen, info, wanted }))
      }
      cells.push({ target, step, value: base.values[at] ?? 0, dropName: base.dropName?.[row] ?? 0 })
    }
    if (run.budget.isSpent(count)) yield undefined
  }
  return yield* assemble(scope, labels, cells)
}

interface Cell {
  readonly target: number
  readonly step: number
  readonly value: number
  readonly dropName: number
}

function* assemble({ run, grid }: Scope, labels: readonly Labels[], cells: readonly Cell[]): Steps<Vector> {
  const { count } = grid
  const out = vectorOf(run, labels, count)
  const dropName = new Uint8Array(labels.length)
  for (const cell of cells) {
    out.values[cell.target * count + cell.step] = cell.value
    out.present[cell.target * count + cell.step] = 1
    dropName[cell.target] = cell.dropName
  }
  return applyRegrouping(
    { ...out, dropName: dropName.includes(1) ? dropName : undefined },
    yield* regroup(run, labels),
    count,
  )
}

function isIdentified(labels: Labels): boolean {
  return IDENTIFYING.some((name) => (labels[name] ?? '') !== '')
}

function identity(labels: Labels): string {
  return IDENTIFYING.map((name) => labels[name] ?? '').join('\u0001')
}

/** Info series by whom they describe, then by name. */
function indexInfo(info: Vector): ReadonlyMap<string, readonly (readonly number[])[]> {
  const byIdentity = new Map<string, Map<string, number[]>>()
  for (const [row, labels] of info.labels.entries()) {
    if (!isIdentified(labels)) continue
    const key = identity(labels)
    const names = byIdentity.get(key) ?? new Map<string, number[]>()
    byIdentity.set(key, names)
    const name = labels[METRIC_NAME] ?? ''
    names.set(name, [...(names.get(name) ?? []), row])
  }
  return new Map([...byIdentity].map(([key, names]) => [key, [...names.values()]]))
}

/** Of each info metric, the row with the newest sample at a step. */
function newest(
  info: Vector,
  candidates: readonly (readonly number[])[],
  { count, step }: { readonly count: number; readonly step: number },
): readonly number[] {
  const chosen: number[] = []
  for (const rows of candidates) {
    let best = -1
    let bestTime = -Infinity
    for (const row of rows) {
      const at = row * count + step
      if (info.present[at] !== 1) continue
      const time = info.values[at] ?? 0
      if (time === bestTime) {
        throw new PromqlError(`found duplicate series for info metric ${info.labels[row]?.[METRIC_NAME] ?? ''}`)
      }
      if (time > bestTime) {
        best = row
        bestTime = time
      }
    }
    if (best !== -1) chosen.push(best)
  }
  return chosen
}

interface Joining {
  readonly chosen: readonly number[]
  readonly info: Vector
  readonly wanted: ReadonlySet<string> | undefined
}

/** The element's own labels win; two info series that contradict each other are an error. */
function joinLabels(base: Labels, { chosen, info, wanted }: Joining): Labels {
  const added: Record<string, string> = {}
  for (const row of chosen) {
    for (const [name, value] of Object.entries(info.labels[row] ?? {})) {
      if (name === METRIC_NAME || (wanted !== undefined && !wanted.has(name)) || base[name] !== undefined) continue
      if (added[name] !== undefined && added[name] !== value) throw new PromqlError(`conflicting label: ${name}`)
      added[name] = value
    }
  }
  return { ...base, ...added }
}
