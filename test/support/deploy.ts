import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { type AbiFunction, compileAbi, encodeCall, type Hex } from '../../src/chains/evm/index.ts'
import type { Json } from '../../src/lib/json.ts'
import { ROOT } from '../tidy/sources.ts'
import type { Anvil } from './anvil.ts'

const artifactSchema = z.object({
  abi: z.array(z.record(z.string(), z.json())),
  bytecode: z.templateLiteral(['0x', z.string()]),
})
const accountsSchema = z.array(z.string()).min(2)
const receiptSchema = z.object({
  contractAddress: z.string().nullable(),
  status: z.literal('0x1'),
  transactionHash: z.string(),
})

/** Automatic mining takes a few milliseconds; a question about as long. */
const RECEIPT_ATTEMPTS_MAX = 1_000

export type Artifact = z.output<typeof artifactSchema>

/** A contract of `src/fakes/contracts`, compiled. */
function readArtifact(name: 'counter' | 'transaction-buffer'): Artifact {
  return artifactSchema.parse(JSON.parse(readFileSync(join(ROOT, `src/fakes/contracts/${name}.json`), 'utf8')))
}

/** A contract of ours on a node of our own. */
export interface Deployed {
  readonly abi: Artifact['abi']
  readonly address: string
  /** Sends a transaction, and sees to it that it did not revert; its hash. With automatic mining that is one block. */
  send(name: string, args: readonly Json[]): Promise<string>
  /** A transaction as `anvil_reorg` takes it, to be mined in the place of another. */
  raw(name: string, args: readonly Json[]): Readonly<Record<string, string>>
}

export async function deploy(anvil: Anvil, name: 'counter' | 'transaction-buffer'): Promise<Deployed> {
  return deployArtifact(anvil, readArtifact(name))
}

/** Deploys any compiled contract from the node's first account. */
export async function deployArtifact(anvil: Anvil, artifact: Artifact): Promise<Deployed> {
  const compiled = compileAbi(artifact.abi)
  if (compiled.kind === 'faults') throw new Error(compiled.faults.join('\n'))
  const [from = ''] = accountsSchema.parse(await anvil.rpc('eth_accounts'))

  async function transact(transaction: Readonly<Record<string, string>>): Promise<z.output<typeof receiptSchema>> {
    const hash = await anvil.rpc('eth_sendTransaction', [{ from, gas: '0x1c9c380', ...transaction }])
    for (let attempt = 0; attempt < RECEIPT_ATTEMPTS_MAX; attempt += 1) {
      const receipt = await anvil.rpc('eth_getTransactionReceipt', [hash])
      if (receipt !== null) return receiptSchema.parse(receipt)
    }
    throw new Error(`the transaction ${String(hash)} was not mined`)
  }

  function callData(called: string, args: readonly Json[]): Hex {
    const found: AbiFunction | undefined =
      compiled.kind === 'abi' ? compiled.abi.functions.find((item) => item.name === called) : undefined
    if (found === undefined) throw new Error(`the contract has no function ${called}`)
    return encodeCall(found, args)
  }

  const address = (await transact({ data: artifact.bytecode })).contractAddress
  if (address === null) throw new Error('the contract was not deployed')
  const raw = (called: string, args: readonly Json[]) => ({ from, to: address, data: callData(called, args) })
  return {
    abi: artifact.abi,
    address,
    raw,
    async send(called, args) {
      return (await transact(raw(called, args))).transactionHash
    },
  }
}

/** A number as the 32 bytes of an id. */
export function bytes32(value: number): string {
  return `0x${value.toString(16).padStart(64, '0')}`
}
