import { compileAbi, type EvmAbi, type Hex } from '../../chains/evm/index.ts'
import { assert } from '../../lib/errors.ts'
import type { EvmContractConfig } from './config.ts'
import { createLogDecoder } from './log-decoder.ts'
import type { LogDecoder } from './log-events.ts'
import { compileReads, type Read } from './reads.ts'

/** A configured contract, compiled: what to ask for and how to read the answers. */
export interface Contract {
  readonly abi: EvmAbi
  readonly address: Hex
  readonly decoder: LogDecoder
  readonly reads: readonly Read[]
  readonly selfCheck: { readonly counter: Read; readonly event: string } | undefined
}

/** @param config finished by `prepare`, which has said what is wrong with it */
export function compileContract(config: EvmContractConfig): Contract {
  const compiled = compileAbi(config.abi)
  assert(compiled.kind === 'abi', `the ABI of ${config.name} was not prepared`)
  const { abi } = compiled
  const address: Hex = `0x${config.address.slice(2).toLowerCase()}`
  const check = config.self_check === false ? undefined : config.self_check
  const counters = check === undefined ? [] : [{ name: check.counter, args: [], decimals: 0, as: undefined }]
  const [counter] = compileReads(abi, address, counters)
  return {
    abi,
    address,
    decoder: createLogDecoder(abi, config.events),
    reads: compileReads(abi, address, config.reads),
    selfCheck: check === undefined || counter === undefined ? undefined : { counter, event: check.event },
  }
}
