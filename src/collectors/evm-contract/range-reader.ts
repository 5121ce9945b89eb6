import type { EvmBlock, EvmFollower, EvmLog, EvmLogFilter } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { TimedLog } from './log-events.ts'

/** Headers are fetched as a stretch where at least one block in so many has logs, else one by one. */
const DENSE_SHARE = 4
const HEADERS_AT_ONCE = 16

/** Logs of a stretch of blocks, and the block by which it is known that no reorg came in between. */
export interface RangeRead {
  readonly logs: readonly EvmLog[]
  readonly toBlock: number
  /** A block at or above `toBlock`, asked for before the logs were: while it is on the chain, they are. */
  readonly guard: EvmBlock
}

export interface RangeRequest {
  readonly from: number
  readonly to: number
}

export interface RangeReader {
  /** Logs from `from` on, at most to `to`: what was fetched ahead if it fits, else a question. */
  read(request: RangeRequest, signal: AbortSignal): Promise<RangeRead>
  /** Asks for the next stretch while this one is decoded and stored; at most one at a time. */
  fetchAhead(request: RangeRequest): void
  /** A guard is no longer on the chain: nothing that was fetched under it counts. */
  forget(): void
  stop(): void
}

/** Reads a backlog stretch by stretch, and one stretch ahead. */
export function createRangeReader(
  follower: Pick<EvmFollower, 'blockByNumber' | 'logs'>,
  filter: EvmLogFilter,
): RangeReader {
  const lifetime = new AbortController()
  let ahead: { readonly request: RangeRequest; readonly answer: Promise<RangeRead | undefined> } | undefined
  let guard: EvmBlock | undefined

  async function ask({ from, to }: RangeRequest, signal: AbortSignal): Promise<RangeRead> {
    // One guard serves every stretch up to the same block. A higher one may be above the head of a chain that shrank.
    const above = guard?.number === to ? guard : await guardAt(follower, to, signal)
    guard = above
    const range = await follower.logs(from, to, filter, signal)
    return { logs: range.logs, toBlock: range.toBlock, guard: above }
  }

  function forget(): void {
    ahead = undefined
    guard = undefined
  }

  return {
    async read(request, signal) {
      const waiting = ahead
      ahead = undefined
      const fetched = waiting?.request.from === request.from ? await waiting.answer : undefined
      signal.throwIfAborted()
      return fetched !== undefined && fetched.toBlock <= request.to ? fetched : ask(request, signal)
    },
    fetchAhead(request) {
      if (request.from > request.to) return
      // What fails here is asked again when it is needed, and fails there for whoever needs it.
      ahead = { request, answer: ask(request, lifetime.signal).catch(() => undefined) }
    },
    forget,
    stop() {
      forget()
      lifetime.abort()
    },
  }
}

async function guardAt(
  follower: Pick<EvmFollower, 'blockByNumber'>,
  number: number,
  signal: AbortSignal,
): Promise<EvmBlock> {
  const block = await follower.blockByNumber(number, signal)
  if (block !== undefined) return block
  throw new OutsideError('behind', `block ${number} is not there yet`, { retry: true })
}

/** Gives each log the time of its block: from the log where the node sends it, else from headers. */
export async function withTimes(
  follower: Pick<EvmFollower, 'blocks' | 'blockByHash'>,
  logs: readonly EvmLog[],
  signal: AbortSignal,
): Promise<readonly TimedLog[]> {
  const missing = new Map<string, EvmLog>()
  for (const log of logs) if (timeOf(log) === undefined) missing.set(log.blockHash, log)
  const times = missing.size === 0 ? new Map<string, number>() : await timesOf(follower, [...missing.values()], signal)
  return logs.map((log) => {
    const timeMs = timeOf(log) ?? times.get(log.blockHash)
    if (timeMs !== undefined) return { log, timeMs }
    const message = `block ${log.blockNumber} is not the one its logs came from`
    throw new OutsideError('unknown-block', message, { retry: true })
  })
}

/** Nodes that do not know it yet write 0. */
function timeOf(log: EvmLog): number | undefined {
  return log.blockTimeMs === 0 ? undefined : log.blockTimeMs
}

/** @param logs one of each block, ascending */
async function timesOf(
  follower: Pick<EvmFollower, 'blocks' | 'blockByHash'>,
  logs: readonly EvmLog[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const first = logs[0]?.blockNumber ?? 0
  const last = logs.at(-1)?.blockNumber ?? 0
  if (last - first < logs.length * DENSE_SHARE) {
    const headers = await follower.blocks(first, last, signal)
    return new Map(headers.map((block) => [block.hash, block.timeMs]))
  }
  const times = new Map<string, number>()
  for (let index = 0; index < logs.length; index += HEADERS_AT_ONCE) {
    const some = logs.slice(index, index + HEADERS_AT_ONCE)
    const blocks = await Promise.all(some.map(async (log) => follower.blockByHash(log.blockHash, signal)))
    for (const block of blocks) if (block !== undefined) times.set(block.hash, block.timeMs)
  }
  return times
}
