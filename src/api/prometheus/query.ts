import { z } from 'zod'

import { parseDuration } from '../../lib/duration.ts'
import { messageOf } from '../../lib/errors.ts'
import { parseTime } from '../../lib/time.ts'
import { PromqlError, type QueryResult } from '../../operations/index.ts'
import { BadRequest } from '../errors.ts'
import type { Routes } from '../routes.ts'
import { formatValue } from './value.ts'

const parameters = z.looseObject({
  query: z.string().max(100_000),
  time: z.string().optional(),
  timeout: z.string().optional(),
})

/** `/api/v1/query`, by GET and POST: an instant query, answered in Prometheus' shape. */
export function registerQuery({ app, options, actor }: Routes): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/query',
    handler: async (request, reply) => {
      const asked = parameters.parse(request.method === 'POST' ? (request.body ?? request.query) : request.query)
      if (
        asked.timeout !== undefined &&
        parseDuration(asked.timeout) === undefined &&
        !Number.isFinite(Number(asked.timeout))
      ) {
        throw new BadRequest('timeout: write a duration as 30s')
      }
      const atMs = asked.time === undefined ? options.now() : parseTime(asked.time)
      if (atMs === undefined) throw new BadRequest('time: write seconds since 1970 or 2026-11-20T12:00:00Z')
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const answer = await ask(async () => options.operations.query(actor(request), asked.query, atMs, gone.signal))
      return reply.send({
        status: 'success',
        data: dataOf(answer.value, atMs),
        ...(answer.warnings.length === 0 ? {} : { warnings: answer.warnings }),
        ...(answer.infos.length === 0 ? {} : { infos: answer.infos }),
      })
    },
  })
}

/** The engine's own words about an expression are for its writer. */
async function ask(query: () => Promise<QueryResult>): Promise<QueryResult> {
  try {
    return await query()
  } catch (error) {
    if (error instanceof PromqlError) throw new BadRequest(messageOf(error))
    throw error
  }
}

function dataOf(value: QueryResult['value'], atMs: number): unknown {
  const at = atMs / 1000
  switch (value.type) {
    case 'vector':
      return {
        resultType: 'vector',
        result: value.elements.map((element) => ({ metric: element.labels, value: [at, formatValue(element.value)] })),
      }
    case 'matrix':
      return {
        resultType: 'matrix',
        result: value.series.map(({ labels, times, values }) => ({
          metric: labels,
          values: Array.from(times, (time, index) => [time / 1000, formatValue(values[index] ?? NaN)]),
        })),
      }
    case 'scalar':
      return { resultType: 'scalar', result: [at, formatValue(value.value)] }
    case 'string':
      return { resultType: 'string', result: [at, value.value] }
  }
}
