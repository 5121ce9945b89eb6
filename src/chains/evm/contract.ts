import type { FailureReason, OutsideError } from '../../lib/errors.ts'
import type { Cancel } from '../../lib/world.ts'

export type Hex = `0x${string}`

/** The endpoints of one chain, as configured. Two targets with equal endpoints share one follower. */
export interface EvmEndpoints {
  /** `http(s)://` or `ws(s)://`; a WebSocket endpoint is asked by HTTP too where it answers, else over the socket. */
  readonly urls: readonly string[]
  /** Every endpoint that answers another id is refused (`wrong-chain`); undefined: the first answer decides. */
  readonly chainId: number | undefined
  /** Milliseconds that one answer may take. */
  readonly timeoutMs: number
}

/** A header, as far as we need it. Numbers are bigint on the wire; a block number fits a JavaScript number for ages. */
export interface EvmBlock {
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  /** Milliseconds UTC. */
  readonly timeMs: number
  readonly logsBloom: Hex
}

/** A log, checked: addresses, hashes, topics and data are in lower case. */
export interface EvmLog {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly blockNumber: number
  readonly blockHash: Hex
  /** Milliseconds UTC, from `blockTimestamp`; undefined where the node does not send it (anvil, geth 1.16 and reth do). */
  readonly blockTimeMs?: number | undefined
  readonly transactionHash: Hex
  readonly transactionIndex: number
  readonly logIndex: number
}

/** What is known of one endpoint. `name` is its redacted URL, unique within the pool (`host:port`, `host:port#2`). */
export interface EvmEndpointHealth {
  readonly name: string
  /** It answered its last question, on the right chain. */
  readonly isUp: boolean
  readonly headNumber: number | undefined
  /** Blocks behind the quorum's head; undefined where its head is not known. */
  readonly lagBlocks: number | undefined
  readonly latencyMs: number | undefined
  /** Why it is not used, where it is not. */
  readonly failure: OutsideError | undefined
  /** It disagrees with the others: stuck, lagging or ahead beyond what is plausible. In words, for people. */
  readonly suspicion: string | undefined
}

/** One look at the chain through all endpoints. */
export interface EvmView {
  readonly endpoints: readonly EvmEndpointHealth[]
  readonly chainId: number | undefined
  /** The newest block that enough endpoints vouch for; undefined when none answered. Never goes back without a reorg. */
  readonly head: EvmBlock | undefined
  /** The newest finalized block's number; undefined where the node does not know the tag. */
  readonly finalized: number | undefined
  /** Why there is no head. */
  readonly failure: OutsideError | undefined
}

export interface EvmLogFilter {
  /** In any writing; empty: every address. */
  readonly addresses: readonly Hex[]
  /** Any of these as first topic; undefined: every log. */
  readonly topics: readonly Hex[] | undefined
}

export interface EvmCall {
  readonly to: Hex
  readonly data: Hex
}

/** What a view function said. `unsupported`: it reverts without data, or has no such method: never false, never 0. */
export type EvmCallResult =
  | { readonly kind: 'value'; readonly data: Hex }
  | { readonly kind: 'unsupported'; readonly detail: string }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly detail: string }

/** Logs of a stretch of blocks. Sorted by block and log index; each belongs to the filter and the range. */
export interface EvmLogRange {
  readonly logs: readonly EvmLog[]
  readonly fromBlock: number
  /** May be below what was asked for: as far as one answer went. Never half a block. */
  readonly toBlock: number
}

/**
 * One chain seen through its endpoints: chooses the endpoint, fails over, learns what ranges each bears. Every method
 * rejects with an `OutsideError` when no endpoint could answer. A question is put to each endpoint once at most, and to
 * no third after two have let their time run out.
 */
export interface EvmFollower {
  /** A fresh look at every endpoint. Callers within the same half second share one. Never rejects. */
  look(signal: AbortSignal): Promise<EvmView>
  /** undefined: the endpoint that has this height does not know such a block. */
  blockByNumber(number: number, signal: AbortSignal): Promise<EvmBlock | undefined>
  blockByHash(hash: Hex, signal: AbortSignal): Promise<EvmBlock | undefined>
  /**
   * Headers of consecutive blocks, all of them, each the child of the one before. Rejects with `unknown-block` when the
   * chain is reorganised meanwhile, and with `behind` when nobody has the last one.
   */
  blocks(fromNumber: number, toNumber: number, signal: AbortSignal): Promise<readonly EvmBlock[]>
  /**
   * Logs of one block, by its hash, checked against the block's bloom: zero logs where the bloom has the address is not
   * believed until another endpoint, or the block's receipts, say so. Rejects with `unknown-block` on an orphaned hash.
   */
  logsOfBlock(block: EvmBlock, filter: EvmLogFilter, signal: AbortSignal): Promise<readonly EvmLog[]>
  /** Logs from `fromBlock` on, at most to `toBlock`, as far as the endpoint bears in one question. */
  logs(fromBlock: number, toBlock: number, filter: EvmLogFilter, signal: AbortSignal): Promise<EvmLogRange>
  /** View functions at one block, so that the values belong together; by multicall, batch or one by one. */
  calls(calls: readonly EvmCall[], block: EvmBlock, signal: AbortSignal): Promise<readonly EvmCallResult[]>
  /** Whether there is code at the address. */
  hasCode(address: Hex, block: EvmBlock, signal: AbortSignal): Promise<boolean>
  /** A hint that the head moved, from a WebSocket where one is configured. Polling is the truth. */
  onHint(listener: () => void): Cancel
  /** What the endpoints can do, for `check`. */
  probe(
    signal: AbortSignal,
  ): Promise<readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[]>
  stop(): void
}
