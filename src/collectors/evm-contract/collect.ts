import type { EvmFollower, EvmView } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import type { Cancel } from '../../lib/world.ts'
import type { Collector, CollectorWorld, PartResult, Round } from '../collector.ts'
import type { ChainView } from './catch-up.ts'
import type { EvmContractConfig } from './config.ts'
import { compileContract, type Contract } from './contract.ts'
import { cursorJson, parseCursor } from './cursor.ts'
import { createDraft, type Draft } from './draft.ts'
import { follow, type FollowOptions, type FollowState, remainingBlocks } from './follow.ts'
import { endpointSamples } from './health.ts'
import { clockSteps, stepsOf } from './journeys.ts'
import { learnEncoding, STATE_FUNCTION } from './presets/tesseract/learn-encoding.ts'
import { stateName } from './presets/tesseract/state.ts'
import { createProgress, type Progress } from './progress.ts'
import { createRangeReader, type RangeReader } from './range-reader.ts'
import { changeEvent, createReadPart, noHead, type ReadPart, type ReadResult } from './read-part.ts'
import { type NumberText, readChanges, rememberReads } from './reads.ts'
import { chainSamples } from './samples.ts'
import { createSelfCheckPart, type SelfCheckPart } from './self-check.ts'
import { statusOf } from './status.ts'
import { createWitnesses } from './witnesses.ts'

/** What lives from the first round to the last. */
interface Session {
  readonly follower: EvmFollower
  readonly ranges: RangeReader
  readonly reads: ReadPart
  readonly check: SelfCheckPart
  readonly followOptions: FollowOptions
  readonly cancelHint: Cancel
}

/** The watch over one contract. No connection before its first round. */
export function createEvmContract(config: EvmContractConfig, world: CollectorWorld): Collector {
  const contract = compileContract(config)
  const progress = createProgress(world, config)
  let session: Session | undefined

  return {
    async collect(json, signal) {
      session ??= openSession(config, world, contract)
      return collectRound({ config, world, contract, progress, session, signal }, json)
    },
    async stop() {
      session?.cancelHint()
      session?.ranges.stop()
      session?.follower.stop()
      session = undefined
    },
  }
}

function openSession(config: EvmContractConfig, world: CollectorWorld, contract: Contract): Session {
  const follower = world.chains.evm({ urls: config.rpc_urls, chainId: config.chain_id, timeoutMs: config.timeout })
  const filter = { addresses: [contract.address], topics: contract.decoder.topics }
  const ranges = createRangeReader(follower, filter)
  const check = createSelfCheckPart(follower, contract.selfCheck)
  const witnesses = createWitnesses(config, world)
  return {
    follower,
    ranges,
    check,
    reads: createReadPart(contract, follower, config.preset === 'tesseract'),
    cancelHint: follower.onHint(() => world.wake()),
    followOptions: {
      follower,
      ranges,
      filter,
      decoder: contract.decoder,
      memory: world.memory,
      world,
      firstStartedAt: world.firstStartedAt,
      confirmations: config.confirmations,
      reorgDepth: config.reorg_depth,
      startBlock: config.start_block,
      isReplaced: async (mark, signal) => witnesses.isReplaced(mark, signal),
      begun: async (draft, signal) => check.noteBase(draft, signal),
    },
  }
}

interface RoundContext {
  readonly config: EvmContractConfig
  readonly world: CollectorWorld
  readonly contract: Contract
  readonly progress: Progress
  readonly session: Session
  readonly signal: AbortSignal
}

async function collectRound(context: RoundContext, json: Json | undefined): Promise<Round> {
  const { config, world, contract, session, signal } = context
  const before = parseCursor(json)
  const draft = createDraft(before)
  const view = await session.follower.look(signal)
  signal.throwIfAborted()
  const numberText = stateTexts(config, () => draft.cursor.stateEncoding)
  const [followed, read] = await Promise.all([
    followPart(context, draft, view),
    session.reads.read(view, numberText, signal),
  ])
  const check = await session.check.compare(draft, { view, isCaughtUp: isCaughtUp(followed.state), signal })
  await learnStates(context, draft)
  const changes = noteChanges(contract, draft, view, read)
  const at = world.now()
  const { cursor } = draft
  const remaining = view.head === undefined ? 0 : remainingBlocks(config.confirmations, draft, view.head)
  const notes = context.progress.note({ draft, remaining, state: followed.state, exists: read.exists })
  const hasMoved = cursor.position?.hash !== before.position?.hash
  return {
    at,
    parts: {
      chain: chainPart(context, followed, { draft, view, at, remaining }),
      endpoints: { samples: endpointSamples(view) },
      reads: read.part,
      self_check: check,
    },
    events: [...draft.events, ...draft.notes, ...changes],
    retracted: draft.retracted,
    duties: [],
    journeys: [
      ...stepsOf(config.journeys, draft.events),
      ...(cursor.position === undefined ? [] : clockSteps(config.journeys, cursor.position.timeMs)),
    ],
    cursor: cursorJson(cursor),
    more: hasMoved && remaining > 0,
    ...(cursor.position === undefined || cursor.position.number < 0 ? {} : { height: cursor.position.number }),
    status: statusOf({
      at,
      view,
      cursor,
      exists: read.exists,
      reads: read.outcomes,
      unread: read.unread,
      remaining,
      notes,
    }),
  }
}

interface Followed {
  readonly state: FollowState | undefined
  readonly failed: OutsideError | undefined
}

/** What was followed before a failure is in the draft, and counts. */
async function followPart({ session, signal }: RoundContext, draft: Draft, view: EvmView): Promise<Followed> {
  if (view.head === undefined || view.chainId === undefined) return { state: undefined, failed: noHead(view) }
  const chain: ChainView = { chainId: view.chainId, head: view.head, finalized: view.finalized }
  try {
    return { state: await follow(session.followOptions, draft, chain, signal), failed: undefined }
  } catch (error) {
    if (error instanceof OutsideError) return { state: undefined, failed: error }
    throw error
  }
}

function isCaughtUp(state: FollowState | undefined): boolean {
  return state?.kind === 'caught-up'
}

function chainPart(
  { config, contract }: RoundContext,
  { state, failed }: Followed,
  { draft, view, at, remaining }: { draft: Draft; view: EvmView; at: number; remaining: number },
): PartResult {
  if (failed !== undefined || view.head === undefined) return { failed: failed ?? noHead(view) }
  return {
    samples: chainSamples({
      config,
      cursor: draft.cursor,
      events: contract.decoder.names,
      head: view.head,
      now: at,
      remaining,
      isDisputed: state?.kind === 'disputed',
    }),
  }
}

function noteChanges(contract: Contract, draft: Draft, view: EvmView, read: ReadResult): readonly Event[] {
  const { head, chainId } = view
  if (head === undefined || chainId === undefined || read.outcomes === undefined) return []
  const { reads } = draft.cursor
  draft.patch({ reads: rememberReads(reads, contract.reads, read.outcomes) })
  const place = { chainId, address: contract.address, head }
  return readChanges(reads, read.outcomes).map((change) => changeEvent(change, place))
}

/** The names of a Tesseract contract's states, once it is known which of two ways it numbers them. */
function stateTexts(config: EvmContractConfig, encoding: () => Parameters<typeof stateName>[1]): NumberText {
  if (config.preset !== 'tesseract') return () => undefined
  return (read, value) => (read.function.name === STATE_FUNCTION ? stateName(value, encoding()) : undefined)
}

async function learnStates({ config, contract, session, signal }: RoundContext, draft: Draft): Promise<void> {
  if (config.preset !== 'tesseract' || draft.cursor.stateEncoding !== undefined) return
  if (contract.reads.every((read) => read.function.name !== STATE_FUNCTION)) return
  const stateEncoding = await learnEncoding(session.follower, contract, draft.events, signal)
  if (stateEncoding !== undefined) draft.patch({ stateEncoding })
}
