import type { Routes } from './routes.ts'

/** `/-/healthy`, `/-/ready` and `/-/reload`, as Prometheus has them. */
export function registerHealth({ app, options, actor }: Routes): void {
  app.get('/-/healthy', async (_request, reply) => reply.type('text/plain').send('Chainwarden is healthy.\n'))
  app.get('/-/ready', async (_request, reply) => {
    const isReady = options.isReady()
    return reply
      .code(isReady ? 200 : 503)
      .type('text/plain')
      .send(isReady ? 'Chainwarden is ready.\n' : 'Chainwarden is starting.\n')
  })
  app.post('/-/reload', async (request, reply) => {
    const result = await options.operations.reload(actor(request))
    if (result.ok) return reply.send({ status: 'success', changed: result.changed })
    return reply.code(400).send({ status: 'error', errorType: 'bad_data', error: result.faults.join('\n') })
  })
}
