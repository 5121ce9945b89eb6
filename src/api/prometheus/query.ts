import { z } from 'zod'

import { parseDuration } from '../../lib/duration.ts'
import { messageOf } from '../../lib/errors.ts'
import { parseTime } from '../../lib/time.ts'
import type { QueryAnswer } from '../../operations/index.ts'
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
        data: dataOf(answer),
        ...(answer.warnings.length === 0 ? {} : { warnings: answer.warnings }),
        ...(answer.infos.length === 0 ? {} : { infos: answer.infos }),
      })
    },
  })
}

/** The engine's own words about an expression are for its writer. */
async function ask(query: () => Promise<QueryAnswer>): Promise<QueryAnswer> {
  try {
    return await query()
  } catch (error) {
    if (error instanceof Error && error.name === 'PromqlError') throw new BadRequest(messageOf(error))
    throw error
  }
}

function dataOf({ result, atMs }: QueryAnswer): unknown {
  const at = atMs / 1000
  switch (result.type) {
    case 'vector':
      return {
        resultType: 'vector',
        result: result.elements.map(({ labels, value }) => ({ metric: labels, value: [at, formatValue(value)] })),
      }
    case 'matrix':
      return {
        resultType: 'matrix',
        result: result.series.map(({ labels, points }) => ({
          metric: labels,
          values: points.map(([time, value]) => [time / 1000, formatValue(value)]),
        })),
      }
    case 'scalar':
      return { resultType: 'scalar', result: [at, formatValue(result.value)] }
    case 'string':
      return { resultType: 'string', result: [at, result.value] }
  }
}
