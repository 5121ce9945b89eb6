import { createEvmPool } from '../chains/evm/index.ts'
import type { Probe } from '../collectors/index.ts'
import type { Config, ConfiguredTarget } from '../config/index.ts'
import { messageOf } from '../lib/errors.ts'
import { createLogger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** What one target's endpoints said. */
export interface CheckedTarget {
  readonly target: string
  readonly type: string
  readonly probes: readonly Probe[]
}

const PROBE_MS = 15_000

/** Asks every target of a configuration what it can do; all at once, each bounded. Never rejects. */
export async function checkTargets(config: Config, world: World): Promise<readonly CheckedTarget[]> {
  const log = createLogger({ level: 'error', write: () => undefined, now: () => world.now() })
  const pool = createEvmPool(world, log)
  try {
    return await Promise.all(
      config.targets.map(async (target) => ({
        target: target.config.name,
        type: target.config.type,
        probes: await probe(target, world, { log, pool }),
      })),
    )
  } finally {
    pool.stop()
  }
}

async function probe(
  { definition, config }: ConfiguredTarget,
  world: World,
  { log, pool }: { readonly log: ReturnType<typeof createLogger>; readonly pool: ReturnType<typeof createEvmPool> },
): Promise<readonly Probe[]> {
  if (definition.probe === undefined) return []
  const clock = new AbortController()
  const cancel = world.after(PROBE_MS, () => clock.abort(new Error(`no answer within ${PROBE_MS / 1000} s`)))
  try {
    const ask = await definition.probe()
    const given = {
      ...world,
      log,
      firstStartedAt: world.now(),
      chains: { evm: (endpoints: Parameters<typeof pool.follower>[0]) => pool.follower(endpoints) },
      memory: { sightings: async () => [] },
      wake: () => undefined,
    }
    return await ask(config, given, clock.signal)
  } catch (error) {
    return [{ what: 'answers', ok: false, detail: messageOf(error) }]
  } finally {
    cancel()
  }
}
