import type { FastifyRequest } from 'fastify'

import { BadRequest } from '../errors.ts'
import type { Routes } from '../routes.ts'
import { jsonArray, NO_NOTES, sendData, truncate } from './answer.ts'
import { formOf, limitOf, seriesFilterOf } from './form.ts'
import { goneSignal } from './query.ts'

/** `/api/v1/series`, `/api/v1/labels` and `/api/v1/label/<name>/values`. */
export function registerSeries({ app, options, actor }: Routes): void {
  const { operations, clock } = options
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/series',
    handler: async (request, reply) => {
      const form = formOf(request)
      if (form.all('match[]').length === 0) throw new BadRequest('no match[] parameter provided')
      const limit = limitOf(form)
      const found = await operations.series(actor(request), seriesFilterOf(form), goneSignal(reply))
      const { items, warnings } = truncate(found, limit)
      return sendData(
        reply,
        jsonArray(items, (labels) => JSON.stringify(labels)),
        clock,
        { ...NO_NOTES, warnings },
      )
    },
  })
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v1/labels',
    handler: async (request, reply) => {
      const form = formOf(request)
      const limit = limitOf(form)
      const names = await operations.labelNames(actor(request), seriesFilterOf(form), goneSignal(reply))
      const { items, warnings } = truncate(names, limit)
      return sendData(
        reply,
        jsonArray(items, (name) => JSON.stringify(name)),
        clock,
        { ...NO_NOTES, warnings },
      )
    },
  })
  app.get<{ Params: { name: string } }>('/api/v1/label/:name/values', async (request, reply) => {
    const form = formOf(request)
    const name = labelNameOf(request)
    const limit = limitOf(form)
    const values = await operations.labelValues(actor(request), name, seriesFilterOf(form), goneSignal(reply))
    const { items, warnings } = truncate(values, limit)
    return sendData(
      reply,
      jsonArray(items, (value) => JSON.stringify(value)),
      clock,
      { ...NO_NOTES, warnings },
    )
  })
}

function labelNameOf(request: FastifyRequest<{ Params: { name: string } }>): string {
  const { name } = request.params
  if (name === '' || !name.isWellFormed()) throw new BadRequest(`invalid label name: ${JSON.stringify(name)}`)
  return name.startsWith('U__') ? unescapeName(name) : name
}

/**
 * A name that was escaped to letters, digits and underscores: `U__my_2e_label` is `my.label` (prometheus/common,
 * `model/metric.go`). What is no such escape stays as it is.
 */
function unescapeName(escaped: string): string {
  const body = escaped.slice('U__'.length)
  let name = ''
  for (let index = 0; index < body.length;) {
    if (body.charAt(index) !== '_') {
      name += body.charAt(index)
      index += 1
      continue
    }
    const match = /^_(?:_|([0-9a-fA-F]{1,6})_)/.exec(body.slice(index))
    if (match === null) return escaped
    const code = match[1] === undefined ? 0x5f : Number.parseInt(match[1], 16)
    if (code > 0x10ffff) return escaped
    name += String.fromCodePoint(code)
    index += match[0].length
  }
  return name
}
