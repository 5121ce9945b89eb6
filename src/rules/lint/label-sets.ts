import { METRIC_NAME } from '../../core/labels.ts'
import { type Expr, typeOf } from '../../promql/index.ts'
import { metricOf, type RuleKnowledge } from './knowledge.ts'
import { fixedValue, type Kind } from './syntax.ts'

/** What the elements of an expression bear, as far as it follows from the text and from what is known of the metrics. */
export interface LabelSets {
  /** Every element bears these. */
  readonly certain: ReadonlySet<string>
  /** No element bears others; `any` where that is not known. */
  readonly possible: ReadonlySet<string> | 'any'
  /** Every element bears these, with this value. */
  readonly fixed: ReadonlyMap<string, string>
}

const UNKNOWN: LabelSets = { certain: new Set(), possible: 'any', fixed: new Map() }
const NONE: LabelSets = { certain: new Set(), possible: new Set(), fixed: new Map() }

const OF_TARGETS = ['target', 'job', 'instance']

/** The labels of an expression's elements; the metric's name is none of them. */
export function labelSetsOf(expr: Expr, knowledge: RuleKnowledge): LabelSets {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return NONE
    case 'selector':
      return ofSelector(expr, knowledge)
    case 'matrix':
      return ofSelector(expr.selector, knowledge)
    case 'subquery':
    case 'paren':
      return labelSetsOf(expr.expr, knowledge)
    case 'unary':
      return labelSetsOf(expr.operand, knowledge)
    case 'call':
      return ofCall(expr, knowledge)
    case 'aggregation':
      return ofAggregation(expr, knowledge)
    case 'binary':
      return ofBinary(expr, knowledge)
  }
}

function ofSelector({ name, matchers }: Kind<'selector'>, knowledge: RuleKnowledge): LabelSets {
  const fixed = new Map<string, string>()
  for (const matcher of matchers) {
    const value = fixedValue(matchers, matcher.name)
    if (value !== undefined && matcher.name !== METRIC_NAME) fixed.set(matcher.name, value)
  }
  const metric = metricOf(name, knowledge)
  if (metric === undefined) return { certain: new Set(fixed.keys()), possible: 'any', fixed }
  const own = [...metric.labels, ...(name.endsWith('_bucket') && metric.type === 'counter' ? ['le'] : [])]
  const certain = new Set([...OF_TARGETS, ...own, ...fixed.keys()])
  const extra = knowledge.configured?.targetLabels
  return { certain, possible: extra === undefined ? 'any' : new Set([...certain, ...extra]), fixed }
}

const WITHOUT_LABELS = new Set(['vector', 'absent', 'absent_over_time', 'scalar', 'time', 'pi'])

function ofCall(call: Kind<'call'>, knowledge: RuleKnowledge): LabelSets {
  const { name, args } = call
  if (name === 'absent' || name === 'absent_over_time') return ofAbsent(call, knowledge)
  if (WITHOUT_LABELS.has(name)) return NONE
  const vector = args.find((arg) => typeOf(arg) === 'vector' || typeOf(arg) === 'matrix')
  // `hour()` and its like, of the time of the evaluation.
  if (vector === undefined) return NONE
  const inner = labelSetsOf(vector, knowledge)
  if (name === 'histogram_quantile' || name === 'histogram_fraction') return without(inner, ['le'])
  if (name === 'label_replace' || name === 'label_join') {
    const destination = args[1]
    return destination?.kind === 'string' ? withMaybe(inner, destination.value) : UNKNOWN
  }
  return name === 'info' || name === 'histogram_quantiles' ? { ...inner, possible: 'any' } : inner
}

/** Prometheus gives an absent series the labels that its selector asks for with `=`, and only where it is a plain selector. */
function ofAbsent({ args: [of] }: Kind<'call'>, knowledge: RuleKnowledge): LabelSets {
  if (of?.kind !== 'selector' && of?.kind !== 'matrix') return NONE
  const { fixed } = labelSetsOf(of, knowledge)
  return { certain: new Set(fixed.keys()), possible: new Set(fixed.keys()), fixed }
}

function ofAggregation(expr: Kind<'aggregation'>, knowledge: RuleKnowledge): LabelSets {
  const { operator, labels, parameter } = expr
  const inner = labelSetsOf(expr.expr, knowledge)
  if (['topk', 'bottomk', 'limitk', 'limit_ratio'].includes(operator)) return inner
  const kept = expr.without ? without(inner, labels) : only(inner, labels)
  if (operator !== 'count_values') return kept
  return parameter?.kind === 'string' ? withMaybe(kept, parameter.value) : UNKNOWN
}

function ofBinary(expr: Kind<'binary'>, knowledge: RuleKnowledge): LabelSets {
  const { left, right, operator, matching } = expr
  const [l, r] = [labelSetsOf(left, knowledge), labelSetsOf(right, knowledge)]
  if (typeOf(left) !== 'vector') return r
  if (matching === undefined || typeOf(right) !== 'vector') return l
  if (operator === 'or') return either(l, r)
  if (matching.cardinality === 'many-to-many') return l
  if (matching.cardinality === 'one-to-one') {
    return matching.on ? only(l, matching.labels) : without(l, matching.labels)
  }
  const many = matching.cardinality === 'many-to-one' ? l : r
  return matching.include.reduce(withMaybe, many)
}

function only(sets: LabelSets, labels: readonly string[]): LabelSets {
  const { possible } = sets
  return {
    certain: new Set(labels.filter((label) => sets.certain.has(label))),
    possible: new Set(labels.filter((label) => possible === 'any' || possible.has(label))),
    fixed: new Map([...sets.fixed].filter(([label]) => labels.includes(label))),
  }
}

function without(sets: LabelSets, labels: readonly string[]): LabelSets {
  const { possible } = sets
  return {
    certain: new Set([...sets.certain].filter((label) => !labels.includes(label))),
    possible: possible === 'any' ? 'any' : new Set([...possible].filter((label) => !labels.includes(label))),
    fixed: new Map([...sets.fixed].filter(([label]) => !labels.includes(label))),
  }
}

function withMaybe(sets: LabelSets, label: string): LabelSets {
  const rest = without(sets, [label])
  return { ...rest, possible: rest.possible === 'any' ? 'any' : new Set([...rest.possible, label]) }
}

function either(l: LabelSets, r: LabelSets): LabelSets {
  return {
    certain: new Set([...l.certain].filter((label) => r.certain.has(label))),
    possible: l.possible === 'any' || r.possible === 'any' ? 'any' : new Set([...l.possible, ...r.possible]),
    fixed: new Map([...l.fixed].filter(([label, value]) => r.fixed.get(label) === value)),
  }
}
