import type { Config } from '../config/index.ts'
import type { World } from '../lib/world.ts'
import { createCore } from './core-parts.ts'
import { wireLog } from './wire-log.ts'

export interface OnceOptions {
  readonly config: Config
  readonly world: World
  readonly console: { readonly isTerminal: boolean; readonly hasColour: boolean }
}

/** How long rounds and deliveries may take together. */
const ONCE_MS = 50_000

/**
 * One round of everything up to the head, the rules, the groups that are due, and deliveries until nothing is owed: for
 * cron. Resolves with whether all was delivered.
 *
 * @throws AlreadyRunning when another process is at work on the same folder
 */
export async function runOnce({ config, world, console }: OnceOptions): Promise<boolean> {
  const wired = wireLog(config, world, console)
  const { log } = wired
  try {
    const core = await createCore({ config, world, log })
    const clock = new AbortController()
    const cancel = world.after(ONCE_MS, () => clock.abort())
    try {
      await core.alerts.start()
      await core.scheduler.once(config.targets, clock.signal)
      const isDelivered = await core.alerts.settle(clock.signal)
      if (!isDelivered) log.warn('not everything was delivered in time; what is owed waits for the next run')
      return isDelivered
    } finally {
      cancel()
      await core.stop()
    }
  } finally {
    await wired.close()
  }
}
