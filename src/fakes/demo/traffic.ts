import { readFileSync } from 'node:fs'

import { z } from 'zod'

import type { World } from '../../lib/world.ts'
import type { DemoNode } from './node.ts'

const artifactSchema = z.object({ bytecode: z.string().regex(/^0x[0-9a-f]+$/) })
const accountsSchema = z.array(z.string()).min(3)
const receiptSchema = z.object({ contractAddress: z.string() }).nullable()

/** Selectors of `contracts/transaction-buffer.sol`: the first four bytes of each signature's hash. */
const CALLS = { buffer: '0x43e0ffb2', ready: '0xfcac49a2', fail: '0xe99071a5', setPaused: '0x16c38b3c' } as const

const REASONS = ['Dependencies not satisfied', 'Transaction expired', 'Swap group timeout']

/** What happens on the demonstration's chain, told as it happens. */
export interface Traffic {
  readonly address: string
  /** Begins to send transactions, one step a second, until stopped. */
  start(tell: (what: string) => void): void
  stop(): Promise<void>
}

const STEP_MS = 1_000
const RECEIPT_ATTEMPTS_MAX = 50
const RECEIPT_MS = 200
/** In which step the contract is paused, and in which it goes on. */
const PAUSE = { from: 35, to: 45 }

/** Deploys the contract and gets ready to use it as a relayer would. */
export async function createTraffic(node: DemoNode, world: World): Promise<Traffic> {
  const [from = '', origin = '', target = ''] = accountsSchema.parse(await node.rpc('eth_accounts', []))
  const address = await deploy(node, world, from)
  const ending = new AbortController()
  let done: Promise<void> = Promise.resolve()

  async function send(data: string): Promise<void> {
    await node.rpc('eth_sendTransaction', [{ from, to: address, data, gas: '0x4c4b40' }])
  }

  async function run(tell: (what: string) => void): Promise<void> {
    const open: number[] = []
    for (let step = 1; !ending.signal.aborted; step += 1) {
      await takeStep({ step, open, send, tell, random: () => world.random(), parties: [origin, target] })
      await world.sleep(STEP_MS, ending.signal).catch(() => undefined)
    }
  }

  return {
    address,
    start(tell) {
      done = run(tell).catch((error: unknown) => {
        if (!ending.signal.aborted) tell(`the chain stopped: ${String(error)}`)
      })
    },
    async stop() {
      ending.abort()
      await done
    },
  }
}

async function deploy(node: DemoNode, world: World, from: string): Promise<string> {
  const file = new URL('../contracts/transaction-buffer.json', import.meta.url)
  const { bytecode } = artifactSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const hash = await node.rpc('eth_sendTransaction', [{ from, data: bytecode, gas: '0x1c9c380' }])
  for (let attempt = 0; attempt < RECEIPT_ATTEMPTS_MAX; attempt += 1) {
    const receipt = receiptSchema.parse(await node.rpc('eth_getTransactionReceipt', [hash]))
    if (receipt !== null) return receipt.contractAddress
    await world.sleep(RECEIPT_MS)
  }
  throw new Error('the contract of the demonstration was not mined')
}

interface Step {
  readonly step: number
  /** Ids that are buffered and neither ready nor failed. */
  readonly open: number[]
  readonly send: (data: string) => Promise<void>
  readonly tell: (what: string) => void
  readonly random: () => number
  readonly parties: readonly [string, string]
}

/** One second of a relayer's life: buffer one, finish those that waited long enough, now and then pause. */
async function takeStep({ step, open, send, tell, random, parties }: Step): Promise<void> {
  if (step === PAUSE.from || step === PAUSE.to) {
    const isPaused = step === PAUSE.from
    await send(`${CALLS.setPaused}${word(isPaused ? 1 : 0)}`)
    tell(isPaused ? 'the owner pauses the contract' : 'the contract goes on')
    return
  }
  if (step > PAUSE.from && step < PAUSE.to) return
  await send(`${CALLS.buffer}${word(step)}${addressWord(parties[0])}${addressWord(parties[1])}`)
  open.push(step)
  if (open.length < 3) return
  const id = open.shift() ?? step
  if (step % 9 !== 0) {
    await send(`${CALLS.ready}${word(id)}`)
    return
  }
  const reason = REASONS[Math.floor(random() * REASONS.length)] ?? ''
  await send(`${CALLS.fail}${word(id)}${textWords(reason)}`)
  tell(`transaction ${id} fails: ${reason}`)
}

function word(value: number): string {
  return value.toString(16).padStart(64, '0')
}

function addressWord(address: string): string {
  return address.slice(2).toLowerCase().padStart(64, '0')
}

/** A string as the second argument: where it starts, how long it is, its bytes padded to whole words. */
function textWords(text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  const padded = Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)])
  return `${word(64)}${word(bytes.length)}${padded.toString('hex')}`
}
