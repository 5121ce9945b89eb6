import { type Anvil, startAnvil } from '../../test/support/anvil.ts'
import { type Deployed, deploy } from '../../test/support/deploy.ts'

/** A chain with a known number of logs, on a node of its own. */
export interface LogChain {
  readonly anvil: Anvil
  readonly contract: Deployed
  /** The blocks that hold the logs. */
  readonly firstBlock: number
  readonly lastBlock: number
  readonly logs: number
}

export interface LogChainSize {
  readonly blocks: number
  readonly logsPerBlock: number
}

const BATCH = 500
/** From the next but one on, each block writes into a contract of the chain's own, which anvil copies for each block. */
const HARDFORK = 'shanghai'
/** A block holds one transaction: each asks for more than half of it, and burns less than half, so the fee falls. */
const BLOCK_GAS = 400_000n
const TRANSACTION_GAS = 250_000n

/** Seals a block for each transaction that emits logs: a minute for 20,000 of them. */
export async function buildLogChain({ blocks, logsPerBlock }: LogChainSize): Promise<LogChain> {
  const anvil = await startAnvil({ args: ['--hardfork', HARDFORK] })
  try {
    const contract = await deploy(anvil, 'counter')
    const firstBlock = (await height(anvil)) + 1
    await anvil.rpc('evm_setBlockGasLimit', [quantity(BLOCK_GAS)])
    await anvil.rpc('evm_setAutomine', [false])
    const raw = contract.raw('countTo', [String(logsPerBlock), 'a note'])
    const call = { ...raw, gas: quantity(TRANSACTION_GAS) }
    const nonce = Number(await anvil.rpc('eth_getTransactionCount', [raw['from'], 'latest']))
    for (let sent = 0; sent < blocks; sent += BATCH) {
      const count = Math.min(BATCH, blocks - sent)
      await sendBatch(anvil.url, call, { first: nonce + sent, count })
      await anvil.rpc('anvil_mine', [quantity(BigInt(count))])
    }
    const lastBlock = await height(anvil)
    if (lastBlock - firstBlock + 1 !== blocks) throw new Error(`${lastBlock - firstBlock + 1} blocks were sealed`)
    await anvil.rpc('evm_setBlockGasLimit', [quantity(30_000_000n)])
    return { anvil, contract, firstBlock, lastBlock, logs: blocks * logsPerBlock }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}

/** The node works on a batch in any order, so each transaction is given its nonce. */
async function sendBatch(
  url: string,
  call: Readonly<Record<string, string>>,
  nonces: { readonly first: number; readonly count: number },
): Promise<void> {
  const requests = Array.from({ length: nonces.count }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'eth_sendTransaction',
    params: [{ ...call, nonce: quantity(BigInt(nonces.first + id)) }],
  }))
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requests),
  })
  const text = await response.text()
  const error = text.indexOf('"error"')
  if (error !== -1) throw new Error(`anvil refused a transaction: ${text.slice(error, error + 300)}`)
}

async function height(anvil: Anvil): Promise<number> {
  return Number(await anvil.rpc('eth_blockNumber'))
}

function quantity(value: bigint): string {
  return `0x${value.toString(16)}`
}
