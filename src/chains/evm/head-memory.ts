import { OutsideError } from '../../lib/errors.ts'
import { readBlockByHash, readBlockByNumber } from './block-questions.ts'
import type { EvmBlock, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'

/** A height of which the hash is known. */
interface Anchor {
  readonly height: number
  readonly hash: Hex
}

/** Hashes of heads that were served, by height: what a reorg is proven against. Some heights are missing. */
export interface HeadMemory {
  /** Takes in a served head; forgets what lay above it. */
  remember(block: EvmBlock): void
  /** What is known at a height or below it, as near to it as possible. */
  below(height: number): Anchor | undefined
}

const REMEMBERED_MAX = 512

/** @param genesis block 0, where it is known: the last resort, kept for ever */
export function createHeadMemory(genesis: () => Hex | undefined): HeadMemory {
  const hashes = new Map<number, Hex>()

  function put(height: number, hash: Hex): void {
    if (height < 0) return
    hashes.delete(height)
    hashes.set(height, hash)
  }

  return {
    remember(block) {
      for (const height of hashes.keys()) if (height > block.number) hashes.delete(height)
      put(block.number - 1, block.parentHash)
      put(block.number, block.hash)
      for (const oldest of hashes.keys()) {
        if (hashes.size <= REMEMBERED_MAX) break
        hashes.delete(oldest)
      }
    },
    below(height) {
      const known = Math.max(...hashes.keys().filter((candidate) => candidate <= height))
      const hash = hashes.get(known)
      if (hash !== undefined) return { height: known, hash }
      const first = genesis()
      return first === undefined ? undefined : { height: 0, hash: first }
    },
  }
}

/** What an endpoint says about a block: it is gone, it stands, or nothing either way. */
export type Vote = 'gone' | 'stands' | 'unknown'

/**
 * Asks an endpoint whether a served block is still on its chain: by the block at its height, or, where the endpoint's
 * head is lower, by an older one that is remembered.
 */
export async function voteOn(
  endpoint: Endpoint,
  block: EvmBlock,
  memory: HeadMemory,
  signal: AbortSignal,
): Promise<Vote> {
  const head = endpoint.head()?.block
  if (head === undefined) return 'unknown'
  const isAtHeight = head.number >= block.number
  const anchor = isAtHeight ? { height: block.number, hash: block.hash } : memory.below(head.number)
  if (anchor === undefined) return 'unknown'
  const there = anchor.height === head.number ? head : await quietly(readBlockByNumber(endpoint, anchor.height, signal))
  if (there === undefined) return 'unknown'
  if (there.hash !== anchor.hash) return 'gone'
  return isAtHeight ? 'stands' : 'unknown'
}

/** Whether the endpoint has the block it claims, by its number, and the parent of it. */
export async function isShown(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<boolean> {
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
