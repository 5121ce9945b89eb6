import type { z } from 'zod'

import { openOffline } from '../app/offline.ts'
import { readEnvironment, storageFolderOf } from '../config/index.ts'
import { OutsideError } from '../lib/errors.ts'
import { ask, findProcess } from './client.ts'
import type { CommandContext } from './index.ts'

/** The API, wherever it is answered. */
export interface Asking {
  readonly get: <Schema extends z.ZodType>(path: string, schema: Schema) => Promise<z.output<Schema>>
}

/**
 * Lets a command ask the process that runs on this configuration's folder. With none running, what is stored is opened
 * under the lock and answers instead.
 */
export async function withProcess(
  context: CommandContext,
  configFile: string,
  use: (asking: Asking) => Promise<void>,
): Promise<void> {
  const { world } = context
  const folder = storageFolderOf(configFile, readEnvironment())
  const running = findProcess(folder)
  if (running !== undefined) {
    try {
      await use({ get: async (path, schema) => ask(world, running, path, schema) })
      return
    } catch (error) {
      if (!(error instanceof OutsideError) || error.reason !== 'unreachable') throw error
    }
  }
  const offline = await openOffline(folder, world)
  try {
    await use({ get: async (path, schema) => schema.parse(await offline.get(path)) })
  } finally {
    await offline.close()
  }
}
