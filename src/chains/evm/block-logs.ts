import { OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import type { BloomReader } from './bloom.ts'
import { firstAnswer, mostTelling } from './choose.ts'
import type { EvmBlock, EvmLog, EvmLogFilter, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { quantity } from './hex.ts'
import { malformed } from './json-rpc.ts'
import { isWithin, readLog, readLogs, sortedOnce } from './log-answers.ts'
import { filterJson, scopeOf } from './range-logs.ts'
import { receiptsSchema } from './wire.ts'

/*
 * Logs of one block, by its hash, held against the block's bloom. Nodes that just learned of a block sometimes answer
 * "no logs" before they have indexed them, and behind a load balancer that is common. So "nothing", where the bloom says
 * "perhaps", is not believed until it is proven: by another endpoint that has logs, by the block's receipts, or by all
 * of the block's logs - which prove themselves, because together they must account for every bit of the bloom.
 */

export interface BlockLogReader {
  read(
    endpoints: readonly Endpoint[],
    block: EvmBlock,
    filter: EvmLogFilter,
    signal: AbortSignal,
  ): Promise<readonly EvmLog[]>
}

/** Logs that do not turn up for so long are no longer what explains the bloom. */
const DOUBT_MS = 600_000
const DOUBTFUL_MAX = 1_000

export function createBlockLogReader(world: Pick<World, 'monotonic'>, bloom: BloomReader, log: Logger): BlockLogReader {
  /** Since when a block's bloom has been waiting for its logs. */
  const doubtful = new Map<Hex, number>()
  let hasStrangeBlooms = false

  async function prove(
    endpoints: readonly Endpoint[],
    block: EvmBlock,
    filter: EvmLogFilter,
    signal: AbortSignal,
  ): Promise<readonly EvmLog[]> {
    const failures: OutsideError[] = []
    for (const source of [readReceiptLogs, readAllLogs]) {
      for (const endpoint of endpoints) {
        const all = await attempt(async () => source(endpoint, block, signal), failures, signal)
        if (all === undefined) continue
        const items = all.flatMap((one) => [one.address, ...one.topics])
        if (bloom.isCovered(block.logsBloom, items)) {
          doubtful.delete(block.hash)
          return sortedOnce(all.filter((one) => isWithin(one, filter)))
        }
        const message = `${endpoint.name} has block ${block.number}, but not yet all of its logs`
        failures.push(new OutsideError('behind', message, { retry: true }))
      }
    }
    return doubt(block, failures)
  }

  /**
   * Nothing accounts for the bloom. Later it will, as a rule; but a chain that makes its blooms in another way would be
   * stuck here for ever, so after a long time its blooms are no evidence any more, aloud.
   */
  function doubt(block: EvmBlock, failures: readonly OutsideError[]): readonly EvmLog[] {
    const now = world.monotonic()
    const since = doubtful.get(block.hash) ?? now
    if (doubtful.size >= DOUBTFUL_MAX) doubtful.clear()
    doubtful.set(block.hash, since)
    if (now - since >= DOUBT_MS && failures.some((failure) => failure.reason === 'behind')) {
      hasStrangeBlooms = true
      log.warn('the blooms of this chain do not fit its logs: empty answers are taken as they are', {
        block: block.number,
      })
      return []
    }
    const message = `no endpoint could show that block ${block.number} has no logs of interest, as its bloom suggests it has`
    throw new OutsideError('behind', `${message}: ${mostTelling(failures)?.message ?? ''}`, { retry: true })
  }

  return {
    async read(endpoints, block, filter, signal) {
      const verdict = hasStrangeBlooms ? 'silent' : bloom.verdict(block.logsBloom, filter)
      if (verdict === 'no') return []
      const need = { height: block.number, isByHash: true }
      const empty: Endpoint[] = []
      const logs = await firstAnswer(endpoints, need, signal, async (endpoint) => {
        const found = await readFiltered(endpoint, block, filter, signal)
        if (found.length > 0 || verdict === 'silent') return found
        empty.push(endpoint)
        throw new OutsideError('behind', `${endpoint.name} shows no logs in block ${block.number}`, { retry: true })
      }).catch(async (error: unknown) => {
        if (empty.length === 0) throw error
        return prove(empty, block, filter, signal)
      })
      if (logs.length > 0) {
        for (const endpoint of empty) endpoint.suspect(`it answered that block ${block.number} has no logs, and it has`)
      }
      return logs
    },
  }
}

async function attempt<T>(
  work: () => Promise<T>,
  failures: OutsideError[],
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof OutsideError) || signal.aborted) throw error
    failures.push(error)
    return undefined
  }
}

/** By the block's hash where the endpoint can; else by its number, and every log must carry the hash. */
async function readFiltered(
  endpoint: Endpoint,
  block: EvmBlock,
  filter: EvmLogFilter,
  signal: AbortSignal,
): Promise<readonly EvmLog[]> {
  const scope = { ...scopeOf(filter), fromBlock: block.number, toBlock: block.number, blockHash: block.hash }
  if (endpoint.abilities.logsByHash !== false) {
    try {
      const params = [{ blockHash: block.hash, ...filterJson(filter) }]
      const answer = await endpoint.ask({ method: 'eth_getLogs', params, isByHash: true }, signal)
      endpoint.abilities.logsByHash = true
      return readLogs(endpoint.name, answer, scope)
    } catch (error) {
      const isRefused = error instanceof OutsideError && (error.reason === 'rejected' || error.reason === 'unsupported')
      if (!isRefused || endpoint.abilities.logsByHash === true) throw error
    }
  }
  const range = { fromBlock: quantity(block.number), toBlock: quantity(block.number) }
  const answer = await endpoint.ask({ method: 'eth_getLogs', params: [{ ...range, ...filterJson(filter) }] }, signal)
  endpoint.abilities.logsByHash = false
  const logs = readLogs(endpoint.name, answer, { ...scope, blockHash: undefined })
  if (logs.every((one) => one.blockHash === block.hash)) return logs
  throw new OutsideError('unknown-block', `${endpoint.name} has another block ${block.number} than ${block.hash}`, {
    retry: true,
  })
}

/** Every log of the block, out of its receipts. */
async function readReceiptLogs(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<readonly EvmLog[]> {
  const method = 'eth_getBlockReceipts'
  const answer = await endpoint.ask({ method, params: [block.hash], isByHash: true }, signal)
  if (answer === null) {
    throw new OutsideError('behind', `${endpoint.name} has no receipts of block ${block.number}`, { retry: true })
  }
  const parsed = receiptsSchema.safeParse(answer)
  if (!parsed.success) throw malformed(endpoint.name, method, 'something that is no list of receipts')
  if (parsed.data.some((receipt) => receipt.blockHash !== block.hash)) {
    throw malformed(endpoint.name, method, `receipts of another block than ${block.hash}`)
  }
  return parsed.data.flatMap((receipt) =>
    receipt.logs.map((raw) => {
      const log = readLog(raw)
      if (log === undefined) throw malformed(endpoint.name, method, 'a log that lacks a field or has a wrong one')
      return log
    }),
  )
}

/** Every log of the block, as logs. */
async function readAllLogs(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<readonly EvmLog[]> {
  return readFiltered(endpoint, block, { addresses: [], topics: undefined }, signal)
}
