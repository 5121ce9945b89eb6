import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

import { OutsideError } from '../lib/errors.ts'
import { createAccess } from './access.ts'
import { answerError } from './errors.ts'
import { registerEvents } from './events.ts'
import { registerHealth } from './health.ts'
import { registerMetrics } from './metrics.ts'
import { registerPrometheus } from './prometheus/index.ts'
import type { ApiOptions, Routes } from './routes.ts'
import { registerStatus } from './status.ts'

interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

const BODY_BYTES_MAX = 10_000_000
/** Names of labels stand in paths, and may be long. */
const PATH_PART_CHARS_MAX = 1_000

/** Requests and answers are checked by zod: this keeps fastify from loading two compilers of JSON Schema, 3 MB of them. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } }

function refuseSchema(): never {
  throw new Error('routes have no JSON Schema here')
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface ApiListener extends ApiOptions {
  readonly listen: readonly ListenAddress[]
  /** PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

export interface ApiServer {
  /** Where it listens, with the ports the system chose. */
  readonly addresses: readonly ListenAddress[]
  stop(): Promise<void>
}

/**
 * Listens on every address, or on none: an address that is taken stops all and rejects.
 *
 * @throws the system's error (EADDRINUSE, EACCES) or the certificate's
 */
export async function listen(options: ApiListener): Promise<ApiServer> {
  const { tls } = options
  const https = tls === undefined ? undefined : { cert: readFileSync(tls.cert), key: readFileSync(tls.key) }
  const apps: FastifyInstance[] = []
  try {
    const addresses: ListenAddress[] = []
    for (const { host, port } of options.listen) {
      const app = createApp(options, https)
      apps.push(app)
      await app.listen({ host, port })
      const bound = app.server.address()
      addresses.push({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port })
    }
    return { addresses, stop: async () => closeAll(apps) }
  } catch (error) {
    await closeAll(apps)
    throw error
  }
}

/** The API without a listener: the same answers, for a command that opened the state itself. */
export interface InProcessApi {
  get(path: string): Promise<unknown>
  stop(): Promise<void>
}

/** Answers requests within this process. */
export function createInProcessApi(options: ApiOptions): InProcessApi {
  const app = createApp(options, undefined)
  return {
    async get(path) {
      const answer = await app.inject({ method: 'GET', url: path, headers: { host: 'localhost' } })
      const body: unknown = answer.json()
      if (answer.statusCode < 400) return body
      const said = typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : answer.body
      throw new OutsideError('rejected', said, { retry: false })
    },
    stop: async () => app.close(),
  }
}

async function closeAll(apps: readonly FastifyInstance[]): Promise<void> {
  await Promise.all(apps.map(async (app) => app.close()))
}

function createApp(options: ApiOptions, https: TlsFiles | undefined): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    schemaController: NO_SCHEMAS,
    routerOptions: { maxParamLength: PATH_PART_CHARS_MAX },
    serverFactory: (handler) => (https === undefined ? createHttpServer(handler) : createHttpsServer(https, handler)),
  })
  const access = createAccess(options.access)
  app.addHook('onRequest', async (request) => access.check(request))
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => valuesByName(new URLSearchParams(body)),
  )
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log))
  app.setNotFoundHandler(async (_request: FastifyRequest, reply: FastifyReply) =>
    reply.code(404).send({ status: 'error', errorType: 'not_found', error: 'there is nothing at this path' }),
  )
  const routes: Routes = { app, options, actor: (request) => access.actorOf(request) }
  registerHealth(routes)
  registerMetrics(routes)
  registerPrometheus(routes)
  registerStatus(routes)
  registerEvents(routes)
  return app
}

/** A name may stand in a form any number of times: `match[]` does. */
function valuesByName(form: URLSearchParams): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name)]))
}
