import type { EvmBlock, EvmCall, EvmCallResult, EvmFollower, EvmLog, EvmView, Hex } from '../../src/chains/evm/index.ts'
import { OutsideError } from '../../src/lib/errors.ts'

/** A log before it is in a block. */
export interface ScriptedLog {
  /** Which transaction it belongs to: the same number is the same transaction, wherever it is mined. */
  readonly tx: number
  readonly topics: readonly Hex[]
  readonly data: Hex
}

export interface ScriptedBlock extends EvmBlock {
  readonly logs: readonly EvmLog[]
}

export interface ScriptedChainOptions {
  readonly address: Hex
  readonly genesisTimeMs: number
  readonly blockMs?: number
  /** How far below the head blocks are final; undefined: the node does not know the tag. */
  readonly finalityDepth?: number | undefined
  /** Whether logs carry the time of their block. */
  readonly hasLogTimes?: boolean
}

/** A chain in memory behind an `EvmFollower`, which a test mines, replaces and breaks as it likes. */
export interface ScriptedChain {
  readonly follower: EvmFollower
  /** The chain as it stands, genesis first. */
  readonly blocks: readonly ScriptedBlock[]
  mine(...contents: readonly (readonly ScriptedLog[])[]): void
  /** Takes blocks off the end, genesis apart. */
  rollBack(depth: number): void
  /** Another genesis, and nothing above it. */
  replace(): void
  /** What the head looks like from outside: so many blocks less than there are. */
  lag: number
  /** Called before each question is answered: may change the chain, or throw what the endpoint would. */
  before: (method: string) => void
  /** Answers view functions at a block of the chain. */
  answer: (call: EvmCall, block: ScriptedBlock, chain: readonly ScriptedBlock[]) => EvmCallResult
  hasCode: boolean
  /** Nobody answers, for this reason. */
  failure: OutsideError | undefined
  /** Logs are left out of every answer. */
  isHidingLogs: boolean
  /** How many blocks one question for logs covers. */
  rangeMax: number
  /** Questions so far, by method. */
  readonly asked: ReadonlyMap<string, number>
}

const CHAIN_ID = 31_337

export function createScriptedChain(options: ScriptedChainOptions): ScriptedChain {
  const { blockMs = 1_000, finalityDepth, hasLogTimes = true } = options
  const asked = new Map<string, number>()
  let branch = 0
  let blocks: ScriptedBlock[] = [genesis(options, branch)]

  function note(method: string): void {
    asked.set(method, (asked.get(method) ?? 0) + 1)
    chain.before(method)
  }

  function visibleHead(): ScriptedBlock | undefined {
    return blocks[Math.max(0, blocks.length - 1 - chain.lag)]
  }

  function append(logs: readonly ScriptedLog[]): void {
    const parent = blocks.at(-1)
    if (parent === undefined) return
    const number = parent.number + 1
    const hash = hashOf(branch, number)
    const timeMs = parent.timeMs + blockMs
    const place = { number, hash, timeMs: hasLogTimes ? timeMs : undefined, address: options.address }
    blocks.push({
      number,
      hash,
      parentHash: parent.hash,
      timeMs,
      logsBloom: '0x',
      logs: logs.map((log, index) => logAt(log, index, place)),
    })
  }

  const chain: ScriptedChain = {
    lag: 0,
    hasCode: true,
    failure: undefined,
    isHidingLogs: false,
    rangeMax: 1_000,
    before: () => undefined,
    answer: () => ({ kind: 'unsupported', detail: 'execution reverted' }),
    asked,
    get blocks() {
      return blocks
    },
    mine(...contents) {
      for (const logs of contents) append(logs)
    },
    rollBack(depth) {
      branch += 1
      blocks = blocks.slice(0, Math.max(1, blocks.length - depth))
    },
    replace() {
      branch += 1
      blocks = [genesis(options, branch)]
    },
    follower: followerOf({
      note,
      seen: () => viewOf(chain.failure === undefined ? visibleHead() : undefined, finalityDepth, chain.failure),
      blocks: () => blocks,
      chain: () => chain,
    }),
  }
  return chain
}

interface Served {
  readonly note: (method: string) => void
  readonly seen: () => EvmView
  readonly blocks: () => readonly ScriptedBlock[]
  readonly chain: () => Pick<ScriptedChain, 'answer' | 'hasCode' | 'isHidingLogs' | 'rangeMax'>
}

function followerOf({ note, seen, blocks, chain }: Served): EvmFollower {
  function blockAt(method: string, hash: Hex): ScriptedBlock {
    note(method)
    const block = blocks().find((known) => known.hash === hash)
    if (block !== undefined) return block
    throw new OutsideError('unknown-block', `unknown block ${hash}`, { retry: true })
  }

  return {
    async look() {
      note('look')
      return seen()
    },
    async blockByNumber(number) {
      note('blockByNumber')
      return blocks()[number]
    },
    async blockByHash(hash) {
      note('blockByHash')
      return blocks().find((block) => block.hash === hash)
    },
    async blocks(from, to) {
      note('blocks')
      return blocks().slice(from, to + 1)
    },
    async logsOfBlock({ hash }, filter) {
      const { logs } = blockAt('logsOfBlock', hash)
      return chain().isHidingLogs ? [] : logs.filter((log) => isAsked(log, filter.topics))
    },
    async logs(from, to, filter) {
      note('logs')
      const end = Math.min(to, from + chain().rangeMax - 1)
      const found = blocks()
        .slice(from, end + 1)
        .flatMap((block) => block.logs)
      return { logs: found.filter((log) => isAsked(log, filter.topics)), fromBlock: from, toBlock: end }
    },
    async calls(calls, { hash }) {
      const block = blockAt('calls', hash)
      return calls.map((call) => chain().answer(call, block, blocks().slice(0, block.number + 1)))
    },
    async hasCode() {
      note('hasCode')
      return chain().hasCode
    },
    onHint: () => () => undefined,
    probe: async () => [],
    stop: () => undefined,
  }
}

function genesis({ genesisTimeMs }: ScriptedChainOptions, branch: number): ScriptedBlock {
  return {
    number: 0,
    hash: hashOf(branch, 0),
    parentHash: `0x${'0'.repeat(64)}`,
    timeMs: genesisTimeMs,
    logsBloom: '0x',
    logs: [],
  }
}

function hashOf(branch: number, number: number): Hex {
  return `0x${branch.toString(16).padStart(32, '0')}${(number + 1).toString(16).padStart(32, '0')}`
}

interface Place {
  readonly number: number
  readonly hash: Hex
  readonly timeMs: number | undefined
  readonly address: Hex
}

function logAt(log: ScriptedLog, logIndex: number, place: Place): EvmLog {
  return {
    address: place.address,
    topics: log.topics,
    data: log.data,
    blockNumber: place.number,
    blockHash: place.hash,
    blockTimeMs: place.timeMs,
    transactionHash: `0x${log.tx.toString(16).padStart(64, '0')}`,
    transactionIndex: logIndex,
    logIndex,
  }
}

function isAsked(log: EvmLog, topics: readonly Hex[] | undefined): boolean {
  return topics === undefined || topics.some((topic) => topic === log.topics[0])
}

function viewOf(
  head: ScriptedBlock | undefined,
  finalityDepth: number | undefined,
  failure: OutsideError | undefined,
): EvmView {
  return {
    endpoints: [
      {
        name: 'node:8545',
        isUp: head !== undefined,
        headNumber: head?.number,
        lagBlocks: 0,
        latencyMs: 1,
        failure,
        suspicion: undefined,
      },
    ],
    chainId: CHAIN_ID,
    head,
    finalized: finalityDepth === undefined || head === undefined ? undefined : Math.max(0, head.number - finalityDepth),
    failure,
  }
}
