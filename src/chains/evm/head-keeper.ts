import { OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import { readBlockByHash, readBlockByNumber } from './block-questions.ts'
import type { EvmBlock, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import type { ChainIdentity } from './identity.ts'
import { chooseHead } from './quorum.ts'

/*
 * The served head. It moves forward freely. It moves back, or sideways to another block of the same height, only when
 * endpoints show by hashes that the served block is gone: at its height, or at an older height we remember, they have
 * another block, and they outnumber those that still have ours. A head that is merely lower proves nothing: that is what
 * a lagging endpoint behind a load balancer looks like. Then the old head stands until somebody passes it.
 */

export interface HeadKeeper {
  /** Takes in what the endpoints last said, and returns the head to serve. */
  decide(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<EvmBlock | undefined>
  /** The chain's pace: milliseconds a block; undefined until two heads were seen. */
  blockTimeMs(): number | undefined
}

const REMEMBERED_MAX = 512
const PACE_WEIGHT = 0.2
const BLOCK_TIME_MIN_MS = 50
const BLOCK_TIME_MAX_MS = 3_600_000

export function createHeadKeeper(
  world: Pick<World, 'now' | 'monotonic'>,
  log: Logger,
  identity: ChainIdentity,
): HeadKeeper {
  let served: { readonly block: EvmBlock; readonly at: number } | undefined
  let blockTimeMs: number | undefined
  /** Hashes of heads that were served, by height, oldest first: what a reorg is proven against. */
  const remembered = new Map<number, Hex>()

  function accept(block: EvmBlock): EvmBlock {
    const previous = served?.block
    if (previous !== undefined && block.number > previous.number) {
      const pace = (block.timeMs - previous.timeMs) / (block.number - previous.number)
      const next = blockTimeMs === undefined ? pace : blockTimeMs + (pace - blockTimeMs) * PACE_WEIGHT
      blockTimeMs = Math.min(BLOCK_TIME_MAX_MS, Math.max(BLOCK_TIME_MIN_MS, next))
    }
    if (block.hash !== previous?.hash) served = { block, at: world.monotonic() }
    for (const height of remembered.keys()) if (height > block.number) remembered.delete(height)
    remember(block.number - 1, block.parentHash)
    remember(block.number, block.hash)
    return block
  }

  function remember(height: number, hash: Hex): void {
    if (height < 0) return
    remembered.delete(height)
    remembered.set(height, hash)
    for (const oldest of remembered.keys()) {
      if (remembered.size <= REMEMBERED_MAX) break
      remembered.delete(oldest)
    }
  }

  /** What is remembered at or below a height, as near to it as possible; else block 0. */
  function anchorBelow(height: number): { readonly height: number; readonly hash: Hex } | undefined {
    let best: { readonly height: number; readonly hash: Hex } | undefined
    for (const [known, hash] of remembered) {
      if (known <= height && (best === undefined || known > best.height)) best = { height: known, hash }
    }
    return best ?? (identity.genesis === undefined ? undefined : { height: 0, hash: identity.genesis })
  }

  async function vote(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<Vote> {
    const head = endpoint.head()?.block
    if (head === undefined) return 'unknown'
    const anchor = head.number >= block.number ? { height: block.number, hash: block.hash } : anchorBelow(head.number)
    if (anchor === undefined) return 'unknown'
    const there =
      anchor.height === head.number ? head : await quietly(readBlockByNumber(endpoint, anchor.height, signal))
    if (there === undefined) return 'unknown'
    if (there.hash !== anchor.hash) return 'gone'
    return anchor.height === block.number ? 'stands' : 'unknown'
  }

  async function isGone(block: EvmBlock, endpoints: readonly Endpoint[], signal: AbortSignal): Promise<boolean> {
    const votes = await Promise.all(endpoints.map(async (endpoint) => vote(endpoint, block, signal)))
    const count = (wanted: Vote) => votes.filter((given) => given === wanted).length
    return count('gone') > count('stands')
  }

  function plausibleAdvance(): number {
    if (served === undefined || blockTimeMs === undefined) return Number.POSITIVE_INFINITY
    return 5 + (2 * (world.monotonic() - served.at)) / blockTimeMs
  }

  return {
    blockTimeMs: () => blockTimeMs,
    async decide(endpoints, signal) {
      const reports = endpoints.flatMap((endpoint) => {
        const head = endpoint.head()
        return head === undefined ? [] : [{ name: endpoint.name, block: head.block }]
      })
      const old = served?.block
      const choice = chooseHead(reports, { served: old, plausibleAdvance: plausibleAdvance(), now: world.now() })
      if (choice === undefined) return undefined
      const { block, name } = { block: choice.report.block, name: choice.report.name }
      if (old === undefined || block.hash === old.hash) return accept(block)
      const source = endpoints.find((endpoint) => endpoint.name === name)
      if (block.number > old.number) {
        if (!choice.needsProof || source === undefined || (await isShown(source, block, signal))) return accept(block)
        log.warn('an endpoint claims a head that it cannot show', {
          endpoint: name,
          claimed: block.number,
          head: old.number,
        })
        return old
      }
      if (!(await isGone(old, endpoints, signal))) return old
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

type Vote = 'gone' | 'stands' | 'unknown'

/** Whether the endpoint has the block it claims, by its number, and the parent of it. */
async function isShown(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<boolean> {
  const [itself, parent] = await Promise.all([
    quietly(readBlockByNumber(endpoint, block.number, signal)),
    quietly(readBlockByHash(endpoint, block.parentHash, signal)),
  ])
  return itself?.hash === block.hash && parent?.number === block.number - 1
}

/** A question whose failure proves nothing either way. */
async function quietly<T>(question: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (error instanceof OutsideError) return undefined
    throw error
  }
}
