import { METRIC_NAME } from '../../core/labels.ts'
import { formatDuration } from '../../lib/duration.ts'
import type { Aggregation, AtModifier, Binary, DurationExpr, Expr, Matching, Subquery, VectorSelector } from './ast.ts'
import { formatShort, quote } from './text.ts'

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** The expression in Prometheus' canonical notation. Parsing it again gives the same expression. */
export function formatExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return expr.isDuration && expr.value >= 0 ? formatDuration(expr.value * 1000) : formatShort(expr.value)
    case 'string':
      return quote(expr.value)
    case 'selector':
      return `${formatSelector(expr)}${modeOf(expr)}${formatModifiers(expr)}`
    case 'matrix': {
      const { selector } = expr
      return `${formatSelector(selector)}[${formatRange(expr.range)}]${modeOf(selector)}${formatModifiers(selector)}`
    }
    case 'subquery':
      return formatSubquery(expr)
    case 'call':
      return `${expr.name}(${expr.args.map(formatExpr).join(', ')})`
    case 'aggregation':
      return formatAggregation(expr)
    case 'binary':
      return formatBinary(expr)
    case 'unary':
      return `${expr.operator}${formatExpr(expr.operand)}`
    case 'paren':
      return `(${formatExpr(expr.expr)})`
  }
}

function formatSelector(selector: VectorSelector): string {
  const plainName = METRIC.test(selector.name) ? selector.name : ''
  const matchers = selector.matchers
    .filter((matcher) => !(plainName !== '' && matcher.name === METRIC_NAME && matcher.operator === '='))
    .map(({ name, operator, value }) => {
      if (name === METRIC_NAME && operator === '=' && selector.name === value) return quote(value)
      return `${formatLabel(name)}${operator}${quote(value)}`
    })
  return matchers.length === 0 && plainName !== '' ? plainName : `${plainName}{${matchers.join(',')}}`
}

function modeOf(selector: VectorSelector): string {
  return selector.mode === undefined ? '' : ` ${selector.mode}`
}

interface Modified {
  readonly at: AtModifier | undefined
  readonly offset: DurationExpr | undefined
}

function formatModifiers({ at, offset }: Modified): string {
  return `${at === undefined ? '' : ` @ ${formatAt(at)}`}${offset === undefined ? '' : ` offset ${formatLength(offset)}`}`
}

function formatAt(at: AtModifier): string {
  return at.kind === 'time' ? (at.ms / 1000).toFixed(3) : `${at.kind}()`
}

function formatSubquery(expr: Subquery): string {
  return `${formatExpr(expr.expr)}${formatSubqueryTail(expr)}`
}

/** What follows the expression of a subquery: `[1h:1m] offset 5m`. */
export function formatSubqueryTail(expr: Subquery): string {
  const step = expr.step === undefined ? '' : formatRange(expr.step)
  return `[${formatRange(expr.range)}:${step}]${formatModifiers(expr)}`
}

function formatAggregation(expr: Aggregation): string {
  const parameter = expr.parameter === undefined ? '' : `${formatExpr(expr.parameter)}, `
  return `${formatAggregationHead(expr)}(${parameter}${formatExpr(expr.expr)})`
}

/** What stands before the parenthesis: `sum by (job) `. */
export function formatAggregationHead(expr: Aggregation): string {
  if (expr.without) return `${expr.operator} without (${expr.labels.map(formatLabel).join(', ')}) `
  if (expr.labels.length === 0) return expr.operator
  return `${expr.operator} by (${expr.labels.map(formatLabel).join(', ')}) `
}

function formatBinary(expr: Binary): string {
  return `${formatExpr(expr.left)} ${formatOperator(expr)} ${formatExpr(expr.right)}`
}

/** What stands between the two sides: `> bool on (job) group_left ()`. */
export function formatOperator(expr: Binary): string {
  const bool = expr.returnBool ? ' bool' : ''
  return `${expr.operator}${bool}${expr.matching === undefined ? '' : formatMatching(expr.matching)}`
}

function formatMatching(matching: Matching): string {
  let text = ''
  if (matching.on || matching.labels.length > 0) {
    text += ` ${matching.on ? 'on' : 'ignoring'} ${formatLabels(matching.labels)}`
  }
  if (matching.cardinality === 'many-to-one') text += ` group_left ${formatLabels(matching.include)}`
  if (matching.cardinality === 'one-to-many') text += ` group_right ${formatLabels(matching.include)}`
  const { fillLeft, fillRight } = matching
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) return `${text} fill (${formatShort(fillLeft)})`
  if (fillLeft !== undefined) text += ` fill_left (${formatShort(fillLeft)})`
  if (fillRight !== undefined) text += ` fill_right (${formatShort(fillRight)})`
  return text
}

function formatLabels(labels: readonly string[]): string {
  return `(${labels.map(formatLabel).join(', ')})`
}

function formatLabel(label: string): string {
  return LABEL.test(label) ? label : quote(label)
}

/** Within brackets no parentheses are needed around a whole. */
function formatRange(duration: DurationExpr): string {
  return duration.kind === 'group' ? formatRange(duration.operand) : formatLength(duration)
}

/** A plain number within arithmetic may be a factor, so it stays one. */
function formatOperand(duration: DurationExpr): string {
  const isPlain = duration.kind === 'seconds' && !duration.isDuration
  return isPlain ? formatShort(duration.seconds) : formatLength(duration)
}

function formatLength(duration: DurationExpr): string {
  switch (duration.kind) {
    case 'seconds': {
      const ms = duration.seconds * 1000
      return Number.isInteger(ms) ? formatDuration(ms) : formatShort(duration.seconds)
    }
    case 'step':
    case 'range':
      return `${duration.kind}()`
    case 'signed':
      return `${duration.sign === '-' ? '-' : ''}${formatLength(duration.operand)}`
    case 'group':
      return `(${formatLength(duration.operand)})`
    case 'arithmetic':
      return `${formatOperand(duration.left)} ${duration.operator} ${formatOperand(duration.right)}`
    case 'choice':
      return `${duration.pick}(${formatLength(duration.left)}, ${formatLength(duration.right)})`
  }
}
