import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import type { EvmBlock } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { createHeadMemory, isShown, voteOn } from './head-memory.ts'
import type { ChainIdentity } from './identity.ts'
import { chooseHead, type HeadReport } from './quorum.ts'

/*
 * The served head. It moves forward freely. It moves back, or sideways to another block of the same height, only when
 * endpoints show by hashes that the served block is gone: at its height, or at an older height we remember, they have
 * another block, and they outnumber those that still have ours. A head that is merely lower proves nothing: that is what
 * a lagging endpoint behind a load balancer looks like. Then the old head stands until somebody passes it, or for a
 * minute in which nobody has shown it: by then it is no lag, and a head that is merely lower takes nothing back.
 */

const UNSHOWN_MS = 60_000

export interface HeadKeeper {
  /** Takes in what the endpoints last said, and returns the head to serve. Called once at a time. */
  decide(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<EvmBlock | undefined>
  /** The chain's pace: milliseconds a block; undefined until two heads were seen. */
  blockTimeMs(): number | undefined
}

export function createHeadKeeper(
  world: Pick<World, 'now' | 'monotonic'>,
  log: Logger,
  identity: ChainIdentity,
): HeadKeeper {
  const memory = createHeadMemory(() => identity.genesis)
  let served: { readonly block: EvmBlock; readonly at: number; readonly shownAt: number } | undefined
  let blockTimeMs: number | undefined

  function accept(block: EvmBlock): EvmBlock {
    if (served !== undefined) blockTimeMs = paceAfter(blockTimeMs, served.block, block)
    const now = world.monotonic()
    served = { block, at: block.hash === served?.block.hash ? served.at : now, shownAt: now }
    memory.remember(block)
    return block
  }

  async function isGone(block: EvmBlock, endpoints: readonly Endpoint[], signal: AbortSignal): Promise<boolean> {
    const votes = await Promise.all(endpoints.map(async (endpoint) => voteOn(endpoint, block, memory, signal)))
    return votes.filter((vote) => vote === 'gone').length > votes.filter((vote) => vote === 'stands').length
  }

  function plausibleAdvance(): number {
    if (served === undefined || blockTimeMs === undefined) return Number.POSITIVE_INFINITY
    return 5 + (2 * (world.monotonic() - served.at)) / blockTimeMs
  }

  return {
    blockTimeMs: () => blockTimeMs,
    async decide(endpoints, signal) {
      const reports = oneVoiceEach(endpoints)
      const old = served?.block
      const choice = chooseHead(reports, { served: old, plausibleAdvance: plausibleAdvance(), now: world.now() })
      if (choice === undefined) return undefined
      const { block, name } = choice.report
      if (old === undefined || block.hash === old.hash) return accept(block)
      if (block.number > old.number) {
        const source = endpoints.find((endpoint) => endpoint.name === name)
        if (!choice.needsProof || source === undefined || (await isShown(source, block, signal))) return accept(block)
        log.warn('an endpoint claims a head it cannot show', {
          endpoint: name,
          claimed: block.number,
          head: old.number,
        })
        return old
      }
      const isUnshown = served !== undefined && world.monotonic() - served.shownAt > UNSHOWN_MS
      if (!isUnshown && !(await isGone(old, endpoints, signal))) return old
      log.info('the head was reorganised', {
        from: old.number,
        from_hash: old.hash,
        to: block.number,
        to_hash: block.hash,
      })
      return accept(block)
    },
  }
}

/**
 * What the endpoints report, one voice for each host and port: the HTTP and the WebSocket side of a node, or two accounts
 * with one provider, are not two witnesses. The higher of them speaks.
 */
function oneVoiceEach(endpoints: readonly Endpoint[]): readonly HeadReport[] {
  const byHost = new Map<string, HeadReport>()
  for (const endpoint of endpoints) {
    const { name } = endpoint
    const host = name.split('#')[0] ?? name
    const block = endpoint.head()?.block
    if (block === undefined || block.number <= (byHost.get(host)?.block.number ?? -1)) continue
    byHost.set(host, { name, block })
  }
  return [...byHost.values()]
}

/** Weight of the newest blocks in the moving average. */
const PACE_WEIGHT = 0.2
const BLOCK_TIME_MIN_MS = 50
const BLOCK_TIME_MAX_MS = 3_600_000

/** The chain's pace by its own clock, which counts whole seconds: chains with several blocks in one average out. */
function paceAfter(pace: number | undefined, from: EvmBlock, to: EvmBlock): number | undefined {
  if (to.number <= from.number) return pace
  const newest = (to.timeMs - from.timeMs) / (to.number - from.number)
  const next = pace === undefined ? newest : pace + (newest - pace) * PACE_WEIGHT
  return Math.min(BLOCK_TIME_MAX_MS, Math.max(BLOCK_TIME_MIN_MS, next))
}
