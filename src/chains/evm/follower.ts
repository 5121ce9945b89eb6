import { assert, OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Cancel, World } from '../../lib/world.ts'
import { createBlockLogReader } from './block-logs.ts'
import { readBlockByHash, readBlockByNumber, readBlocks } from './block-questions.ts'
import { createBloomReader } from './bloom.ts'
import { firstAnswer } from './choose.ts'
import type { EvmBlock, EvmCall, EvmCallResult, EvmEndpoints, EvmFollower } from './contract.ts'
import { createEndpoint, type Endpoint } from './endpoint.ts'
import { createHintSource } from './hints.ts'
import type { ChainIdentity } from './identity.ts'
import { createWatcher } from './look.ts'
import { probeEndpoint } from './probe.ts'
import { normalFilter, readRange } from './range-logs.ts'
import { endpointNames } from './redact.ts'
import { callEach, callThroughMulticall, hasMulticall, readHasCode } from './state-questions.ts'

export interface FollowerOptions {
  readonly endpoints: EvmEndpoints
  readonly world: World
  readonly log: Logger
}

/** How long the chain is taken to have no multicall contract. */
const MULTICALL_MISSING_MS = 3_600_000

/** One chain through its endpoints. No connection is made before the first question. */
export function createEvmFollower({ endpoints: configured, world, log }: FollowerOptions): EvmFollower {
  const identity: ChainIdentity = { chainId: configured.chainId, genesis: undefined }
  const names = endpointNames(configured.urls)
  const options = configured.urls.map((url, index) => ({ url, name: names[index] ?? url }))
  const endpoints = options.map((one) => createEndpoint({ ...one, world, timeoutMs: configured.timeoutMs, identity }))
  const watcher = createWatcher({ world, log, endpoints, identity })
  const blockLogs = createBlockLogReader(world, createBloomReader(), log)
  const hints = options
    .filter(({ url }) => /^wss?:/i.test(url))
    .map((one) => createHintSource({ ...one, world, log, blockTimeMs: watcher.blockTimeMs }))
  let multicall: { readonly isThere: boolean; readonly until: number } | undefined

  /** Heads decide who may be asked, so the first question of all is preceded by a look. */
  async function ask<T>(
    height: number,
    isByHash: boolean,
    signal: AbortSignal,
    question: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    if (endpoints.every((endpoint) => endpoint.head() === undefined)) await watcher.look(signal)
    signal.throwIfAborted()
    return firstAnswer(endpoints, { height, isByHash }, signal, question)
  }

  /** A question that endpoints answer with "no such block": believed when everybody says so. */
  async function askForBlock(
    height: number,
    isByHash: boolean,
    signal: AbortSignal,
    question: (endpoint: Endpoint) => Promise<EvmBlock | undefined>,
  ): Promise<EvmBlock | undefined> {
    let isMissing = false
    try {
      return await ask(height, isByHash, signal, async (endpoint) => {
        const block = await question(endpoint)
        if (block !== undefined) return block
        isMissing = true
        throw new OutsideError('unknown-block', `${endpoint.name} does not know the block`, { retry: true })
      })
    } catch (error) {
      if (isMissing && !signal.aborted && error instanceof OutsideError) return undefined
      throw error
    }
  }

  async function callTogether(
    endpoint: Endpoint,
    calls: readonly EvmCall[],
    block: EvmBlock,
    signal: AbortSignal,
  ): Promise<readonly EvmCallResult[]> {
    if (calls.length > 1 && (await isMulticallThere(endpoint, block, signal))) {
      const results = await callThroughMulticall(endpoint, calls, block, signal)
      if (results !== undefined) return results
    }
    return callEach(endpoint, calls, block, signal)
  }

  async function isMulticallThere(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<boolean> {
    if (multicall === undefined || world.monotonic() >= multicall.until) {
      const isThere = await hasMulticall(endpoint, block, signal)
      const forMs = isThere ? Number.POSITIVE_INFINITY : MULTICALL_MISSING_MS
      multicall = { isThere, until: world.monotonic() + forMs }
    }
    return multicall.isThere
  }

  return {
    look: watcher.look,
    blockByNumber: async (number, signal) =>
      askForBlock(number, false, signal, async (endpoint) => readBlockByNumber(endpoint, number, signal)),
    blockByHash: async (hash, signal) =>
      askForBlock(0, true, signal, async (endpoint) => readBlockByHash(endpoint, hash, signal)),
    async blocks(fromNumber, toNumber, signal) {
      assert(fromNumber >= 0 && toNumber >= fromNumber, `blocks ${fromNumber} to ${toNumber} are no range`)
      return ask(toNumber, false, signal, async (endpoint) => readBlocks(endpoint, fromNumber, toNumber, signal))
    },
    logsOfBlock: async (block, filter, signal) => {
      if (endpoints.every((endpoint) => endpoint.head() === undefined)) await watcher.look(signal)
      return blockLogs.read(endpoints, block, normalFilter(filter), signal)
    },
    async logs(fromBlock, toBlock, filter, signal) {
      assert(fromBlock >= 0 && toBlock >= fromBlock, `logs of ${fromBlock} to ${toBlock} are no range`)
      const asked = { fromBlock, toBlock, filter: normalFilter(filter) }
      const patience = { world, ms: configured.timeoutMs }
      return ask(fromBlock, false, signal, async (endpoint) => readRange(endpoint, asked, patience, signal))
    },
    calls: async (calls, block, signal) =>
      calls.length === 0
        ? []
        : ask(block.number, true, signal, async (endpoint) => callTogether(endpoint, calls, block, signal)),
    hasCode: async (address, block, signal) =>
      ask(block.number, true, signal, async (endpoint) => readHasCode(endpoint, address, block, signal)),
    onHint: (listener) => {
      const cancels: readonly Cancel[] = hints.map((hint) =>
        hint.listen(() => {
          watcher.invalidate()
          listener()
        }),
      )
      return () => cancels.forEach((cancel) => cancel())
    },
    async probe(signal) {
      const lines = await Promise.all(endpoints.map(async (endpoint) => probeEndpoint(endpoint, signal)))
      return lines.flat()
    },
    stop() {
      for (const hint of hints) hint.stop()
      watcher.stop()
      for (const endpoint of endpoints) endpoint.stop()
    },
  }
}
