import type { AnswerFault } from './faults.ts'

/** One question of the exchange, as it came. */
export interface ProxyCall {
  readonly id: unknown
  readonly method: string
  readonly params: readonly unknown[]
}

/** Asks the real node one question; the answer's envelope. */
export type Upstream = (call: ProxyCall) => Promise<Readonly<Record<string, unknown>>>

type Envelope = Readonly<Record<string, unknown>>

/** Answers one question with the faults that are switched on for it. The first one that has something to say decides. */
export async function answerCall(call: ProxyCall, faults: readonly AnswerFault[], ask: Upstream): Promise<Envelope> {
  for (const fault of faults) {
    const answer = await faultyAnswer(call, fault, ask)
    if (answer !== undefined) return answer
  }
  return ask(call)
}

async function faultyAnswer(call: ProxyCall, fault: AnswerFault, ask: Upstream): Promise<Envelope | undefined> {
  switch (fault.kind) {
    case 'error':
      return failed(call, fault.code, fault.message, fault.data)
    case 'result':
      return result(call, fault.result)
    case 'wrong-id':
      return { ...(await ask(call)), id: 987_654_321 }
    case 'chain-id':
      return call.method === 'eth_chainId' ? result(call, hex(fault.chainId)) : undefined
    case 'stale-head':
      return staleAnswer(call, fault.number, ask)
    case 'boast':
      return boastingAnswer(call, fault.blocks, ask)
    case 'no-logs':
      return call.method === 'eth_getLogs' ? withoutLogs(call, fault.fromBlock, ask) : undefined
    case 'range':
      return isWithinRange(call, fault.maxBlocks) ? undefined : failed(call, fault.code, fault.message)
  }
}

/** A node that stopped at a block: newer ones are unknown to it, by number and by hash. */
async function staleAnswer(call: ProxyCall, number: number, ask: Upstream): Promise<Envelope | undefined> {
  if (call.method === 'eth_blockNumber') return result(call, hex(number))
  if (call.method === 'eth_getBlockByNumber') {
    const [asked, ...rest] = call.params
    if (asked === 'latest') return ask({ ...call, params: [hex(number), ...rest] })
    return Number(asked) > number ? result(call, null) : undefined
  }
  if (call.method === 'eth_getBlockByHash') {
    const answer = await ask(call)
    return numberIn(answer['result']) > number ? result(call, null) : answer
  }
  return undefined
}

async function boastingAnswer(call: ProxyCall, blocks: number, ask: Upstream): Promise<Envelope | undefined> {
  if (call.method !== 'eth_getBlockByNumber' || call.params[0] !== 'latest') return undefined
  const answer = await ask(call)
  const block = answer['result']
  if (typeof block !== 'object' || block === null) return answer
  const number = hex(numberIn(block) + blocks)
  return { ...answer, result: { ...block, number, hash: `0x${'b0a5'.repeat(16)}` } }
}

async function withoutLogs(call: ProxyCall, fromBlock: number, ask: Upstream): Promise<Envelope> {
  const answer = await ask(call)
  const logs: readonly unknown[] = Array.isArray(answer['result']) ? answer['result'] : []
  return { ...answer, result: logs.filter((log) => numberIn(log, 'blockNumber') < fromBlock) }
}

function isWithinRange(call: ProxyCall, maxBlocks: number): boolean {
  if (call.method !== 'eth_getLogs') return true
  const [fromBlock, toBlock] = [fieldOf(call.params[0], 'fromBlock'), fieldOf(call.params[0], 'toBlock')]
  if (fromBlock === undefined || toBlock === undefined) return true
  return Number(toBlock) - Number(fromBlock) + 1 <= maxBlocks
}

function numberIn(value: unknown, key = 'number'): number {
  return Number(fieldOf(value, key) ?? -1)
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}

function hex(number: number): string {
  return `0x${number.toString(16)}`
}

function result(call: ProxyCall, value: unknown): Envelope {
  return { jsonrpc: '2.0', id: call.id, result: value }
}

function failed(call: ProxyCall, code: number, message: string, data?: unknown): Envelope {
  return { jsonrpc: '2.0', id: call.id, error: data === undefined ? { code, message } : { code, message, data } }
}
