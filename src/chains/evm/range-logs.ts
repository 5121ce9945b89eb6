import { type FailureReason, OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import type { World } from '../../lib/world.ts'
import { heightOf } from './choose.ts'
import type { EvmLog, EvmLogFilter, EvmLogRange, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { quantity } from './hex.ts'
import { readLogs, sortedOnce } from './log-answers.ts'
import { type RangeHint, rangeHint } from './range-hints.ts'
import { NodeError } from './rpc-errors.ts'

/*
 * A range of logs from one endpoint. What it calls too much is asked again in smaller pieces: first fewer blocks, and
 * when one block is still too much, fewer addresses, then fewer topics. A piece that fails fails the whole: an answer
 * with a hole in it would be taken for "nothing happened there".
 */

export interface RangeQuestion {
  readonly fromBlock: number
  readonly toBlock: number
  /** In lower case. */
  readonly filter: EvmLogFilter
}

/** Providers refuse long lists; geth takes 1,000, others 50 to 100. */
const ADDRESSES_MAX = 100

/** How long smaller and smaller ranges are tried in one question. */
export interface Patience {
  readonly world: Pick<World, 'monotonic'>
  readonly ms: number
}

/** Logs from `fromBlock` on, as far as the endpoint bears: at least one block, at most to its own head. */
export async function readRange(
  endpoint: Endpoint,
  asked: RangeQuestion,
  { world, ms }: Patience,
  signal: AbortSignal,
): Promise<EvmLogRange> {
  const { fromBlock, filter } = asked
  const deadline = world.monotonic() + ms
  // Nodes differ in what they make of blocks beyond their head: an error, or silently nothing. So never ask.
  const limit = Math.min(asked.toBlock, heightOf(endpoint))
  for (;;) {
    const toBlock = Math.min(limit, fromBlock + endpoint.ranges.size() - 1)
    const blocks = toBlock - fromBlock + 1
    const wasUp = endpoint.isUp()
    const startedAt = world.monotonic()
    try {
      const logs = await askInPieces(endpoint, { fromBlock, toBlock, filter }, blocks === 1, signal)
      endpoint.ranges.onAnswer(blocks, world.monotonic() - startedAt, logs.length)
      return { logs, fromBlock, toBlock }
    } catch (error) {
      const hint = signal.aborted || !wasUp ? undefined : refusalHint(error)
      if (hint === undefined || blocks === 1) throw error
      endpoint.ranges.onRefusal(blocks, hint)
      if (!(error instanceof NodeError || isRefusal(error)) || world.monotonic() >= deadline) throw error
    }
  }
}

/**
 * Whether a failure may come from asking for too much at once, of an endpoint that answered just before: its own words,
 * an answer too large to read, no answer in time, or a gateway that gave up on a long question.
 */
function refusalHint(error: unknown): RangeHint | undefined {
  if (!(error instanceof OutsideError)) return undefined
  const said =
    error instanceof NodeError ? (rangeHint(error.rpc.message) ?? rangeHint(String(error.rpc.data))) : undefined
  if (said !== undefined) return said
  return TOO_MUCH.has(error.reason) ? { kind: 'smaller' } : undefined
}

const TOO_MUCH: ReadonlySet<FailureReason> = new Set(['range-too-large', 'too-large', 'timeout', 'server-error'])

async function askInPieces(
  endpoint: Endpoint,
  asked: RangeQuestion,
  maySplit: boolean,
  signal: AbortSignal,
): Promise<readonly EvmLog[]> {
  if (asked.filter.addresses.length > ADDRESSES_MAX) {
    return askPieces(endpoint, asked, splitAddresses(asked.filter), signal)
  }
  try {
    return await askOnce(endpoint, asked, signal)
  } catch (error) {
    const pieces = maySplit && isRefusal(error) ? splitFilter(asked.filter) : undefined
    if (pieces === undefined) throw error
    return askPieces(endpoint, asked, pieces, signal)
  }
}

async function askPieces(
  endpoint: Endpoint,
  asked: RangeQuestion,
  pieces: readonly EvmLogFilter[],
  signal: AbortSignal,
): Promise<readonly EvmLog[]> {
  const logs: EvmLog[] = []
  for (const filter of pieces) logs.push(...(await askInPieces(endpoint, { ...asked, filter }, true, signal)))
  return sortedOnce(logs)
}

async function askOnce(endpoint: Endpoint, asked: RangeQuestion, signal: AbortSignal): Promise<readonly EvmLog[]> {
  const { fromBlock, toBlock, filter } = asked
  const range = { fromBlock: quantity(fromBlock), toBlock: quantity(toBlock) }
  const answer = await endpoint.ask({ method: 'eth_getLogs', params: [{ ...range, ...filterJson(filter) }] }, signal)
  return readLogs(endpoint.name, answer, { ...scopeOf(filter), fromBlock, toBlock, blockHash: undefined })
}

function isRefusal(error: unknown): boolean {
  return error instanceof OutsideError && (error.reason === 'range-too-large' || error.reason === 'too-large')
}

function splitAddresses(filter: EvmLogFilter): readonly EvmLogFilter[] {
  const pieces: EvmLogFilter[] = []
  for (let start = 0; start < filter.addresses.length; start += ADDRESSES_MAX) {
    pieces.push({ ...filter, addresses: filter.addresses.slice(start, start + ADDRESSES_MAX) })
  }
  return pieces
}

/** Two smaller filters that together ask the same; undefined: it is as small as it can be. */
function splitFilter(filter: EvmLogFilter): readonly EvmLogFilter[] | undefined {
  const { addresses, topics } = filter
  if (addresses.length > 1) return halves(addresses).map((half) => ({ addresses: half, topics }))
  if (topics !== undefined && topics.length > 1) return halves(topics).map((half) => ({ addresses, topics: half }))
  return undefined
}

function halves(items: readonly Hex[]): readonly (readonly Hex[])[] {
  const middle = Math.ceil(items.length / 2)
  return [items.slice(0, middle), items.slice(middle)]
}

/** The filter as eth_getLogs takes it. */
export function filterJson({ addresses, topics }: EvmLogFilter): Record<string, Json> {
  return {
    ...(addresses.length === 0 ? {} : { address: addresses }),
    ...(topics === undefined ? {} : { topics: [topics] }),
  }
}

export function scopeOf({ addresses, topics }: EvmLogFilter): {
  readonly addresses: ReadonlySet<string>
  readonly topics: ReadonlySet<string> | undefined
} {
  return { addresses: new Set(addresses), topics: topics === undefined ? undefined : new Set(topics) }
}

/** Lower-case, each once: as nodes write them, so that texts can be compared. */
export function normalFilter({ addresses, topics }: EvmLogFilter): EvmLogFilter {
  return { addresses: lowerOnce(addresses), topics: topics === undefined ? undefined : lowerOnce(topics) }
}

function lowerOnce(items: readonly Hex[]): readonly Hex[] {
  return [...new Set(items.map((item): Hex => `0x${item.slice(2).toLowerCase()}`))]
}
