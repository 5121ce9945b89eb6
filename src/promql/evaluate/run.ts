import type { Labels } from '../../core/labels.ts'
import { placeOf, PromqlError } from '../errors.ts'
import type { SeriesRef, SeriesSource } from '../source.ts'
import type { AtModifier, DurationExpr, Expr, VectorSelector } from '../syntax/ast.ts'

/** Times at which an expression is evaluated: `start`, `start + step`, ..., `count` of them. Milliseconds. */
export interface Grid {
  readonly start: number
  readonly end: number
  readonly step: number
  readonly count: number
}

export function createGrid(start: number, end: number, step: number): Grid {
  return { start, end, step, count: end < start ? 0 : step === 0 ? 1 : Math.floor((end - start) / step) + 1 }
}

/** What a computation asks of whoever drives it: to wait for a promise, or (undefined) to let others run. */
export type Pause = Promise<unknown> | undefined
/** A computation that runs in slices: it yields where it must wait or has used up its slice. */
export type Steps<T> = Generator<Pause, T, undefined>

/** Elements at each time of a grid: `values[row * count + step]` counts where `present` is 1 at the same place. */
export interface Vector {
  readonly kind: 'vector'
  /** One label set per row. Arrays are shared between vectors and never changed: what follows from one is remembered by it. */
  readonly labels: readonly Labels[]
  readonly values: Float64Array
  readonly present: Uint8Array
  /** Rows whose metric name goes at the very end (delayed name removal); undefined is none. */
  readonly dropName: Uint8Array | undefined
  /** The label sets stay different from each other even without the metric's name. */
  readonly distinct: boolean
}

export interface Scalar {
  readonly kind: 'scalar'
  readonly values: Float64Array
}

interface Text {
  readonly kind: 'string'
  readonly value: string
}

export type Result = Vector | Scalar | Text

/** What a selector found. The same object as long as the source's generation stays, so that other things can hang on it. */
export interface Selection {
  readonly refs: readonly SeriesRef[]
  readonly labels: readonly Labels[]
  readonly distinct: boolean
}

export interface EngineOptions {
  readonly source: SeriesSource
  readonly lookbackMs: number
  readonly defaultSubqueryStepMs: number
  readonly delayedNameRemoval: boolean
}

/** Counts what a query has used, and says when a slice is over. */
export interface Budget {
  /** Adds units of work (about one sample each); true when the slice is used up. Throws past a limit or an abort. */
  isSpent(units: number): boolean
  /** Adds samples held or read; throws past the limit. */
  hold(samples: number): void
  startSlice(): void
}

/** Everything that is the same for all parts of one evaluation. */
export interface Run {
  readonly options: EngineOptions
  readonly budget: Budget
  readonly notes: Notes
  readonly signal: AbortSignal | undefined
  /** The query's own times: what `start()`, `end()`, `step()` and `range()` mean, also within subqueries. */
  readonly query: Grid
  readonly isRange: boolean
  select(selector: VectorSelector): Selection
  /** What the selectors chose so far. */
  selections(): readonly (readonly SeriesRef[])[]
  /** Parts that give the same at every time of a query, so that one evaluation is enough. */
  isInvariant(expr: Expr): boolean
  /** Where what follows from this node and this array of labels is kept. */
  place(expr: Expr, key: readonly Labels[]): Place
  evaluate(scope: Scope, expr: Expr): Steps<Result>
}

/** One kind of thing that is remembered of a node. The things themselves hang on the plan. */
export interface Slot<T> {
  find(place: Place): { readonly value: T } | undefined
  put(place: Place, value: T): T
}

/** Where a plan keeps what was made, each under its slot. */
export type Place = Map<object, unknown>

/** Holds nothing itself: what it makes stands in the place, marked as this slot's, so that its type is known again. */
export function createSlot<T>(): Slot<T> {
  const isOwn = (value: unknown): value is { readonly slot: Slot<T>; readonly value: T } =>
    typeof value === 'object' && value !== null && 'slot' in value && value.slot === slot
  const slot: Slot<T> = {
    find(place) {
      const known = place.get(slot)
      return isOwn(known) ? known : undefined
    },
    put(place, value) {
      place.set(slot, { slot, value })
      return value
    },
  }
  return slot
}

/** Up to so many rows it is quicker to work things out again than it is small to keep them, for thousands of rules. */
const NOT_KEPT_ROWS = 2

/** What `compute` makes for this node and this array of labels, made once. */
export function* remember<T>(
  slot: Slot<T>,
  { run, expr, key }: { readonly run: Run; readonly expr: Expr; readonly key: readonly Labels[] },
  compute: () => Steps<T>,
): Steps<T> {
  if (key.length <= NOT_KEPT_ROWS) return yield* compute()
  const place = run.place(expr, key)
  const known = slot.find(place)
  return known === undefined ? slot.put(place, yield* compute()) : known.value
}

/** A node between two vectors, by whose labels something is remembered. */
export interface Pair {
  readonly run: Run
  readonly expr: Expr
  readonly left: readonly Labels[]
  readonly right: readonly Labels[]
}

export type PairSlot<T> = Slot<Map<readonly Labels[], T>>

/** How many right sides are remembered for one left side: narrowed rules see a few. */
const PAIRS_MAX = 4

/** What `compute` makes for this node and these two arrays of labels, made once. */
export function* rememberPair<T>(slot: PairSlot<T>, pair: Pair, compute: () => Steps<T>): Steps<T> {
  if (pair.left.length + pair.right.length <= NOT_KEPT_ROWS) return yield* compute()
  const place = pair.run.place(pair.expr, pair.left)
  const known = slot.find(place)?.value ?? slot.put(place, new Map<readonly Labels[], T>())
  const found = known.get(pair.right)
  if (found !== undefined) return found
  if (known.size >= PAIRS_MAX) known.clear()
  const made = yield* compute()
  known.set(pair.right, made)
  return made
}

/** Work on one set of labels, counted in samples. */
const LABELS_UNITS = 20

/** Maps labels, and lets others run in between. */
export function* mapLabels<T>(run: Run, labels: readonly Labels[], map: (set: Labels, row: number) => T): Steps<T[]> {
  const mapped: T[] = []
  for (const [row, set] of labels.entries()) {
    mapped.push(map(set, row))
    if (run.budget.isSpent(LABELS_UNITS)) yield undefined
  }
  return mapped
}

/** Where and when a part is evaluated. */
export interface Scope {
  readonly run: Run
  readonly grid: Grid
}

/** Warnings and infos, each once. */
export interface Notes {
  warn(message: string, at: { readonly start: number }): void
  inform(message: string, at: { readonly start: number }): void
  readonly warnings: ReadonlySet<string>
  readonly infos: ReadonlySet<string>
}

function addNote(notes: Set<string>, note: string): void {
  if (notes.size < NOTES_MAX) notes.add(note)
}

/** More notes of one kind than this help nobody. */
const NOTES_MAX = 1000

export function createNotes(text: string | undefined): Notes {
  const warnings = new Set<string>()
  const infos = new Set<string>()
  const place = (start: number) => (text === undefined ? `1:${start + 1}` : placeOf(text, start))
  return {
    warnings,
    infos,
    warn: (message, { start }) => addNote(warnings, `PromQL warning: ${message} (${place(start)})`),
    inform: (message, { start }) => addNote(infos, `PromQL info: ${message} (${place(start)})`),
  }
}

/** A duration in milliseconds, given the query's own step and range. */
export function resolveDuration(duration: DurationExpr | undefined, query: Grid): number {
  if (duration === undefined) return 0
  const seconds = secondsOf(duration, query)
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 1e11) {
    throw new PromqlError(`a duration comes out as ${seconds} seconds, which is none`)
  }
  return Math.round(seconds * 1000)
}

function secondsOf(duration: DurationExpr, query: Grid): number {
  switch (duration.kind) {
    case 'seconds':
      return duration.seconds
    case 'step':
      return query.step / 1000
    case 'range':
      return (query.end - query.start) / 1000
    case 'signed': {
      const value = secondsOf(duration.operand, query)
      return duration.sign === '-' ? -value : value
    }
    case 'group':
      return secondsOf(duration.operand, query)
    case 'choice': {
      const left = secondsOf(duration.left, query)
      const right = secondsOf(duration.right, query)
      return duration.pick === 'min_of' ? Math.min(left, right) : Math.max(left, right)
    }
    case 'arithmetic':
      return arithmetic(duration.operator, secondsOf(duration.left, query), secondsOf(duration.right, query))
  }
}

function arithmetic(operator: string, left: number, right: number): number {
  if ((operator === '/' || operator === '%') && right === 0) {
    throw new PromqlError(`a duration is divided by zero`)
  }
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    default:
      return left ** right
  }
}

/** The instant a selector or subquery looks from: its `@`, or undefined for the time of each step. */
export function fixedInstant(at: AtModifier | undefined, query: Grid): number | undefined {
  if (at === undefined) return undefined
  if (at.kind === 'time') return at.ms
  return at.kind === 'start' ? query.start : query.end
}

/** Waits for what may be a promise. */
export function* settle<T>(value: T | Promise<T>): Steps<T> {
  if (!(value instanceof Promise)) return value
  const settled: { readonly value: T }[] = []
  yield value.then((result) => settled.push({ value: result }))
  const first = settled[0]
  if (first === undefined) throw new PromqlError('the samples never came')
  return first.value
}

/**
 * A vector with room for these rows at each of `count` times, all absent.
 *
 * @throws PromqlError when that is more than the query may hold
 */
export function vectorOf(run: Run, labels: readonly Labels[], count: number): Vector {
  const size = labels.length * count
  run.budget.hold(size)
  return {
    kind: 'vector',
    labels,
    values: new Float64Array(size),
    present: new Uint8Array(size),
    dropName: undefined,
    distinct: false,
  }
}
