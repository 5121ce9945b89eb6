import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Secret } from '../lib/secret.ts'
import type { World } from '../lib/world.ts'

/** Lets commands on this machine find and ask the running process. */
export interface CliFiles {
  readonly token: Secret
  /** Says where the process listens. */
  publish(url: string): void
  remove(): void
}

/** The URL and a token of this run, in the storage folder, readable by its owner only. */
export function createCliFiles(folder: string, world: Pick<World, 'bytes'>): CliFiles {
  const token = new Secret(Buffer.from(world.bytes(32)).toString('base64url'))
  const urlFile = join(folder, 'cli.url')
  const tokenFile = join(folder, 'cli.token')
  return {
    token,
    publish(url) {
      writeFileSync(tokenFile, `${token.reveal()}\n`, { mode: 0o600 })
      writeFileSync(urlFile, `${url}\n`, { mode: 0o600 })
    },
    remove() {
      rmSync(urlFile, { force: true })
      rmSync(tokenFile, { force: true })
    },
  }
}
