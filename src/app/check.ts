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
  const log = silent(world)
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

/** What a look at a chain through some endpoints says, for who has no configuration yet. */
export interface ChainLook {
  /** undefined: nobody could be asked, and `problem` says why. */
  readonly chainId: number | undefined
  readonly head: number | undefined
  readonly problem: string
}

const LOOK_MS = 5_000

/** Asks the endpoints which chain they are on and how far it has come. Never rejects. */
export async function lookAtChain(urls: readonly string[], world: World): Promise<ChainLook> {
  const pool = createEvmPool(world, silent(world))
  try {
    const follower = pool.follower({ urls, chainId: undefined, timeoutMs: LOOK_MS })
    const view = await follower.look(new AbortController().signal)
    return { chainId: view.chainId, head: view.head?.number, problem: view.failure?.message ?? 'no endpoint answered' }
  } finally {
    pool.stop()
  }
}

function silent(world: World) {
  return createLogger({ level: 'error', write: () => undefined, now: () => world.now() })
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
