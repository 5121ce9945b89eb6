import type { ValueType } from './ast.ts'

/** What a function takes and gives back. */
export interface FunctionSignature {
  readonly args: readonly ValueType[]
  /** How many of the last arguments may be left out; for `repeats`, the last may stand any number of times, even none. */
  readonly optional: number
  readonly repeats: boolean
  /** At most so many arguments, where it repeats. */
  readonly most: number
  readonly returns: ValueType
  readonly experimental: boolean
}

const VECTOR_TO_VECTOR = words(`
  abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count
  histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp
`)
const RANGE_TO_VECTOR = words(`
  absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate
  last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time
  sum_over_time
`)
const RANGE_TO_VECTOR_EXPERIMENTAL = words(
  'mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time',
)
const TIME_PARTS = words('day_of_month day_of_week day_of_year days_in_month hour minute month year')

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}

/** Every function of Prometheus 3.14 (docs/querying/functions.md), by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map([
  ...VECTOR_TO_VECTOR.map((name) => entry(name, ['vector'])),
  ...RANGE_TO_VECTOR.map((name) => entry(name, ['matrix'])),
  ...RANGE_TO_VECTOR_EXPERIMENTAL.map((name) => entry(name, ['matrix'], { experimental: true })),
  ...TIME_PARTS.map((name) => entry(name, ['vector'], { optional: 1 })),
  ...['end', 'range', 'start', 'step'].map((name) => entry(name, [], { returns: 'scalar', experimental: true })),
  ...['max_of', 'min_of'].map((name) => entry(name, ['scalar', 'scalar'], { returns: 'scalar', experimental: true })),
  ...['sort_by_label', 'sort_by_label_desc'].map((name) =>
    entry(name, ['vector', 'string'], { repeats: true, experimental: true }),
  ),
  entry('clamp', ['vector', 'scalar', 'scalar']),
  entry('clamp_max', ['vector', 'scalar']),
  entry('clamp_min', ['vector', 'scalar']),
  entry('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], { experimental: true }),
  entry('histogram_fraction', ['scalar', 'scalar', 'vector']),
  entry('histogram_quantile', ['scalar', 'vector']),
  entry('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], {
    repeats: true,
    most: 12,
    experimental: true,
  }),
  entry('info', ['vector', 'vector'], { optional: 1, experimental: true }),
  entry('label_join', ['vector', 'string', 'string', 'string'], { repeats: true }),
  entry('label_replace', ['vector', 'string', 'string', 'string', 'string']),
  entry('pi', [], { returns: 'scalar' }),
  entry('predict_linear', ['matrix', 'scalar']),
  entry('quantile_over_time', ['scalar', 'matrix']),
  entry('round', ['vector', 'scalar'], { optional: 1 }),
  entry('scalar', ['vector'], { returns: 'scalar' }),
  entry('start_timestamp', ['vector'], { experimental: true }),
  entry('time', [], { returns: 'scalar' }),
  entry('vector', ['scalar']),
])

function entry(
  name: string,
  args: readonly ValueType[],
  rest: Partial<FunctionSignature> = {},
): [string, FunctionSignature] {
  const defaults = { optional: 0, repeats: false, most: 1000, returns: 'vector', experimental: false } as const
  return [name, { args, ...defaults, ...rest }]
}

/** What a function takes and gives back; undefined where there is none of that name. */
export function functionSignature(name: string): FunctionSignature | undefined {
  return FUNCTIONS.get(name)
}

/** The smallest and largest number of arguments. */
export function argumentCount(signature: FunctionSignature): { readonly least: number; readonly most: number } {
  const count = signature.args.length
  if (signature.repeats) return { least: count - 1, most: signature.most }
  return { least: count - signature.optional, most: count }
}

/** The name closest to a misspelt one, if it is close. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a.charAt(row - 1) === b.charAt(column - 1) ? 0 : 1)
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
