import { type FailureReason, OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import { rangeHint } from './range-hints.ts'

/** The error object of a JSON-RPC answer. */
export interface RpcError {
  readonly code: number
  readonly message: string
  /** Revert data, or a provider's explanation. */
  readonly data?: unknown
}

/** What is asked of a node. */
export interface RpcQuestion {
  readonly method: string
  readonly params: readonly Json[]
  /** The block is named by its hash: "no such block" then speaks of a reorg, not of a lagging node. */
  readonly isByHash?: boolean
}

/** The node answered, with an error of its own: unlike a broken connection it says nothing against the endpoint. */
export class NodeError extends OutsideError {
  readonly rpc: RpcError

  constructor(reason: FailureReason, message: string, rpc: RpcError) {
    super(reason, message, { retry: MAY_SUCCEED_LATER.has(reason) })
    this.rpc = rpc
  }
}

const MAY_SUCCEED_LATER: ReadonlySet<FailureReason> = new Set([
  'rate-limited',
  'server-error',
  'timeout',
  'behind',
  'unknown-block',
  'range-too-large',
])

const BEHIND =
  /beyond current head block|beyond latest executed block|blocks? specified in filter.{0,60}cannot be found|header not found|(?:block|header) (?:is )?not (?:yet )?(?:found|available)|unknown block|cannot find (?:block|header)|after last accepted block|block .{0,80}(?:could not be found|does not exist)/i
const RATE =
  /rate.?limit|too many requests|request(?:s)? (?:limit|count) exceeded|exceeded (?:your|the|its) .{0,40}(?:capacity|quota|limit)|compute units|throttl|capacity limit|requests per second/i
const AUTH =
  /unauthori[sz]ed|forbidden|api[- ]?key|invalid (?:project id|token)|must be authenticated|not allowed to access/i
const NO_METHOD =
  /method .{0,80}(?:not (?:found|supported|available|exist|enabled|allowed|whitelisted)|does not exist|is not available|unsupported)|unsupported method|not implemented|unknown method|no such method/i
const REVERT = /revert|invalid opcode|invalid jump|bad instruction|vm execution error|stack underflow/i
const PRUNED = /missing trie node|pruned|historical state|state (?:is )?not available|archive/i
const TIMEOUT = /timed? ?out|deadline exceeded|request took too long/i

/**
 * Sorts a node's error into the closed set of reasons. Codes come first where they are clear (-32601, 3); else the words
 * decide, because every provider means something of its own by -32000 and -32005.
 */
export function sortRpcError(name: string, question: RpcQuestion, rpc: RpcError): NodeError {
  const said = `${rpc.message}${typeof rpc.data === 'string' && !rpc.data.startsWith('0x') ? ` (${rpc.data})` : ''}`
  const reason = reasonOf(question, rpc, said)
  return new NodeError(reason, `${name} answered ${question.method} with an error: ${said.trim().slice(0, 300)}`, rpc)
}

function reasonOf(question: RpcQuestion, rpc: RpcError, said: string): FailureReason {
  if (rpc.code === -32601) return 'unsupported'
  if (rpc.code === 3 || (isCall(question) && REVERT.test(said))) return 'reverted'
  // -32001: "resource not found" (EIP-1474), where the resource of a question is its block.
  if (rpc.code === -32001 || BEHIND.test(said)) return question.isByHash === true ? 'unknown-block' : 'behind'
  if (question.method === 'eth_getLogs' && rangeHint(said) !== undefined) return 'range-too-large'
  if (rpc.code === 429 || RATE.test(said)) return 'rate-limited'
  if (NO_METHOD.test(said) || rpc.code === -32004) return 'unsupported'
  if (AUTH.test(said)) return 'auth'
  if (PRUNED.test(said)) return 'not-found'
  if (TIMEOUT.test(said)) return 'timeout'
  if (rpc.code === -32005) return question.method === 'eth_getLogs' ? 'range-too-large' : 'rate-limited'
  if (rpc.code === -32602 || rpc.code === -32600 || rpc.code === -32700) return 'rejected'
  return 'server-error'
}

function isCall(question: RpcQuestion): boolean {
  return question.method === 'eth_call' || question.method === 'eth_estimateGas'
}
