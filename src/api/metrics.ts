import { Readable } from 'node:stream'

import type { CurrentSample } from '../operations/index.ts'
import { exposition } from './prometheus/exposition.ts'
import type { Routes } from './routes.ts'

const OPENMETRICS = 'application/openmetrics-text'

/** `/metrics`: every current series and Chainwarden's own, as text or as OpenMetrics, whichever is asked for. */
export function registerMetrics({ app, options, actor }: Routes): void {
  app.get('/metrics', async (request, reply) => {
    const { samples, table } = options.operations.currentSamples(actor(request))
    const isOpenMetrics = request.headers.accept?.includes(OPENMETRICS) === true
    const type = isOpenMetrics
      ? `${OPENMETRICS}; version=1.0.0; charset=utf-8`
      : 'text/plain; version=0.0.4; charset=utf-8'
    const current: readonly CurrentSample[] = [...samples]
    // A stream, so that other work gets its turn between the pieces of a long answer.
    return reply.type(type).send(Readable.from(exposition(current, table, isOpenMetrics)))
  })
}
