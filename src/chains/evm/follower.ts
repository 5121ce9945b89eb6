import { assert, OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import { createBlockLogReader } from './block-logs.ts'
import { readBlockByHash, readBlockByNumber, readBlocks } from './block-questions.ts'
import { createBloomReader } from './bloom.ts'
import { createCaller } from './caller.ts'
import { firstAnswer, type Need } from './choose.ts'
import type { EvmBlock, EvmEndpoints, EvmFollower } from './contract.ts'
import { createEndpoint, type Endpoint } from './endpoint.ts'
import { createHintBoard, createHintSource, type HintBoard } from './hints.ts'
import type { ChainIdentity } from './identity.ts'
import { createWatcher, type Watcher } from './look.ts'
import { probeEndpoint } from './probe.ts'
import { normalFilter, readRange } from './range-logs.ts'
import { endpointNames } from './redact.ts'
import { readHasCode } from './state-questions.ts'

interface FollowerOptions {
  readonly endpoints: EvmEndpoints
  readonly world: World
  readonly log: Logger
}

/** One chain through its endpoints. No connection is made before the first question. */
export function createEvmFollower(options: FollowerOptions): EvmFollower {
  const { world, log } = options
  const { timeoutMs, chainId } = options.endpoints
  const urls = [...new Set(options.endpoints.urls)]
  const identity: ChainIdentity = { chainId, genesis: undefined }
  const named = endpointNames(urls).map((name, index) => ({ name, url: urls[index] ?? '' }))
  const endpoints = named.map((one) => createEndpoint({ ...one, world, timeoutMs, identity }))
  const watcher = createWatcher({ world, log, endpoints, identity })
  const hints = createHints(options, named, watcher)
  const blockLogs = createBlockLogReader(world, createBloomReader(), log)
  const call = createCaller(world)
  const ask = createQuestioner(endpoints, watcher)

  return {
    look: async (signal) => watcher.look(signal),
    blockByNumber: async (height, signal) =>
      orUndefined(signal, async (notFound) =>
        ask({ height, isByHash: false }, signal, async (endpoint) =>
          notFound(endpoint, await readBlockByNumber(endpoint, height, signal)),
        ),
      ),
    blockByHash: async (hash, signal) =>
      orUndefined(signal, async (notFound) =>
        ask({ height: 0, isByHash: true }, signal, async (endpoint) =>
          notFound(endpoint, await readBlockByHash(endpoint, hash, signal)),
        ),
      ),
    async blocks(fromNumber, toNumber, signal) {
      assert(fromNumber >= 0 && toNumber >= fromNumber, `blocks ${fromNumber} to ${toNumber} are no range`)
      const need = { height: toNumber, isByHash: false }
      return ask(need, signal, async (endpoint) => readBlocks(endpoint, fromNumber, toNumber, signal))
    },
    async logsOfBlock(block, filter, signal) {
      await ask.ready(signal)
      return blockLogs.read(endpoints, block, normalFilter(filter), signal)
    },
    async logs(fromBlock, toBlock, filter, signal) {
      assert(fromBlock >= 0 && toBlock >= fromBlock, `logs of ${fromBlock} to ${toBlock} are no range`)
      const asked = { fromBlock, toBlock, filter: normalFilter(filter) }
      const need = { height: fromBlock, isByHash: false }
      return ask(need, signal, async (endpoint) => readRange(endpoint, asked, { world, ms: timeoutMs }, signal))
    },
    async calls(calls, block, signal) {
      if (calls.length === 0) return []
      return ask(atBlock(block), signal, async (endpoint) => call(endpoint, calls, block, signal))
    },
    hasCode: async (address, block, signal) =>
      ask(atBlock(block), signal, async (endpoint) => readHasCode(endpoint, address, block, signal)),
    onHint: (listener) => hints.listen(listener),
    probe: async (signal) => (await Promise.all(endpoints.map(async (one) => probeEndpoint(one, signal)))).flat(),
    stop() {
      hints.stop()
      watcher.stop()
      for (const endpoint of endpoints) endpoint.stop()
    },
  }
}

function atBlock(block: EvmBlock): Need {
  return { height: block.number, isByHash: true }
}

function createHints(
  { world, log }: FollowerOptions,
  named: readonly { readonly name: string; readonly url: string }[],
  watcher: Watcher,
): HintBoard {
  const board: HintBoard = createHintBoard({
    world,
    sources: () => sources,
    seen: () => watcher.head()?.number ?? -1,
    invalidate: () => watcher.invalidate(),
  })
  const blockTimeMs = () => watcher.blockTimeMs()
  const onHead = (number: number) => board.announce(number)
  const sources = named
    .filter(({ url }) => /^wss?:/i.test(url))
    .map((one) => createHintSource({ ...one, world, log, blockTimeMs, onHead }))
  return board
}

/** Puts a question to the endpoints, best first. */
interface Questioner {
  <T>(need: Need, signal: AbortSignal, question: (endpoint: Endpoint) => Promise<T>): Promise<T>
  /** Heads decide who may be asked, so the first question of all is preceded by a look. */
  ready(signal: AbortSignal): Promise<void>
}

function createQuestioner(endpoints: readonly Endpoint[], watcher: Watcher): Questioner {
  async function ready(signal: AbortSignal): Promise<void> {
    if (endpoints.every((endpoint) => endpoint.head() === undefined)) await watcher.look(signal)
    signal.throwIfAborted()
  }
  async function ask<T>(need: Need, signal: AbortSignal, question: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    await ready(signal)
    return firstAnswer(endpoints, need, signal, question)
  }
  return Object.assign(ask, { ready })
}

/** Asks for a block that may not be there: "no such block" is believed when no endpoint has it. */
async function orUndefined(
  signal: AbortSignal,
  ask: (found: (endpoint: Endpoint, block: EvmBlock | undefined) => EvmBlock) => Promise<EvmBlock>,
): Promise<EvmBlock | undefined> {
  const missing: string[] = []
  try {
    return await ask((endpoint, block) => {
      if (block !== undefined) return block
      missing.push(endpoint.name)
      throw new OutsideError('unknown-block', `${endpoint.name} does not know the block`, { retry: true })
    })
  } catch (error) {
    if (missing.length > 0 && !signal.aborted && error instanceof OutsideError) return undefined
    throw error
  }
}
