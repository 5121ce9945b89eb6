import { readFileSync } from 'node:fs'

import { z } from 'zod'

const manifest = z.object({ version: z.string() })

/** The version of the package this file belongs to, from source and when built. */
export function readVersion(): string {
  return manifest.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version
}
