import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

import { expect, onTestFinished, test } from 'vitest'

import { createFetch, type FetchAnswer } from './http-client.ts'

interface Served {
  readonly url: string
  /** The connections that came, in order. */
  readonly sockets: readonly Socket[]
}

async function serve(listener: RequestListener): Promise<Served> {
  const sockets: Socket[] = []
  const server = createServer(listener)
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  return { sockets, url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/` }
}

async function textOf({ body }: FetchAnswer): Promise<string> {
  const chunks: Uint8Array[] = []
  if (body !== null) for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return textOf({ status: 0, headers: new Headers(), body: request })
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request
  const body = await bodyOf(request)
  response.writeHead(418, { 'x-one': 'a', 'set-cookie': ['b', 'c'] })
  response.end(JSON.stringify([method, headers['x-asked'], headers['content-length'], body]))
}

test('what is sent arrives, and what is answered comes back', async () => {
  const { url } = await serve((request, response) => void echo(request, response))

  const answer = await createFetch()(url, { method: 'POST', headers: { 'x-asked': 'yes' }, body: 'grüße' })

  expect(answer.status).toBe(418)
  expect(['X-One', 'set-cookie', 'x-none'].map((name) => answer.headers.get(name))).toEqual(['a', 'b, c', null])
  expect(JSON.parse(await textOf(answer))).toEqual(['POST', 'yes', '7', 'grüße'])
})

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('an answer in %s is decompressed', async (encoding, compress) => {
  const { url } = await serve((request, response) => {
    expect(request.headers['accept-encoding']).toContain(encoding)
    response.writeHead(200, { 'content-encoding': encoding }).end(compress('words '.repeat(1_000)))
  })

  expect(await textOf(await createFetch()(url, {}))).toBe('words '.repeat(1_000))
})

test.each(['gzip', 'identity'])('an answer in %s that breaks off is an error, not a short answer', async (encoding) => {
  const whole = gzipSync('words '.repeat(1_000))
  const { url } = await serve((_request, response) => {
    response.writeHead(200, { 'content-encoding': encoding, 'content-length': whole.length })
    response.write(whole.subarray(0, 20), () => response.destroy())
  })

  const answer = await createFetch()(url, {})

  await expect(textOf(answer)).rejects.toThrow(/aborted|ECONNRESET/)
})

test('a redirect is an answer', async () => {
  const { url } = await serve((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end())

  const answer = await createFetch()(url, { redirect: 'manual' })

  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere'])
})

test('requests one after the other share a connection', async () => {
  const { url, sockets } = await serve((_request, response) => response.end('ok'))
  const fetch = createFetch()

  for (let turn = 0; turn < 3; turn += 1) expect(await textOf(await fetch(url, {}))).toBe('ok')

  expect(sockets).toHaveLength(1)
})

test('a connection that the server closed while it rested is replaced', async () => {
  let requests = 0
  const { url, sockets } = await serve((request, response) => {
    requests += 1
    // The second request finds the connection broken before anything of it is answered.
    if (requests === 2) request.socket.resetAndDestroy()
    else response.end('ok')
  })
  const fetch = createFetch()
  await textOf(await fetch(url, {}))

  expect(await textOf(await fetch(url, { method: 'POST', body: 'again' }))).toBe('ok')
  expect(sockets).toHaveLength(2)
})

test('a new connection that breaks is an error at once', async () => {
  const { url, sockets } = await serve((request) => request.socket.resetAndDestroy())

  await expect(createFetch()(url, {})).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(sockets).toHaveLength(1)
})

test('where nobody listens the error carries the code of the system', async () => {
  const { url } = await serve(() => {})
  const closed = url.replace(/:\d+/, ':1')

  await expect(createFetch()(closed, {})).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test.each([
  ['before the answer', (_response: ServerResponse) => {}],
  ['while the body comes', (response: ServerResponse) => void response.write('the beginning')],
])('an abort %s rejects with its reason and closes the connection', async (_when, begin) => {
  const arrived = Promise.withResolvers<ServerResponse>()
  const { url } = await serve((_request, response) => {
    begin(response)
    arrived.resolve(response)
  })
  const stopping = new AbortController()
  const reason = new Error('enough')

  const text = createFetch()(url, { signal: stopping.signal }).then(textOf)
  const response = await arrived.promise
  const closed = once(response, 'close')
  stopping.abort(reason)

  await expect(text).rejects.toBe(reason)
  await closed
})

test('with a signal that has aborted nothing is sent', async () => {
  const { url, sockets } = await serve((_request, response) => response.end())
  const reason = new Error('too late')

  await expect(createFetch()(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(sockets).toHaveLength(0)
})
