import { flushCompileCache } from 'node:module'

import { z } from 'zod'

import { runOnce } from '../app/once.ts'
import { startProcess } from '../app/process.ts'
import { type Config, loadConfig, loadPreset, readEnvironment } from '../config/index.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { readVersion } from './version.ts'

const options = z.object({
  config: z.string(),
  envFile: z.string().optional(),
  preset: z.string().optional(),
  once: z.boolean().default(false),
})

type RunOptions = z.output<typeof options>

const FLUSH_CACHE_MS = 5_000
/** What remains of five seconds when the process begins to stop: then it ends, whatever still hangs. */
const STOP_MS = 5_000

/** `run`: watches until told to stop. SIGTERM and SIGINT end it in order, SIGHUP reads the configuration again. */
export async function run(context: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const { world, console } = context
  const load = async () => loadAsked(asked)
  if (asked.once) return (await runOnce({ config: await load(), world, console })) ? EXIT.fine : EXIT.tryAgain
  // From the first moment on: whoever sees that it is ready, or waits for less, may send a signal.
  const told = untilToldToStop()
  const cancelEnd = told.then(() => world.after(STOP_MS, () => process.exit(EXIT.fine)))
  const starting = startProcess({ config: await load(), load, world, console, version: readVersion() })
  process.on('SIGHUP', () => void starting.then(async (running) => running.reload()).catch(() => {}))
  const running = await starting
  // What targets load follows in the first seconds; a daemon that is killed would never write the cache.
  const cancelFlush = world.after(FLUSH_CACHE_MS, flushCompileCache)
  await told
  cancelFlush()
  await running.stop()
  const cancel = await cancelEnd
  cancel()
  return EXIT.fine
}

/** A second signal is not more urgent: Ctrl-C below npm arrives twice. */
async function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve())
    process.on('SIGINT', () => resolve())
  })
}

async function loadAsked(asked: RunOptions): Promise<Config> {
  if (asked.preset !== undefined) {
    const environment = readEnvironment({ file: asked.envFile, optionalFile: '.env' })
    return loadPreset(asked.preset, environment)
  }
  return loadConfig({ file: asked.config, environment: readEnvironment({ file: asked.envFile }) })
}
