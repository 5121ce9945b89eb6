import { z } from 'zod'

import { compileAbi, type EvmAbi } from '../../src/chains/evm/index.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { compileSolidity } from './compile.ts'
import { deployArtifact } from './deploy.ts'
import { createReorgs, type Reorgs } from './reorgs.ts'

const logsSchema = z.array(z.object({ topics: z.array(z.string()).min(1), transactionHash: z.string() }))

/** What is on the chain now, asked from the node itself. */
export interface OrderTruth {
  /** Logs by the name of their event. */
  readonly events: Readonly<Record<'OrderPlaced' | 'OrderFilled' | 'OrderFailed' | 'Noted', number>>
  /** `count()` of the contract. */
  readonly count: number
  readonly head: number
  readonly inFlight: number
  /** The reasons of failures that are on the chain: each was given once. */
  readonly failures: ReadonlySet<string>
}

/** A chain with a contract that nobody has a preset for, and traffic on it. */
export interface OrderChain extends Reorgs, AsyncDisposable {
  readonly anvil: Anvil
  readonly abi: unknown
  readonly address: string
  place(many?: number): Promise<void>
  /** Ends an open order; without one, places one. */
  fill(): Promise<void>
  fail(): Promise<void>
  /** Empty blocks. */
  mine(blocks: number): Promise<void>
  truth(): Promise<OrderTruth>
}

/** Starts the chain. Every failure has a reason of its own, by which alerts can be told apart. */
export async function startOrderChain(): Promise<OrderChain> {
  const artifact = compileSolidity('test/end-to-end/orders.sol')
  const compiled = compileAbi(artifact.abi)
  if (compiled.kind === 'faults') throw new Error(compiled.faults.join('\n'))
  const anvil = await startAnvil()
  const contract = await deployArtifact(anvil, artifact)
  /** What failed why, on whatever branch. */
  const reasons = new Map<string, string>()
  let placed = 0

  async function place(many = 1): Promise<void> {
    await contract.send('place', [String(placed + 1), String(many)])
    placed += many
  }

  const readLogs = async () => logsOf(anvil, compiled.abi, contract.address)
  return {
    ...createReorgs(anvil),
    anvil,
    abi: artifact.abi,
    address: contract.address,
    place,
    async fill() {
      const [order] = openOrders(await readLogs())
      await (order === undefined ? place() : contract.send('fill', [order]))
    },
    async fail() {
      const [order] = openOrders(await readLogs())
      if (order === undefined) return place()
      const reason = `cause-${reasons.size + 1}.`
      reasons.set(await contract.send('fail', [order, reason]), reason)
    },
    async mine(blocks) {
      await anvil.rpc('anvil_mine', [`0x${blocks.toString(16)}`])
    },
    async truth() {
      const logs = await readLogs()
      const numberOf = (name: string) => logs.filter((log) => log.name === name).length
      const failed = logs.filter((log) => log.name === 'OrderFailed')
      return {
        events: {
          OrderPlaced: numberOf('OrderPlaced'),
          OrderFilled: numberOf('OrderFilled'),
          OrderFailed: failed.length,
          Noted: numberOf('Noted'),
        },
        count: await callNumber(anvil, compiled.abi, contract.address, 'count'),
        head: Number(await anvil.rpc('eth_blockNumber')),
        inFlight: openOrders(logs).length,
        failures: new Set(failed.map(({ transaction }) => reasons.get(transaction) ?? `unknown ${transaction}`)),
      }
    },
    [Symbol.asyncDispose]: async () => anvil.stop(),
  }
}

/** One step of a day by a number from 0 to 1: mostly traffic, now and then a reorg. */
export async function takeStep(chain: OrderChain, chance: number): Promise<void> {
  const size = 1 + (Math.floor(chance * 1_000) % 3)
  if (chance < 0.35) return chain.place(size)
  if (chance < 0.55) return chain.fill()
  if (chance < 0.85) return chain.fail()
  if (chance < 0.92) return chain.mineAgain(1 + size)
  if (chance < 0.97) return chain.drop(size)
  return chain.mine(size)
}

interface OrderLog {
  readonly name: string
  /** `order_id`; another argument for events without one. */
  readonly key: string
  readonly transaction: string
}

/** The logs of the contract by the names of their events, asked past all code under test. */
async function logsOf(anvil: Anvil, abi: EvmAbi, address: string): Promise<readonly OrderLog[]> {
  const logs = logsSchema.parse(await anvil.rpc('eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest', address }]))
  return logs.map(({ topics: [topic, key = ''], transactionHash }) => ({
    name: abi.events.find((event) => event.topic === topic)?.name ?? '',
    key,
    transaction: transactionHash,
  }))
}

function openOrders(logs: readonly OrderLog[]): readonly string[] {
  const over = new Set(
    logs.filter(({ name }) => name === 'OrderFilled' || name === 'OrderFailed').map(({ key }) => key),
  )
  return logs.filter(({ name, key }) => name === 'OrderPlaced' && !over.has(key)).map(({ key }) => key)
}

/** A view function without arguments that returns a number. */
async function callNumber(anvil: Anvil, abi: EvmAbi, to: string, name: string): Promise<number> {
  const called = abi.functions.find((item) => item.name === name)
  return Number(await anvil.rpc('eth_call', [{ to, data: called?.selector }, 'latest']))
}
