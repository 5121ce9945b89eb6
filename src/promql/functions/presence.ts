import { METRIC_NAME, type Labels } from '../../core/labels.ts'
import { vectorOf, type Scope, type Vector } from '../evaluate/run.ts'
import { unwrap, type Expr } from '../syntax/ast.ts'

/** 1 at every time at which no element is there, labelled with what the selector asks to be equal. */
export function absentOf(scope: Scope, arg: Expr, vector: Vector): Vector {
  const { count } = scope.grid
  const out = vectorOf(scope.run, [labelsForAbsent(arg)], count)
  out.values.fill(1)
  for (let step = 0; step < count; step += 1) {
    let isThere = false
    for (let row = 0; row < vector.labels.length && !isThere; row += 1) {
      isThere = vector.present[row * count + step] === 1
    }
    out.present[step] = isThere ? 0 : 1
  }
  return out
}

function labelsForAbsent(arg: Expr): Labels {
  const inner = unwrap(arg)
  const selector = inner.kind === 'matrix' ? inner.selector : inner
  if (selector.kind !== 'selector') return {}
  const labels: Record<string, string> = {}
  const seen = new Set<string>()
  for (const { name, operator, value } of selector.matchers) {
    if (name === METRIC_NAME) continue
    // A label asked to be equal twice is named by neither.
    delete labels[name]
    if (operator !== '=' || seen.has(name)) continue
    seen.add(name)
    if (value !== '') labels[name] = value
  }
  return labels
}

/** The only element's value at each time, NaN where there is none or several. */
export function scalarOf(scope: Scope, vector: Vector): Float64Array {
  const { count } = scope.grid
  const values = new Float64Array(count).fill(Number.NaN)
  const found = new Uint32Array(count)
  for (let row = 0; row < vector.labels.length; row += 1) {
    for (let step = 0; step < count; step += 1) {
      if (vector.present[row * count + step] !== 1) continue
      found[step] = (found[step] ?? 0) + 1
      values[step] = found[step] === 1 ? (vector.values[row * count + step] ?? 0) : Number.NaN
    }
  }
  return values
}
