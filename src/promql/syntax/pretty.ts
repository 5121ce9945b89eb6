import type { Aggregation, Binary, Call, Expr } from './ast.ts'
import { formatAggregationHead, formatExpr, formatOperator, formatSubqueryTail } from './printer.ts'

const LINE_MAX = 100
const INDENT = '  '

/**
 * The expression over several lines, as `promtool promql format` and `/api/v1/format_query` break it (Prometheus,
 * `promql/parser/prettier.go`): what fits into 100 characters stays on one line.
 */
export function prettyExpr(expr: Expr): string {
  return pretty(expr, 0)
}

function pretty(expr: Expr, level: number): string {
  const line = formatExpr(expr)
  const indent = INDENT.repeat(level)
  if (expr.kind === 'unary') return `${indent}${expr.operator}${pretty(expr.operand, level).trim()}`
  // Prometheus counts bytes.
  if (Buffer.byteLength(line) <= LINE_MAX) return expr.kind === 'subquery' ? line : `${indent}${line}`
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
    case 'matrix':
      return `${indent}${line}`
    case 'paren':
      return `${indent}(\n${pretty(expr.expr, level + 1)}\n${indent})`
    case 'subquery':
      return `${pretty(expr.expr, level)}${formatSubqueryTail(expr)}`
    case 'call':
      return `${indent}${prettyCall(expr, level)}`
    case 'aggregation':
      return `${indent}${prettyAggregation(expr, level)}`
    case 'binary':
      return prettyBinary(expr, level)
  }
}

function prettyCall(expr: Call, level: number): string {
  const args = expr.args.map((arg) => pretty(arg, level + 1)).join(',\n')
  return `${expr.name}(\n${args}\n${INDENT.repeat(level)})`
}

function prettyAggregation(expr: Aggregation, level: number): string {
  const parameter = expr.parameter === undefined ? '' : `${pretty(expr.parameter, level + 1)},\n`
  return `${formatAggregationHead(expr)}(\n${parameter}${pretty(expr.expr, level + 1)}\n${INDENT.repeat(level)})`
}

function prettyBinary(expr: Binary, level: number): string {
  const operator = `${INDENT.repeat(level)}${formatOperator(expr)}`
  return `${pretty(expr.left, level + 1)}\n${operator}\n${pretty(expr.right, level + 1)}`
}
