import { sendPieces } from './pieces.ts'
import { exposition } from './prometheus/exposition.ts'
import type { Routes } from './routes.ts'

const OPENMETRICS = 'application/openmetrics-text'
/** Prometheus 3 asks for names as they are. */
const UTF8 = 'escaping=allow-utf-8'

/** `/metrics`: every current series and Chainwarden's own, as text or as OpenMetrics, whichever is asked for. */
export function registerMetrics({ app, options, actor }: Routes): void {
  app.get('/metrics', async (request, reply) => {
    const { samples, table } = options.operations.currentSamples(actor(request))
    const accept = request.headers.accept ?? ''
    const isOpenMetrics = accept.includes(OPENMETRICS)
    const takesUtf8 = accept.includes(UTF8)
    const type = isOpenMetrics ? `${OPENMETRICS}; version=1.0.0` : 'text/plain; version=0.0.4'
    void reply.type(`${type}; charset=utf-8${takesUtf8 ? `; ${UTF8}` : ''}`)
    // The list is taken at once: while the answer is being written, rounds go on.
    return sendPieces(reply, exposition([...samples], table, { isOpenMetrics, takesUtf8 }), options.clock)
  })
}
