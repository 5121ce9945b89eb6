import { OutsideError } from '../../lib/errors.ts'
import type { EvmBlock, Hex } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { quantity } from './hex.ts'
import { malformed } from './json-rpc.ts'
import type { RpcQuestion } from './rpc-errors.ts'
import { blockOrNullSchema } from './wire.ts'

/** undefined: the endpoint does not know such a block. */
export async function readBlockByNumber(
  endpoint: Endpoint,
  number: number,
  signal: AbortSignal,
): Promise<EvmBlock | undefined> {
  const block = parseBlock(endpoint.name, await endpoint.ask(byNumber(number), signal))
  if (block !== undefined && block.number !== number) throw otherBlock(endpoint.name, number, block)
  return block
}

/** undefined: the endpoint does not know such a block. */
export async function readBlockByHash(
  endpoint: Endpoint,
  hash: Hex,
  signal: AbortSignal,
): Promise<EvmBlock | undefined> {
  const question = { method: 'eth_getBlockByHash', params: [hash, false], isByHash: true }
  const block = parseBlock(endpoint.name, await endpoint.ask(question, signal))
  if (block !== undefined && block.hash !== hash) {
    throw malformed(endpoint.name, question.method, `block ${block.hash}, and ${hash} was asked for`)
  }
  return block
}

/**
 * Headers of consecutive blocks, all of them, each the child of the one before.
 *
 * @throws OutsideError `unknown-block` when the chain was reorganised on the way
 */
export async function readBlocks(
  endpoint: Endpoint,
  fromNumber: number,
  toNumber: number,
  signal: AbortSignal,
): Promise<readonly EvmBlock[]> {
  const numbers = Array.from({ length: toNumber - fromNumber + 1 }, (_, index) => fromNumber + index)
  const outcomes = await endpoint.askAll(numbers.map(byNumber), signal)
  const blocks: EvmBlock[] = []
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.kind === 'failed') throw outcome.error
    const block = parseBlock(endpoint.name, outcome.result)
    const previous = blocks.at(-1)
    if (block === undefined) throw reorganised(endpoint.name, fromNumber + index)
    if (block.number !== fromNumber + index) throw otherBlock(endpoint.name, fromNumber + index, block)
    if (previous !== undefined && block.parentHash !== previous.hash) throw reorganised(endpoint.name, block.number)
    blocks.push(block)
  }
  return blocks
}

function byNumber(number: number): RpcQuestion {
  return { method: 'eth_getBlockByNumber', params: [quantity(number), false] }
}

function parseBlock(name: string, answer: unknown): EvmBlock | undefined {
  const parsed = blockOrNullSchema.safeParse(answer)
  if (parsed.success) return parsed.data ?? undefined
  const issue = parsed.error.issues[0]
  const where = issue === undefined ? '' : `: ${issue.path.join('.')}: ${issue.message}`
  throw malformed(name, 'a question for a block', `something that is no block${where}`, parsed.error)
}

function reorganised(name: string, number: number): OutsideError {
  const message = `${name} shows no block ${number} that follows the one before: the chain is being reorganised`
  return new OutsideError('unknown-block', message, { retry: true })
}

function otherBlock(name: string, asked: number, got: EvmBlock): Error {
  return malformed(name, 'eth_getBlockByNumber', `block ${got.number}, and ${asked} was asked for`)
}
