import { parseExpr, PromqlError, type QueryResult, typeOf } from '../promql/index.ts'
import type { OperationsPorts, QueryBounds } from './ports.ts'

/** A query at one time. Milliseconds UTC. */
export interface InstantQuery extends QueryBounds {
  readonly expr: string
  readonly atMs: number
}

/** A query at each of `startMs`, `startMs + stepMs`, ... up to `endMs`. */
export interface RangeQuery extends QueryBounds {
  readonly expr: string
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}

type QueryPorts = Pick<OperationsPorts, 'queries'>

/** @throws PromqlError */
export async function askInstant(
  ports: QueryPorts,
  { expr, atMs, ...bounds }: InstantQuery,
  signal: AbortSignal,
): Promise<QueryResult> {
  return ports.queries(bounds).instant(parseExpr(expr), atMs, { signal })
}

/** @throws PromqlError */
export async function askRange(
  ports: QueryPorts,
  { expr, startMs, endMs, stepMs, ...bounds }: RangeQuery,
  signal: AbortSignal,
): Promise<QueryResult> {
  const parsed = parseExpr(expr)
  const type = typeOf(parsed)
  if (type === 'matrix' || type === 'string') {
    const is = type === 'matrix' ? 'range vector' : 'string'
    // In Prometheus' words, without a place: the expression as a whole is the wrong one.
    throw new PromqlError(
      `invalid expression type "${is}" for range query, must be Scalar or instant Vector: put it into a function like rate(...)`,
      { reason: 'parse' },
    )
  }
  return ports.queries(bounds).range(parsed, { startMs, endMs, stepMs, signal })
}
