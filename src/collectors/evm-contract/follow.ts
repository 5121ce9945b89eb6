import type { EvmBlock } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import type { World } from '../../lib/world.ts'
import type { CollectorMemory } from '../collector.ts'
import { catchUp, type CatchUpOptions, type ChainView } from './catch-up.ts'
import { BEFORE_GENESIS, type Mark, type Position } from './cursor.ts'
import type { Draft } from './draft.ts'
import { REORG } from './events.ts'
import { firstContact } from './first-contact.ts'
import { findFork, type Fork } from './fork.ts'
import { isSightingKey } from './log-events.ts'

export interface FollowOptions extends CatchUpOptions {
  readonly memory: CollectorMemory
  readonly world: Pick<World, 'now' | 'monotonic' | 'yield'>
  readonly firstStartedAt: number
  readonly startBlock: number | 'latest'
  /** Whether enough endpoints say that this block, once settled, was replaced. */
  readonly isReplaced: (mark: Mark, signal: AbortSignal) => Promise<boolean>
  /** Following has just begun: the draft stands before the first block that is read. */
  readonly begun: (draft: Draft, signal: AbortSignal) => Promise<void>
}

export type FollowState =
  /** The position is as far as the head and `confirmations` allow. */
  | { readonly kind: 'caught-up' }
  /** There is more to read by now. */
  | { readonly kind: 'behind' }
  /** The configured start is above the head. */
  | { readonly kind: 'before-start' }
  /** One endpoint alone says that settled blocks were replaced. */
  | { readonly kind: 'disputed'; readonly fork: Fork }

/**
 * Brings the draft as far towards the head as one round may go. What was done before an error stays done: the draft is
 * true after every step.
 */
export async function follow(
  options: FollowOptions,
  draft: Draft,
  view: ChainView,
  signal: AbortSignal,
): Promise<FollowState> {
  const disputed = await leaveFork(options, draft, view, signal)
  if (disputed !== undefined) return { kind: 'disputed', fork: disputed }
  if (draft.cursor.position === undefined && !(await begin(options, draft, view, signal))) {
    return { kind: 'before-start' }
  }
  await catchUp(options, draft, view, signal)
  return isCaughtUp(options, draft, view) ? { kind: 'caught-up' } : { kind: 'behind' }
}

/** Blocks that may be read by now and have not been. */
export function remainingBlocks(confirmations: number, draft: Draft, head: EvmBlock): number {
  const position = draft.cursor.position?.number
  return position === undefined ? 0 : Math.max(0, head.number - confirmations - position)
}

function isCaughtUp({ confirmations }: FollowOptions, draft: Draft, { head }: ChainView): boolean {
  return remainingBlocks(confirmations, draft, head) === 0
}

/** Goes back to where our branch and the chain part; the fork itself where it is not to be believed. */
async function leaveFork(
  options: FollowOptions,
  draft: Draft,
  view: ChainView,
  signal: AbortSignal,
): Promise<Fork | undefined> {
  const { position, marks, settled, floor, recheckTo } = draft.cursor
  if (recheckTo !== undefined) {
    draft.recheck(await standingAbove(options, view.chainId, position?.number ?? BEFORE_GENESIS.number))
  }
  if (position === undefined) return undefined
  const fork = await findFork(options.follower, [...marks, position], view.head, signal)
  if (fork === undefined) return undefined
  const isDeep = fork.orphan.number <= settled
  if (isDeep && !(await options.isReplaced(fork.orphan, signal))) return fork
  const ancestor = fork.ancestor !== undefined && fork.ancestor.number >= floor ? fork.ancestor : undefined
  const standing = await standingAbove(options, view.chainId, ancestor?.number ?? BEFORE_GENESIS.number)
  draft.rollBack({ ancestor, orphanedFrom: fork.orphan.number, isDeep, standing })
  draft.note(reorgEvent(view, fork, position))
  return undefined
}

async function standingAbove({ memory }: FollowOptions, chainId: number, height: number) {
  const sightings = await memory.sightings(height)
  return sightings.filter((sighting) => sighting.height > height && isSightingKey(sighting.key, chainId))
}

function reorgEvent({ chainId, head }: ChainView, fork: Fork, position: Position): Event {
  const name = `${chainId}:reorg:${fork.orphan.hash}:${fork.replacedBy}`
  return {
    type: REORG,
    name: 'reorg',
    key: name,
    id: name,
    time: head.timeMs,
    isHistory: false,
    args: {
      from_block: fork.orphan.number,
      depth: position.number - fork.orphan.number + 1,
      old_hash: fork.orphan.hash,
      new_hash: fork.replacedBy,
    },
    chainId,
  }
}

async function begin(options: FollowOptions, draft: Draft, { head }: ChainView, signal: AbortSignal): Promise<boolean> {
  const { follower, startBlock, firstStartedAt, world } = options
  const start = await firstContact({ follower, head, startBlock, firstStartedAt, now: world.now(), signal })
  if (start === undefined) return false
  draft.begin(start)
  await options.begun(draft, signal)
  return true
}
