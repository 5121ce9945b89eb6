import { OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import { readBlockByNumber } from './block-questions.ts'
import type { EvmBlock, EvmCall, EvmCallResult, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { isHex, quantity } from './hex.ts'
import { malformed, type RpcOutcome } from './json-rpc.ts'
import { decodeMulticall, encodeMulticall, MULTICALL_ADDRESS, returned, reverted } from './multicall.ts'
import { NodeError, type RpcQuestion } from './rpc-errors.ts'
import { hexSchema } from './wire.ts'

/*
 * Questions about the state at one block. The block is named by its hash (EIP-1898), so that an answer can only be about
 * that very block; for endpoints that do not take hashes, by its number.
 */

/** As many calls in one multicall as stay far from any gas limit of nodes. */
const MULTICALL_MAX = 50

/** Whether there is code at the address. */
export async function readHasCode(
  endpoint: Endpoint,
  address: Hex,
  block: EvmBlock,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await atBlock(endpoint, block, signal, async (pin, isByHash) =>
    endpoint.ask({ method: 'eth_getCode', params: [address, pin], isByHash }, signal),
  )
  return parseHex(endpoint.name, 'eth_getCode', answer) !== '0x'
}

/** View functions one by one, in batches. */
export async function callEach(
  endpoint: Endpoint,
  calls: readonly EvmCall[],
  block: EvmBlock,
  signal: AbortSignal,
): Promise<readonly EvmCallResult[]> {
  const outcomes = await atBlock(endpoint, block, signal, async (pin, isByHash) => {
    const questions = calls.map((call) => callQuestion(call, pin, isByHash))
    return failTogether(await endpoint.askAll(questions, signal))
  })
  return outcomes.map((outcome) => resultOf(endpoint.name, outcome))
}

/** View functions through the chain's multicall contract; undefined: it could not take them all at once. */
export async function callThroughMulticall(
  endpoint: Endpoint,
  calls: readonly EvmCall[],
  block: EvmBlock,
  signal: AbortSignal,
): Promise<readonly EvmCallResult[] | undefined> {
  const results: EvmCallResult[] = []
  for (let start = 0; start < calls.length; start += MULTICALL_MAX) {
    const group = calls.slice(start, start + MULTICALL_MAX)
    const [outcome] = await callEach(endpoint, [encodeMulticall(group)], block, signal)
    const decoded = outcome?.kind === 'value' ? decodeMulticall(outcome.data, group.length) : undefined
    if (decoded === undefined) return undefined
    results.push(...decoded)
  }
  return results
}

export async function hasMulticall(endpoint: Endpoint, block: EvmBlock, signal: AbortSignal): Promise<boolean> {
  return readHasCode(endpoint, MULTICALL_ADDRESS, block, signal)
}

/**
 * Asks with the block's hash; or with its number where the endpoint takes no hash, and then makes sure that this number
 * still means that block. A refusal of the hash is only remembered when the number works.
 */
async function atBlock<T>(
  endpoint: Endpoint,
  block: EvmBlock,
  signal: AbortSignal,
  ask: (pin: Json, isByHash: boolean) => Promise<T>,
): Promise<T> {
  if (endpoint.abilities.stateByHash !== false) {
    try {
      const answer = await ask({ blockHash: block.hash }, true)
      endpoint.abilities.stateByHash = true
      return answer
    } catch (error) {
      if (endpoint.abilities.stateByHash === true || !isRefusal(error)) throw error
    }
  }
  const answer = await ask(quantity(block.number), false)
  const there = await readBlockByNumber(endpoint, block.number, signal)
  if (there?.hash !== block.hash) {
    const message = `${endpoint.name} has another block ${block.number} than ${block.hash}`
    throw new OutsideError('unknown-block', message, { retry: true })
  }
  endpoint.abilities.stateByHash = false
  return answer
}

/** Nodes that know only numbers call the object a wrong parameter. */
function isRefusal(error: unknown): boolean {
  return error instanceof NodeError && (error.reason === 'rejected' || error.reason === 'unsupported')
}

/** Where every call fails for a reason that is the block's or the endpoint's, it is no outcome of any call. */
function failTogether(outcomes: readonly RpcOutcome[]): readonly RpcOutcome[] {
  const failures = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error] : []))
  const [first] = failures
  const isShared = failures.length === outcomes.length && failures.every((failure) => failure.reason === first?.reason)
  if (first !== undefined && isShared && first.reason !== 'reverted' && first.reason !== 'unsupported') throw first
  return outcomes
}

function callQuestion(call: EvmCall, pin: Json, isByHash: boolean): RpcQuestion {
  return { method: 'eth_call', params: [{ to: call.to, data: call.data }, pin], isByHash }
}

function resultOf(name: string, outcome: RpcOutcome): EvmCallResult {
  if (outcome.kind === 'result') return returned(parseHex(name, 'eth_call', outcome.result))
  const { error } = outcome
  if (error.reason === 'unsupported') return { kind: 'unsupported', detail: error.message }
  if (error.reason !== 'reverted') return { kind: 'failed', reason: error.reason, detail: error.message }
  const data = error instanceof NodeError ? revertData(error.rpc.data) : '0x'
  const reason = error instanceof NodeError && data === '0x' ? writtenReason(error.rpc.message) : undefined
  return reason === undefined ? reverted(data) : { kind: 'failed', reason: 'reverted', detail: `it reverts: ${reason}` }
}

/** Some nodes put the reason into the message only: `execution reverted: Pausable: paused`. */
function writtenReason(message: string): string | undefined {
  const [, reason = ''] = /revert(?:ed)?(?: with reason(?: string)?)?\s*[:'"]\s*(.*)$/i.exec(message) ?? []
  return reason === '' || /^0x0*$/.test(reason) ? undefined : reason.slice(0, 200)
}

/** Nodes put the data of a revert into `data`, bare, after a word (`Reverted 0x...`), or in an object. */
function revertData(data: unknown): Hex {
  if (typeof data === 'object' && data !== null && 'data' in data) return revertData(data.data)
  const text = typeof data === 'string' ? (/0x[0-9a-f]*/i.exec(data)?.[0] ?? '0x').toLowerCase() : '0x'
  return isHex(text) ? text : '0x'
}

function parseHex(name: string, method: string, answer: unknown): Hex {
  const parsed = hexSchema.safeParse(answer)
  if (!parsed.success) throw malformed(name, method, 'something that is no 0x text')
  return parsed.data
}
