import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { z } from 'zod'

import { request as askUpstream } from '../../lib/http.ts'
import type { World } from '../../lib/world.ts'
import { answerCall, type ProxyCall, type Upstream } from './answers.ts'
import { type AnswerFault, concerns, type EvmFault, type ExchangeFault, isExchangeFault } from './faults.ts'

export type { EvmFault } from './faults.ts'

/** A node as its users get to see it on a bad day: passes everything on, but for the faults that are switched on. */
export interface EvmProxy {
  readonly url: string
  readonly webSocketUrl: string
  /** Replaces all faults; none: everything is passed on. Where several concern a question, the first one decides. */
  setFaults(...faults: readonly EvmFault[]): void
  /** Every question that came, in order. */
  readonly calls: readonly ProxyCall[]
  /** How many exchanges came over HTTP; a batch is one. */
  exchanges(): number
  /** Breaks every WebSocket that passes through. */
  breakSockets(): void
  /** WebSockets stay open and fall silent; new ones as well, until told otherwise. */
  silenceSockets(isSilent: boolean): void
  stop(): Promise<void>
}

export interface EvmProxyOptions {
  readonly world: Pick<World, 'fetch' | 'after'>
  /** The node behind it: an `http:` URL; its WebSocket is expected at the same place. */
  readonly upstream: string
  /** Default: a free one. */
  readonly port?: number
}

const callSchema = z.object({ id: z.unknown(), method: z.string(), params: z.array(z.unknown()).default([]) })
const bodySchema = z.union([callSchema, z.array(callSchema)])
const envelopeSchema = z.record(z.string(), z.unknown())

const UPSTREAM_MS_MAX = 60_000
const UPSTREAM_BYTES_MAX = 200_000_000

/** Starts the proxy on loopback. */
export async function startEvmProxy({ world, upstream, port = 0 }: EvmProxyOptions): Promise<EvmProxy> {
  const calls: ProxyCall[] = []
  let exchanges = 0
  let faults: readonly EvmFault[] = []

  const ask: Upstream = async (call) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...call })
    const headers = { 'content-type': 'application/json' }
    const bounds = { timeoutMs: UPSTREAM_MS_MAX, maxBytes: UPSTREAM_BYTES_MAX }
    const answer = await askUpstream(world, { url: upstream, method: 'POST', headers, body, ...bounds })
    return envelopeSchema.parse(JSON.parse(answer.body))
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = bodySchema.parse(JSON.parse(await readAll(request)))
    const asked = Array.isArray(body) ? body : [body]
    const methods = asked.map((call) => call.method)
    exchanges += 1
    calls.push(...asked)
    const relevant = faults.filter((fault) => concerns(fault, methods))
    const answer = async () => {
      const answers = asked.map(async (call) => answerCall(call, answerFaults(relevant, call), ask))
      const envelopes = await Promise.all(answers)
      return JSON.stringify(Array.isArray(body) ? envelopes : envelopes[0])
    }
    const fault = relevant.find(isExchangeFault)
    if (fault === undefined) sendJson(response, await answer())
    else await misbehave(world, response, fault, { answer, isBatch: Array.isArray(body) })
  }

  const server = createServer((request, response) => {
    // Whoever asks may leave before the answer is ready, and the node behind may be gone.
    serve(request, response).catch(() => response.destroy())
  })
  const sockets = passSockets(new URL(upstream))
  server.on('upgrade', sockets.onUpgrade)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`

  return {
    url: `http://${host}`,
    webSocketUrl: `ws://${host}`,
    calls,
    exchanges: () => exchanges,
    setFaults(...next) {
      faults = next
    },
    breakSockets: () => sockets.breakAll(),
    silenceSockets: (isSilent) => sockets.silence(isSilent),
    async stop() {
      sockets.breakAll()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answerFaults(faults: readonly EvmFault[], call: ProxyCall): readonly AnswerFault[] {
  return faults.filter((fault): fault is AnswerFault => !isExchangeFault(fault) && concerns(fault, [call.method]))
}

interface Exchange {
  readonly answer: () => Promise<string>
  readonly isBatch: boolean
}

async function misbehave(
  world: Pick<World, 'after'>,
  response: ServerResponse,
  fault: ExchangeFault,
  { answer, isBatch }: Exchange,
): Promise<void> {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><html><body>Welcome</body></html>')
      return
    case 'hang':
      return
    case 'slow':
      drip(world, response, await answer(), fault)
      return
    case 'empty':
      response.writeHead(200).end()
      return
    case 'huge':
      flood(response, fault.bytes)
      return
    case 'truncated': {
      const whole = await answer()
      response.writeHead(200).end(whole.slice(0, Math.floor(whole.length / 2)))
      return
    }
    case 'reset':
      response.destroy()
      return
    case 'no-batch':
      if (isBatch) {
        sendJson(
          response,
          '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch requests are not supported"}}',
        )
      } else sendJson(response, await answer())
  }
}

function sendJson(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(body)
}

function drip(
  world: Pick<World, 'after'>,
  response: ServerResponse,
  text: string,
  { bytes, everyMs }: { readonly bytes: number; readonly everyMs: number },
): void {
  if (text === '' || response.destroyed) {
    response.end()
    return
  }
  response.write(text.slice(0, bytes))
  world.after(everyMs, () => drip(world, response, text.slice(bytes), { bytes, everyMs }))
}

/** Writes as fast as it is read, and stops when nobody reads any more. */
function flood(response: ServerResponse, bytes: number): void {
  const piece = `"${'0'.repeat(65_533)}",`
  let left = bytes
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= piece.length
      if (!response.write(piece)) return
    }
    response.end('""]}')
  }
  response.on('drain', more)
  response.write('{"jsonrpc":"2.0","id":1,"result":[')
  more()
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: AsyncIterable<Buffer> = request
  const read: Buffer[] = []
  for await (const chunk of chunks) read.push(chunk)
  return Buffer.concat(read).toString('utf8')
}

/** Passes WebSockets through, byte by byte. */
function passSockets(upstream: URL): {
  readonly onUpgrade: (request: IncomingMessage, client: Duplex, head: Buffer) => void
  readonly breakAll: () => void
  readonly silence: (isSilent: boolean) => void
} {
  const open = new Set<{ readonly client: Duplex; readonly node: Socket }>()
  let isSilenced = false
  return {
    onUpgrade(request, client, head) {
      const node = connect(Number(upstream.port), upstream.hostname)
      const pair = { client, node }
      open.add(pair)
      const end = () => {
        open.delete(pair)
        client.destroy()
        node.destroy()
      }
      for (const stream of [client, node]) stream.on('error', end).on('close', end)
      const headers = request.rawHeaders.map((text, index) => (index % 2 === 0 ? `\r\n${text}: ` : text)).join('')
      node.write(`GET ${request.url ?? '/'} HTTP/1.1${headers}\r\n\r\n`)
      node.write(head)
      client.pipe(node)
      node.on('data', (chunk: Buffer) => {
        if (!isSilenced) client.write(chunk)
      })
    },
    breakAll() {
      for (const { client, node } of open) {
        client.destroy()
        node.destroy()
      }
    },
    silence(isSilent) {
      isSilenced = isSilent
    },
  }
}
