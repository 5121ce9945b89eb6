import { listen, type ApiServer, type ListenAddress } from '../api/index.ts'
import type { Config } from '../config/index.ts'
import { ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import type { Operations } from '../operations/index.ts'
import type { CliFiles } from './cli-files.ts'
import { clockOf } from './queries.ts'

export interface ApiWiring {
  readonly config: Config
  readonly world: World
  readonly log: Logger
  readonly operations: Operations
  readonly cliFiles: CliFiles
  readonly isReady: () => boolean
}

/**
 * Listens as the configuration says and lets commands on this machine find the process.
 *
 * @throws ConfigError when an address is taken or not allowed, or a certificate cannot be used
 */
export async function wireApi(wiring: ApiWiring): Promise<ApiServer> {
  const { server, file } = wiring.config
  try {
    const api = await listenAsConfigured(wiring)
    const door = server.tls === undefined ? undefined : await besides(api, async () => listenForCommands(wiring))
    wiring.cliFiles.publish(urlOf((door ?? api).addresses, false))
    wiring.log.info('listening', {
      url: urlOf(api.addresses, server.tls !== undefined),
      addresses: api.addresses.map(({ host, port }) => `${host}:${port}`),
    })
    return {
      addresses: api.addresses,
      stop: async () => void (await Promise.all([api.stop(), door?.stop()])),
    }
  } catch (error) {
    const where = server.listen.map(({ host, port }) => `${host}:${port}`).join(', ')
    const message = `cannot listen on ${where}: ${messageOf(error)}`
    throw new ConfigError([{ path: 'server.listen', message, ...(file === undefined ? {} : { file }) }])
  }
}

async function listenAsConfigured(wiring: ApiWiring): Promise<ApiServer> {
  const { server } = wiring.config
  return listen({
    ...shared(wiring),
    listen: server.listen,
    tls: server.tls,
    access: {
      tokens: [...server.tokens, cliToken(wiring)],
      open: server.open,
      hosts: server.external_url === undefined ? [] : [new URL(server.external_url).hostname],
    },
  })
}

/**
 * A door on loopback for commands on this machine, who have the token of this run. A certificate is made out to the name
 * that others know this server by, often by an authority that only they know: commands could not check it.
 */
async function listenForCommands(wiring: ApiWiring): Promise<ApiServer> {
  return listen({
    ...shared(wiring),
    listen: [{ host: '127.0.0.1', port: 0 }],
    tls: undefined,
    access: { tokens: [cliToken(wiring)], open: false, hosts: [], tokensOnly: true },
  })
}

/** Both, or neither. */
async function besides(first: ApiServer, open: () => Promise<ApiServer>): Promise<ApiServer> {
  try {
    return await open()
  } catch (error) {
    await first.stop()
    throw error
  }
}

function shared({ operations, log, isReady, world }: ApiWiring) {
  return { operations, log: log.child('api'), isReady, now: () => world.now(), clock: clockOf(world) }
}

function cliToken({ cliFiles }: ApiWiring) {
  return { name: 'cli', role: 'admin', token: cliFiles.token } as const
}

/** The URL that this machine reaches the first listener by. */
export function urlOf(addresses: readonly ListenAddress[], isTls: boolean): string {
  const { host = '127.0.0.1', port = 0 } = addresses[0] ?? {}
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }
  const name = anywhere[host] ?? (host.includes(':') ? `[${host}]` : host)
  return `${isTls ? 'https' : 'http'}://${name}:${port}`
}
