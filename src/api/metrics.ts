import { sendPieces } from './pieces.ts'
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
    // The list is taken at once: while the answer is being written, rounds go on.
    return sendPieces(reply.type(type), exposition([...samples], table, isOpenMetrics), options.clock)
  })
}
