import type { Hex } from '../../src/chains/evm/index.ts'
import type { Anvil } from './anvil.ts'

/** A contract in a hundred bytes: a bare transaction emits one log; the first byte of a call picks what it answers. */
export interface Emitter {
  readonly address: Hex
  /** Emits a log in a block of its own; the block's number and hash. */
  emit(): Promise<{ readonly number: number; readonly hash: Hex }>
}

export const EMITTED_TOPIC: Hex = `0x${'e1'.repeat(32)}`

/** Call data: returns 42, reverts without data, returns nothing, reverts with "paused". */
export const ANSWERS_42: Hex = '0x01000000'
export const REVERTS: Hex = '0x02000000'
export const RETURNS_NOTHING: Hex = '0x03000000'
export const REVERTS_PAUSED: Hex = '0x04000000'

const RUNTIME = assemble([
  // No call data: log1(0, 0, topic).
  ['36', '@call', '57', `7f${EMITTED_TOPIC.slice(2)}`, '5f', '5f', 'a1', '00'],
  ['#call', '5f', '35', '60f8', '1c'],
  ['80', '6001', '14', '@answers', '57'],
  ['80', '6002', '14', '@reverts', '57'],
  ['80', '6004', '14', '@paused', '57', '00'],
  ['#answers', '602a', '5f', '52', '6020', '5f', 'f3'],
  ['#reverts', '5f', '5f', 'fd'],
  // Error(string): selector, offset, length, text.
  ['#paused', '6308c379a0', '60e0', '1b', '5f', '52', '6020', '6004', '52', '6006', '6024', '52'],
  [`65${Buffer.from('paused').toString('hex')}`, '60d0', '1b', '6044', '52', '6064', '5f', 'fd'],
])

/** Deploys the contract from anvil's first account. */
export async function deployEmitter(anvil: Anvil): Promise<Emitter> {
  const from = textIn(await anvil.rpc('eth_accounts'), '0')
  const length = (RUNTIME.length / 2).toString(16).padStart(4, '0')
  const data = `0x61${length}80600a5f395ff3${RUNTIME}`
  const receipt = await send(anvil, { from, data })
  const address = hexIn(receipt, 'contractAddress')
  return {
    address,
    async emit() {
      const mined = await send(anvil, { from, to: address })
      return { number: Number(textIn(mined, 'blockNumber')), hash: hexIn(mined, 'blockHash') }
    },
  }
}

/** Anvil mines a transaction at once, and a moment later knows its receipt. */
async function send(anvil: Anvil, transaction: Readonly<Record<string, string>>): Promise<unknown> {
  const hash = await anvil.rpc('eth_sendTransaction', [transaction])
  for (;;) {
    const receipt = await anvil.rpc('eth_getTransactionReceipt', [hash])
    if (receipt !== null) return receipt
  }
}

function textIn(value: unknown, key: string): string {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const found: unknown = entries.find(([name]) => name === key)?.[1]
  if (typeof found !== 'string') throw new Error(`${key} is missing in ${JSON.stringify(value)}`)
  return found
}

function hexIn(value: unknown, key: string): Hex {
  return `0x${textIn(value, key).slice(2)}`
}

/** Bytes of opcodes; `#name` marks a place to jump to, `@name` pushes it. */
function assemble(lines: readonly (readonly string[])[]): string {
  const items = lines.flat()
  const places = new Map<string, number>()
  let at = 0
  for (const item of items) {
    if (item.startsWith('#')) places.set(item.slice(1), at)
    at += item.startsWith('#') ? 1 : item.startsWith('@') ? 2 : item.length / 2
  }
  const bytes = items.map((item) => {
    if (item.startsWith('#')) return '5b'
    if (!item.startsWith('@')) return item
    return `60${(places.get(item.slice(1)) ?? 0).toString(16).padStart(2, '0')}`
  })
  return bytes.join('')
}
