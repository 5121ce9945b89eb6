import { OutsideError } from '../../lib/errors.ts'
import type { EvmBlock } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import type { RpcQuestion } from './rpc-errors.ts'

export interface ProbeLine {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

/** What one endpoint can do, for `check`. Asks each thing once; a failure is a line that is not ok. */
export async function probeEndpoint(endpoint: Endpoint, signal: AbortSignal): Promise<readonly ProbeLine[]> {
  const line = (what: string, ok: boolean, detail: string) => ({ what: `${endpoint.name}: ${what}`, ok, detail })
  let head: EvmBlock
  try {
    head = await endpoint.readHead(signal)
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error
    return [line('answers', false, error.message)]
  }
  const able = async (what: string, question: RpcQuestion, without: string) => {
    const failure = await failureOf(async () => endpoint.ask(question, signal))
    return line(what, failure === undefined, failure === undefined ? 'yes' : `${without} (${failure})`)
  }
  const finalized = { method: 'eth_getBlockByNumber', params: ['finalized', false] }
  const byHash = { method: 'eth_getLogs', params: [{ blockHash: head.hash }], isByHash: true }
  const receipts = { method: 'eth_getBlockReceipts', params: [head.hash], isByHash: true }
  return [
    line('answers', true, `its newest block is ${head.number}`),
    await probeBatch(endpoint, signal, line),
    await able('finalized blocks', finalized, 'no: reorgs are watched for down to a fixed depth'),
    await able('logs by block hash', byHash, 'no: logs are asked for by number, and checked'),
    await able('block receipts', receipts, 'no: missing logs are told by all logs of a block'),
  ]
}

async function probeBatch(
  endpoint: Endpoint,
  signal: AbortSignal,
  line: (what: string, ok: boolean, detail: string) => ProbeLine,
): Promise<ProbeLine> {
  const question = { method: 'eth_chainId', params: [] }
  const failure = await failureOf(async () => endpoint.askAll([question, question], signal))
  if (failure !== undefined) return line('batches', false, failure)
  const limit = endpoint.batchLimit()
  return line('batches', limit > 1, limit > 1 ? 'yes' : 'no: questions are asked one by one')
}

async function failureOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof OutsideError) return error.message
    throw error
  }
}
