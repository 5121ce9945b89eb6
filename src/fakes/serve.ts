import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A stand-in for a service: from request to answer. Handed over as `fetch` in a simulation, or served over HTTP. */
export type FakeService = (request: Request) => Promise<Response>

/** A fake that listens on loopback. */
export interface ServedFake {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  close(): Promise<void>
}

/** Serves a fake over HTTP on a free port of this machine. */
export async function serveFake(service: FakeService): Promise<ServedFake> {
  const server = createServer((request, response) => {
    // A fake that throws is a connection that breaks, as a service that crashes is.
    answer(service, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

async function answer(service: FakeService, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = []
  const body: AsyncIterable<Uint8Array> = incoming
  for await (const chunk of body) chunks.push(chunk)
  const method = incoming.method ?? 'GET'
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const url = `http://${incoming.headers.host ?? '127.0.0.1'}${incoming.url ?? '/'}`
  const response = await service(
    new Request(url, { method, headers, ...(hasBody ? { body: Buffer.concat(chunks) } : {}) }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}
