import type { FastifyReply, FastifyRequest } from 'fastify'

import type { QueryBounds, QueryResult } from '../../operations/index.ts'
import { BadRequest } from '../errors.ts'
import type { Routes } from '../routes.ts'
import { sendData } from './answer.ts'
import { asBadRequest, durationOf, type Form, formOf, invalid, limitOf, timeOf } from './form.ts'
import { limited, resultPieces } from './result.ts'

const POINTS_MAX = 11_000

/** `/api/v1/query` and `/api/v1/query_range`, by GET and POST. */
export function registerQueries(routes: Routes): void {
  const { app } = routes
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/query',
    handler: async (request, reply) => answerInstant(routes, request, reply),
  })
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/query_range',
    handler: async (request, reply) => answerRange(routes, request, reply),
  })
}

async function answerInstant({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const limit = limitOf(form)
  const atMs = timeOf(form, 'time', options.now())
  const asked = { expr: form.get('query'), atMs, ...boundsOf(form) }
  const began = options.clock.monotonic()
  const signal = goneSignal(reply)
  const result = await asking(asked.expr, async () => options.operations.query(actor(request), asked, signal))
  return answer(reply, options, { form, limit, atMs, result, tookMs: options.clock.monotonic() - began })
}

async function answerRange({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const limit = limitOf(form)
  const asked = { expr: form.get('query'), ...gridOf(form), ...boundsOf(form) }
  const began = options.clock.monotonic()
  const signal = goneSignal(reply)
  const result = await asking(asked.expr, async () => options.operations.queryRange(actor(request), asked, signal))
  const tookMs = options.clock.monotonic() - began
  return answer(reply, options, { form, limit, atMs: asked.endMs, result, tookMs })
}

interface Answered {
  readonly form: Form
  readonly limit: number
  readonly atMs: number
  readonly result: QueryResult
  readonly tookMs: number
}

async function answer(
  reply: FastifyReply,
  { clock }: Pick<Routes['options'], 'clock'>,
  { form, limit, atMs, result, tookMs }: Answered,
): Promise<FastifyReply> {
  const { value, warnings } = limited(result.value, limit)
  const stats = form.get('stats') === '' ? undefined : statsOf(tookMs)
  const notes = { warnings: [...result.warnings, ...warnings, ...statsWarning(form)], infos: result.infos }
  return sendData(reply, resultPieces(value, atMs, stats), clock, notes)
}

/** What the engine knows of its own work: how long it took. Prometheus leaves out `samples` where it counted none. */
function statsOf(tookMs: number): unknown {
  const seconds = tookMs / 1000
  return {
    timings: {
      evalTotalTime: seconds,
      resultSortTime: 0,
      queryPreparationTime: 0,
      innerEvalTime: seconds,
      execQueueTime: 0,
      execTotalTime: seconds,
    },
  }
}

function statsWarning(form: Form): readonly string[] {
  const stats = form.get('stats')
  if (['', 'true', 'all'].includes(stats)) return []
  return [
    `value ${JSON.stringify(stats)} for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"`,
  ]
}

function boundsOf(form: Form): QueryBounds {
  const lookbackMs = durationOf(form, 'lookback_delta')
  return {
    // To Prometheus 0 is "as configured".
    lookbackMs: lookbackMs === undefined || lookbackMs <= 0 ? undefined : lookbackMs,
    timeoutMs: durationOf(form, 'timeout'),
  }
}

function gridOf(form: Form): { readonly startMs: number; readonly endMs: number; readonly stepMs: number } {
  const startMs = timeOf(form, 'start')
  const endMs = timeOf(form, 'end')
  if (endMs < startMs) throw invalid('end', 'end timestamp must not be before start time')
  const stepMs = durationOf(form, 'step')
  if (stepMs === undefined) throw invalid('step', 'cannot parse "" to a valid duration: write 30s, 5m, or seconds')
  if (stepMs <= 0) {
    throw invalid('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer')
  }
  if (Math.floor((endMs - startMs) / stepMs) > POINTS_MAX) {
    throw new BadRequest(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    )
  }
  // Times are whole milliseconds, and so is what lies between two of them.
  return { startMs, endMs, stepMs: Math.max(1, Math.round(stepMs)) }
}

/** Aborts when nobody waits for the answer any more. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/** The engine's own words about an expression are for its writer. */
async function asking(expr: string, ask: () => Promise<QueryResult>): Promise<QueryResult> {
  try {
    return await ask()
  } catch (error) {
    throw asBadRequest('query', expr, error)
  }
}
