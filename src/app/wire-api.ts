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
export async function wireApi({ config, world, log, operations, cliFiles, isReady }: ApiWiring): Promise<ApiServer> {
  const { server } = config
  const cliToken = { name: 'cli', role: 'admin', token: cliFiles.token } as const
  const api = await listen({
    operations,
    log: log.child('api'),
    isReady,
    now: () => world.now(),
    clock: clockOf(world),
    listen: server.listen,
    tls: server.tls,
    access: {
      tokens: [...server.tokens, cliToken],
      open: server.open,
      hosts: server.external_url === undefined ? [] : [new URL(server.external_url).hostname],
    },
  }).catch((error: unknown) => {
    const where = server.listen.map(({ host, port }) => `${host}:${port}`).join(', ')
    const message = `cannot listen on ${where}: ${messageOf(error)}`
    throw new ConfigError([
      { path: 'server.listen', message, ...(config.file === undefined ? {} : { file: config.file }) },
    ])
  })
  const url = urlOf(api.addresses, server.tls !== undefined)
  cliFiles.publish(url)
  log.info('listening', { url, addresses: api.addresses.map(({ host, port }) => `${host}:${port}`) })
  return api
}

/** The URL that this machine reaches the first listener by. */
export function urlOf(addresses: readonly ListenAddress[], isTls: boolean): string {
  const { host = '127.0.0.1', port = 0 } = addresses[0] ?? {}
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }
  const name = anywhere[host] ?? (host.includes(':') ? `[${host}]` : host)
  return `${isTls ? 'https' : 'http'}://${name}:${port}`
}
