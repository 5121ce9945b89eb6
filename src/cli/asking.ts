import { existsSync } from 'node:fs'

import type { z } from 'zod'

import { openOffline } from '../app/offline.ts'
import { readEnvironment, storagePlaceOf } from '../config/index.ts'
import { ConfigError, OutsideError } from '../lib/errors.ts'
import { ask, findProcess } from './client.ts'
import type { CommandContext } from './index.ts'

/** The API, wherever it is answered. */
export interface Asking {
  readonly get: <Schema extends z.ZodType>(path: string, schema: Schema) => Promise<z.output<Schema>>
}

/** Which process is asked. */
interface Asked {
  readonly config: string
  readonly envFile?: string | undefined
}

/**
 * Lets a command ask the process that runs on this configuration's folder. With none running, what is stored is opened
 * under the lock and answers instead.
 */
export async function withProcess(
  { world }: CommandContext,
  asked: Asked,
  use: (asking: Asking) => Promise<void>,
): Promise<void> {
  const place = storagePlaceOf(asked.config, readEnvironment({ file: asked.envFile }))
  const running = findProcess(place.path)
  if (running !== undefined) {
    try {
      await use({ get: async (path, schema) => ask(world, running, path, schema) })
      return
    } catch (error) {
      if (!(error instanceof OutsideError) || error.reason !== 'unreachable') throw error
    }
  }
  if (!existsSync(place.path)) {
    throw new ConfigError([{ message: `nothing runs here, and nothing is stored: there is no folder ${place.path}` }])
  }
  if (place.faults.length > 0) throw new ConfigError(place.faults)
  const offline = await openOffline(place, world)
  try {
    await use({ get: async (path, schema) => schema.parse(await offline.get(path)) })
  } finally {
    await offline.close()
  }
}
