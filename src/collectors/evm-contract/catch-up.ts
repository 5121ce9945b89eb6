import type { EvmBlock, EvmFollower, EvmLogFilter } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import { BEFORE_GENESIS, type Mark, type Position } from './cursor.ts'
import type { Draft } from './draft.ts'
import { createEventMaker, type LogDecoder, type TimedLog } from './log-events.ts'
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

export interface CatchUpOptions {
  readonly follower: EvmFollower
  readonly ranges: RangeReader
  readonly filter: EvmLogFilter
  readonly decoder: LogDecoder
  readonly world: Pick<World, 'monotonic' | 'yield'>
  readonly confirmations: number
  readonly reorgDepth: number
}

/** The chain as one look showed it. */
export interface ChainView {
  readonly chainId: number
  readonly head: EvmBlock
  readonly finalized: number | undefined
}

/**
 * Reads from the draft's position towards the head, as far as one round may go. What was read before an error stays read.
 *
 * Reads in two ways. Far below the head whole ranges, where a reorg is next to impossible and is caught by comparing
 * blocks before and after. Near the head block by block: headers first, each the parent of the next, then the logs of each
 * by its hash, so that a block and its logs cannot belong to different branches.
 */
export async function catchUp(
  options: CatchUpOptions,
  draft: Draft,
  view: ChainView,
  signal: AbortSignal,
): Promise<void> {
  const { head, finalized } = view
  const { world } = options
  const settled = finalized ?? head.number - options.reorgDepth
  const startedAt = world.monotonic()
  const firstBlock = draft.cursor.position?.number ?? 0
  const history = draft.cursor.history ?? { head: -1, beforeMs: 0 }
  const toEvents = createEventMaker({ chainId: view.chainId, decoder: options.decoder, history })
  const advance = createAdvance({ options, draft, view, signal, toEvents })
  while (await advance()) {
    draft.settle(settled)
    const position = draft.cursor.position?.number ?? 0
    if (draft.events.length >= ROUND_LOGS_MAX || position - firstBlock >= ROUND_BLOCKS_MAX) break
    if (world.monotonic() - startedAt >= ROUND_MS_MAX) break
  }
  draft.settle(settled)
}

type ToEvents = (logs: readonly TimedLog[]) => readonly Event[]

interface Step {
  readonly options: CatchUpOptions
  readonly draft: Draft
  readonly view: ChainView
  readonly signal: AbortSignal
  readonly toEvents: ToEvents
}

/** One step towards the head each time; false when there is none to take now. */
function createAdvance(step: Step): () => Promise<boolean> {
  const { options, draft, view } = step
  const target = view.head.number - options.confirmations
  const farEnd = Math.min(target, view.head.number - NEAR_BLOCKS)
  let proof: Proof | undefined

  return async () => {
    const { position } = draft.cursor
    if (position === undefined || position.number >= target) return false
    if (position.number >= farEnd) return advanceNear(step, position, target)
    if (isUnfollowed(options.filter)) return skipFar(step, position, farEnd)
    proof = await advanceFar(step, position, { farEnd, proof })
    return proof !== undefined
  }
}

/** Up to `position` everything was read from the branch that `guard` is on. */
interface Proof {
  readonly guard: EvmBlock
  readonly position: Position
}

/** One range; undefined where a reorg came in between, so that nothing of it counts. */
async function advanceFar(
  { options, draft, signal, toEvents }: Step,
  position: Position,
  { farEnd, proof }: { readonly farEnd: number; readonly proof: Proof | undefined },
): Promise<Proof | undefined> {
  const { follower, ranges } = options
  const { guard, toBlock, logs } = await ranges.read({ from: position.number + 1, to: farEnd }, signal)
  ranges.fetchAhead({ from: toBlock + 1, to: farEnd })
  const timed = await withTimes(follower, logs, signal)
  const isProved = proof?.guard === guard && proof.position.hash === position.hash
  const [found, end, isOurs] = await Promise.all([
    decode(options.world, toEvents, timed),
    headerAt(follower, toBlock, signal),
    isProved || isStill(follower, position, signal),
  ])
  // The guard was there before the logs were asked for, and is there after the end of the range was: all is one branch.
  if (!isOurs || !(await isGuarded(follower, guard, end, signal))) {
    ranges.forget()
    return undefined
  }
  const reached = positionOf(end)
  draft.advance(reached, found)
  return { guard, position: reached }
}

/** Where no event is followed, blocks are passed without a question for their logs. */
async function skipFar({ options, draft, signal }: Step, position: Position, farEnd: number): Promise<boolean> {
  const end = await headerAt(options.follower, farEnd, signal)
  if (!(await isStill(options.follower, position, signal))) return false
  draft.advance(positionOf(end), [])
  return true
}

async function headerAt(follower: EvmFollower, number: number, signal: AbortSignal): Promise<EvmBlock> {
  const block = await follower.blockByNumber(number, signal)
  if (block !== undefined) return block
  throw new OutsideError('behind', `block ${number} is not there, although the head is above it`, { retry: true })
}

async function isGuarded(follower: EvmFollower, guard: EvmBlock, end: EvmBlock, signal: AbortSignal): Promise<boolean> {
  return guard.number === end.number ? guard.hash === end.hash : isStill(follower, guard, signal)
}

async function isStill(follower: EvmFollower, mark: Mark, signal: AbortSignal): Promise<boolean> {
  if (mark.number === BEFORE_GENESIS.number) return true
  return (await follower.blockByNumber(mark.number, signal))?.hash === mark.hash
}

function positionOf({ number, hash, timeMs }: EvmBlock): Position {
  return { number, hash, timeMs }
}

/** Up to a batch of blocks, one by one; false where the chain changed under it. */
async function advanceNear(
  { options, draft, view, signal, toEvents }: Step,
  position: Position,
  target: number,
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
    draft.advance(positionOf(block), found)
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
