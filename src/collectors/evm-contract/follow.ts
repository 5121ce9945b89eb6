import type { EvmBlock, EvmFollower, EvmLogFilter } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import type { CollectorMemory } from '../collector.ts'
import { BEFORE_GENESIS, type Mark, type Position } from './cursor.ts'
import type { Draft } from './draft.ts'
import { REORG } from './events.ts'
import { firstContact } from './first-contact.ts'
import { findFork, type Fork } from './fork.ts'
import { createEventMaker, isSightingKey, type LogDecoder, type TimedLog } from './log-events.ts'
import { type RangeReader, withTimes } from './range-reader.ts'

/** So many blocks below the head are read one by one, by hash: there nodes replace blocks, and lag with their logs. */
const NEAR_BLOCKS = 64
/** Blocks whose logs are asked for at the same time. */
const BLOCKS_AT_ONCE = 8
const ROUND_LOGS_MAX = 20_000
const ROUND_BLOCKS_MAX = 100_000
const ROUND_MS_MAX = 5_000
/** About 5 ms of decoding: others get their turn in between. */
const DECODE_SLICE = 1_000

export interface FollowOptions {
  readonly follower: EvmFollower
  readonly ranges: RangeReader
  readonly filter: EvmLogFilter
  readonly decoder: LogDecoder
  readonly memory: CollectorMemory
  readonly world: Pick<World, 'now' | 'monotonic' | 'yield'>
  readonly firstStartedAt: number
  readonly confirmations: number
  readonly reorgDepth: number
  readonly startBlock: number | 'latest'
  /** Whether enough endpoints say that this block, once settled, was replaced. */
  readonly isReplaced: (mark: Mark, signal: AbortSignal) => Promise<boolean>
  /** Following has just begun: the draft stands before the first block that is read. */
  readonly begun: (draft: Draft, signal: AbortSignal) => Promise<void>
}

/** The chain as one look showed it. */
export interface ChainView {
  readonly chainId: number
  readonly head: EvmBlock
  readonly finalized: number | undefined
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
 *
 * Reads in two ways. Far below the head whole ranges, where a reorg is next to impossible and is caught by comparing one
 * block before and after. Near the head block by block: headers first, each the parent of the next, then the logs of each
 * by its hash, so that a block and its logs cannot belong to different branches.
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
  await catchUp({ options, draft, view, signal })
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

interface Step {
  readonly options: FollowOptions
  readonly draft: Draft
  readonly view: ChainView
  readonly signal: AbortSignal
}

async function catchUp(step: Step): Promise<void> {
  const { options, draft, view } = step
  const { head, finalized } = view
  const settled = finalized ?? head.number - options.reorgDepth
  const startedAt = options.world.monotonic()
  const firstBlock = draft.cursor.position?.number ?? 0
  const target = head.number - options.confirmations
  const farEnd = Math.min(target, head.number - NEAR_BLOCKS)
  const toEvents = createEventMaker({
    chainId: view.chainId,
    decoder: options.decoder,
    history: draft.cursor.history ?? { head: -1, beforeMs: 0 },
  })
  for (;;) {
    const position = draft.cursor.position
    if (position === undefined || position.number >= target) break
    const isFar = position.number < farEnd
    const advance = isFar
      ? advanceFar(step, position, { toEvents, farEnd })
      : advanceNear(step, position, { toEvents, target })
    const isGoing = await advance
    draft.settle(settled)
    if (!isGoing || draft.events.length >= ROUND_LOGS_MAX) break
    if ((draft.cursor.position?.number ?? 0) - firstBlock >= ROUND_BLOCKS_MAX) break
    if (options.world.monotonic() - startedAt >= ROUND_MS_MAX) break
  }
  draft.settle(settled)
}

type ToEvents = (logs: readonly TimedLog[]) => readonly Event[]

/** One range; false where a reorg came in between, so that nothing of it counts. */
async function advanceFar(
  { options, draft, signal }: Step,
  position: Position,
  { toEvents, farEnd }: { readonly toEvents: ToEvents; readonly farEnd: number },
): Promise<boolean> {
  const { follower, ranges, filter } = options
  const from = position.number + 1
  const range = isUnfollowed(filter) ? undefined : await ranges.read({ from, to: farEnd }, signal)
  const toBlock = range?.toBlock ?? farEnd
  if (range !== undefined) ranges.fetchAhead({ from: toBlock + 1, to: farEnd })
  const logs = await withTimes(follower, range?.logs ?? [], signal)
  const [found, end, isOurs] = await Promise.all([
    decode(options.world, toEvents, logs),
    follower.blockByNumber(toBlock, signal),
    isStill(follower, position, signal),
  ])
  if (end === undefined) {
    throw new OutsideError('behind', `block ${toBlock} is not there, although its logs were`, { retry: true })
  }
  // The guard was asked for before the logs and is asked for after the end of the range: what lies below it is one branch.
  const isOneBranch = range === undefined || (await isGuarded(follower, range.guard, end, signal))
  if (!isOurs || !isOneBranch) return false
  draft.advance({ number: end.number, hash: end.hash, timeMs: end.timeMs }, found)
  return true
}

async function isGuarded(follower: EvmFollower, guard: EvmBlock, end: EvmBlock, signal: AbortSignal): Promise<boolean> {
  return guard.number === end.number ? guard.hash === end.hash : isStill(follower, guard, signal)
}

async function isStill(follower: EvmFollower, mark: Mark, signal: AbortSignal): Promise<boolean> {
  if (mark.number === BEFORE_GENESIS.number) return true
  return (await follower.blockByNumber(mark.number, signal))?.hash === mark.hash
}

/** Up to a batch of blocks, one by one; false where the chain changed under it. */
async function advanceNear(
  { options, draft, view, signal }: Step,
  position: Position,
  { toEvents, target }: { readonly toEvents: ToEvents; readonly target: number },
): Promise<boolean> {
  const { follower, filter, world } = options
  const to = Math.min(target, position.number + BLOCKS_AT_ONCE)
  const isNext = to === view.head.number && to === position.number + 1
  const headers = isNext ? [view.head] : await follower.blocks(position.number + 1, to, signal)
  const linked = continuing(position, headers)
  const answers = await Promise.allSettled(
    linked.map(async (block) => (isUnfollowed(filter) ? [] : follower.logsOfBlock(block, filter, signal))),
  )
  for (const [index, block] of linked.entries()) {
    const answer = answers[index]
    if (answer === undefined) return false
    if (answer.status === 'rejected') {
      if (isChange(answer.reason)) return false
      throw answer.reason
    }
    const timed = answer.value.map((log) => ({ log, timeMs: block.timeMs }))
    const found = await decode(world, toEvents, timed)
    draft.advance({ number: block.number, hash: block.hash, timeMs: block.timeMs }, found)
  }
  return linked.length === to - position.number
}

function isUnfollowed(filter: EvmLogFilter): boolean {
  return filter.topics?.length === 0
}

/** Where the block is not known any more, or not yet, the next look says what became of it. */
function isChange(error: unknown): boolean {
  return error instanceof OutsideError && error.reason === 'unknown-block'
}

/** The headers that continue the position without a break: behind a break stands another branch. */
function continuing(position: Position, headers: readonly EvmBlock[]): readonly EvmBlock[] {
  let parent: Mark = position
  const linked: EvmBlock[] = []
  for (const block of headers) {
    if (block.number !== parent.number + 1 || block.parentHash !== parent.hash) break
    linked.push(block)
    parent = block
  }
  return linked
}

async function decode(
  world: Pick<World, 'yield'>,
  toEvents: ToEvents,
  logs: readonly TimedLog[],
): Promise<readonly Event[]> {
  if (logs.length <= DECODE_SLICE) return toEvents(logs)
  const events: Event[] = []
  for (let index = 0; index < logs.length; index += DECODE_SLICE) {
    for (const event of toEvents(logs.slice(index, index + DECODE_SLICE))) events.push(event)
    await world.yield()
  }
  return events
}
