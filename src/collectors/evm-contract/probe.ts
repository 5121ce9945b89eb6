import type { EvmFollower } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { CollectorWorld, Probe } from '../collector.ts'
import type { EvmContractConfig } from './config.ts'
import { compileContract, type Contract } from './contract.ts'
import { noHead } from './read-part.ts'
import { type ReadOutcome, readOutcome } from './reads.ts'

/** What the endpoints and the contract can do, for `check`. */
export async function probeContract(
  config: EvmContractConfig,
  world: CollectorWorld,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const follower = world.chains.evm({ urls: config.rpc_urls, chainId: config.chain_id, timeoutMs: config.timeout })
  try {
    const contract = compileContract(config)
    return [...(await follower.probe(signal)), ...(await contractProbes(config, contract, follower, signal))]
  } finally {
    follower.stop()
  }
}

async function contractProbes(
  config: EvmContractConfig,
  contract: Contract,
  follower: EvmFollower,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const what = `contract ${config.address}`
  try {
    const view = await follower.look(signal)
    if (view.head === undefined) throw noHead(view)
    if (!(await follower.hasCode(contract.address, view.head, signal))) {
      return [{ what, ok: false, detail: `there is no contract at this address on chain ${view.chainId}` }]
    }
    const calls = contract.reads.map((read) => read.call)
    const answers = calls.length === 0 ? [] : await follower.calls(calls, view.head, signal)
    const outcomes = contract.reads.map((read, index) => readOutcome(read, answers[index], () => undefined))
    return [
      { what, ok: true, detail: `is there at block ${view.head.number}` },
      { what: 'events', ok: true, detail: contract.decoder.names.join(', ') || 'none: the ABI has no event' },
      ...outcomes.map(readProbe),
      ...startProbe(config, view.head.number),
    ]
  } catch (error) {
    if (error instanceof OutsideError) return [{ what, ok: false, detail: error.message }]
    throw error
  }
}

/** What a contract does not support is worth a line, and no fault. */
function readProbe(outcome: ReadOutcome): Probe {
  const what = `read ${outcome.read.label}`
  if (outcome.kind === 'failed') return { what, ok: false, detail: outcome.detail }
  if (outcome.kind === 'unsupported') return { what, ok: true, detail: `not supported: ${outcome.detail}` }
  return { what, ok: true, detail: outcome.values.map((value) => value.text).join(', ') }
}

function startProbe({ start_block: start }: EvmContractConfig, head: number): readonly Probe[] {
  if (start === 'latest') return []
  const detail =
    start > head
      ? `${start} is above the head ${head}: nothing is read until then`
      : `${head - start + 1} blocks to read`
  return [{ what: 'start_block', ok: start <= head, detail }]
}
