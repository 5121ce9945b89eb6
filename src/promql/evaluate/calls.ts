import { METRIC_NAME } from '../../core/labels.ts'
import { PromqlError } from '../errors.ts'
import { clamp, MATH, roundTo, TIME_PARTS } from '../functions/elementwise.ts'
import {
  histogramFraction,
  histogramQuantile,
  histogramQuantiles,
  scalarArgument,
  vectorArgument,
  warnQuantiles,
} from '../functions/histograms.ts'
import { addInfo } from '../functions/info.ts'
import { labelJoin, labelReplace } from '../functions/label-functions.ts'
import { OVER_TIME } from '../functions/over-time.ts'
import { absentOf, scalarOf } from '../functions/presence.ts'
import { RATES } from '../functions/rates.ts'
import { sortVector } from '../functions/sorting.ts'
import { unwrap, type Call, type Expr } from '../syntax/ast.ts'
import { quote } from '../syntax/text.ts'
import { dropNames } from './names.ts'
import { vectorOf, type Result, type Scope, type Steps, type Vector } from './run.ts'
import { evaluateSelector } from './selectors.ts'
import { mapWindows, resolveRange } from './windows.ts'

export function* evaluateCall(scope: Scope, call: Call): Steps<Result> {
  const { name } = call
  const math = MATH.get(name)
  if (math !== undefined) return yield* elementwise(scope, call, (value) => math(value))
  if (OVER_TIME.has(name) || RATES.has(name)) return yield* overRange(scope, call)
  const part = TIME_PARTS.get(name)
  if (part !== undefined) return yield* timePart(scope, call, part)
  switch (name) {
    case 'clamp':
    case 'clamp_min':
    case 'clamp_max':
    case 'round':
      return yield* withBounds(scope, call)
    case 'histogram_quantile':
      return yield* histogramQuantile(scope, call)
    case 'histogram_quantiles':
      return yield* histogramQuantiles(scope, call)
    case 'histogram_fraction':
      return yield* histogramFraction(scope, call)
    case 'label_replace':
      return yield* labelReplace(scope, call)
    case 'label_join':
      return yield* labelJoin(scope, call)
    case 'info':
      return yield* addInfo(scope, call)
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return yield* sortVector(scope, call)
    default:
      return yield* special(scope, call)
  }
}

function* special(scope: Scope, call: Call): Steps<Result> {
  const { grid, run } = scope
  const [first, second] = call.args
  switch (call.name) {
    case 'absent':
      return absentOf(scope, first ?? call, yield* vectorArgument(scope, first))
    case 'scalar':
      return { kind: 'scalar', values: scalarOf(scope, yield* vectorArgument(scope, first)) }
    case 'vector': {
      const values = yield* scalarArgument(scope, first)
      return { ...vectorOf(run, [{}], grid.count), values, present: new Uint8Array(grid.count).fill(1), distinct: true }
    }
    case 'timestamp':
      return yield* sampleTime(scope, call, 'time')
    case 'start_timestamp':
      return yield* sampleTime(scope, call, 'start')
    case 'time':
      return perStep(scope, (step) => (grid.start + step * grid.step) / 1000)
    case 'pi':
      return perStep(scope, () => Math.PI)
    case 'start':
      return perStep(scope, () => run.query.start / 1000)
    case 'end':
      return perStep(scope, () => run.query.end / 1000)
    case 'step':
      return perStep(scope, () => run.query.step / 1000)
    case 'range':
      return perStep(scope, () => (run.query.end - run.query.start) / 1000)
    case 'min_of':
    case 'max_of': {
      const a = yield* scalarArgument(scope, first)
      const b = yield* scalarArgument(scope, second)
      const pick = call.name === 'min_of' ? Math.min : Math.max
      return perStep(scope, (step) => pick(a[step] ?? 0, b[step] ?? 0))
    }
    default:
      throw new PromqlError(
        `${call.name}() reads native histograms, which are not stored here: use the _sum, _count and _bucket series of the classic histogram`,
        { position: call.start },
      )
  }
}

function perStep({ grid }: Scope, value: (step: number) => number): Result {
  return { kind: 'scalar', values: Float64Array.from({ length: grid.count }, (_, step) => value(step)) }
}

/** The time of the sample itself for a plain selector, of the evaluation for anything else. */
function* sampleTime(scope: Scope, call: Call, pick: 'time' | 'start'): Steps<Vector> {
  const arg = unwrap(call.args[0] ?? call)
  if (arg.kind === 'selector' && arg.mode === undefined) {
    const vector = yield* evaluateSelector(scope, arg, pick)
    return yield* dropNames(scope, call, vector)
  }
  const vector = yield* vectorArgument(scope, arg)
  if (pick === 'start') return { ...vector, present: new Uint8Array(vector.present.length) }
  const values = vector.values.slice()
  const { grid } = scope
  for (let at = 0; at < values.length; at += 1) values[at] = (grid.start + (at % grid.count) * grid.step) / 1000
  return yield* dropNames(scope, call, { ...vector, values })
}

type Compute = (value: number, step: number) => number

function* elementwise(scope: Scope, call: Call, computeValue: Compute): Steps<Vector> {
  return yield* mapValues(scope, { call, vector: yield* vectorArgument(scope, call.args[0]) }, computeValue)
}

function* mapValues(
  scope: Scope,
  { call, vector }: { readonly call: Call; readonly vector: Vector },
  computeValue: Compute,
): Steps<Vector> {
  const { count } = scope.grid
  const values = new Float64Array(vector.values.length)
  for (let row = 0; row < vector.labels.length; row += 1) {
    for (let step = 0; step < count; step += 1) {
      values[row * count + step] = computeValue(vector.values[row * count + step] ?? 0, step)
    }
    if (scope.run.budget.isSpent(count)) yield undefined
  }
  return yield* dropNames(scope, call, { ...vector, values })
}

function* timePart(scope: Scope, call: Call, part: (seconds: number) => number): Steps<Vector> {
  const { run, grid } = scope
  if (call.args.length > 0) return yield* elementwise(scope, call, part)
  const now = { ...vectorOf(run, [{}], grid.count), present: new Uint8Array(grid.count).fill(1), distinct: true }
  return yield* mapValues(scope, { call, vector: now }, (_, step) => part((grid.start + step * grid.step) / 1000))
}

function* withBounds(scope: Scope, call: Call): Steps<Vector> {
  const [, firstArg, secondArg] = call.args
  const vector = yield* vectorArgument(scope, call.args[0])
  const first = firstArg === undefined ? undefined : yield* scalarArgument(scope, firstArg)
  const second = secondArg === undefined ? undefined : yield* scalarArgument(scope, secondArg)
  const a = (step: number) => first?.[step] ?? 1
  switch (call.name) {
    case 'clamp': {
      const b = (step: number) => second?.[step] ?? 0
      const result = yield* mapValues(scope, { call, vector }, (value, step) => clamp(value, a(step), b(step)))
      return emptyBetween(scope, { call, vector: result }, (step) => a(step) > b(step))
    }
    case 'clamp_min':
      return yield* mapValues(scope, { call, vector }, (value, step) => Math.max(a(step), value))
    case 'clamp_max':
      return yield* mapValues(scope, { call, vector }, (value, step) => Math.min(a(step), value))
    default:
      return yield* mapValues(scope, { call, vector }, (value, step) => roundTo(value, a(step)))
  }
}

/** Nothing is left at times when the least is more than the most. */
function emptyBetween(
  { grid }: Scope,
  { vector }: { readonly call: Call; readonly vector: Vector },
  isEmpty: (step: number) => boolean,
): Vector {
  const present = vector.present.slice()
  for (let at = 0; at < present.length; at += 1) if (isEmpty(at % grid.count)) present[at] = 0
  return { ...vector, present }
}

const ANCHORED = ['changes', 'delta', 'increase', 'rate', 'resets']
const SMOOTHED = ['delta', 'increase', 'rate']
const KEEPS_NAME = new Set(['last_over_time', 'first_over_time'])

function* overRange(scope: Scope, call: Call): Steps<Vector> {
  const fn = OVER_TIME.get(call.name) ?? RATES.get(call.name)
  const rangeIndex = call.name === 'quantile_over_time' ? 1 : 0
  const rangeArg = call.args[rangeIndex]
  if (fn === undefined || rangeArg === undefined) throw new PromqlError('expected a range', { position: call.start })
  checkMode(call, rangeArg)
  const scalars: Float64Array[] = []
  for (const [index, arg] of call.args.entries()) {
    if (index !== rangeIndex) scalars.push(yield* scalarArgument(scope, arg))
  }
  checkScalars(scope, call, scalars)
  const range = yield* resolveRange(scope, rangeArg)
  const names = (row: number) => range.source.labels[row]?.[METRIC_NAME] ?? ''
  const vector = yield* mapWindows(scope, range, fn, {
    first: scalars[0],
    second: scalars[1],
    onOverlap: (row) =>
      scope.run.notes.warn(
        `sample has start time that overlaps with previous sample timestamp for metric ${quote(names(row))}`,
        rangeArg,
      ),
  })
  if (call.name === 'absent_over_time') return absentOf(scope, rangeArg, vector)
  if (call.name === 'rate' || call.name === 'increase') hintCounters(scope, rangeArg, vector)
  return KEEPS_NAME.has(call.name) ? vector : yield* dropNames(scope, call, vector)
}

function checkMode(call: Call, rangeArg: Expr): void {
  const inner = unwrap(rangeArg)
  const mode = inner.kind === 'matrix' ? inner.selector.mode : undefined
  if (mode === undefined) return
  const allowed = mode === 'anchored' ? ANCHORED : SMOOTHED
  if (allowed.includes(call.name)) return
  throw new PromqlError(`${mode} modifier can only be used with: ${allowed.join(', ')} - not with ${call.name}`, {
    position: rangeArg.start,
  })
}

function checkScalars(scope: Scope, call: Call, scalars: readonly Float64Array[]): void {
  const [first, second] = scalars
  if (call.name === 'quantile_over_time') warnQuantiles(scope, call.args[0] ?? call, first ?? NO_NUMBERS)
  if (call.name !== 'double_exponential_smoothing') return
  const bad = [...(first ?? NO_NUMBERS), ...(second ?? NO_NUMBERS)].find((factor) => factor <= 0 || factor >= 1)
  if (bad === undefined) return
  throw new PromqlError(`both factors of double_exponential_smoothing() lie between 0 and 1, not at ${bad}`, {
    position: call.start,
  })
}

const NO_NUMBERS = new Float64Array(0)

const COUNTER = /_(?:total|sum|count|bucket)$/

function hintCounters(scope: Scope, rangeArg: Expr, vector: Vector): void {
  const { count } = scope.grid
  let last = ''
  for (const [row, labels] of vector.labels.entries()) {
    const name = labels[METRIC_NAME] ?? ''
    if (name === last || name === '' || COUNTER.test(name)) continue
    if (!vector.present.subarray(row * count, (row + 1) * count).includes(1)) continue
    last = name
    scope.run.notes.inform(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(name)}`,
      rangeArg,
    )
  }
}
