import type { EvmLog, EvmLogFilter, Hex } from './contract.ts'
import { isHex, isLowerAddress, isWord } from './hex.ts'
import { malformed } from './json-rpc.ts'

/*
 * Logs come by the ten thousand, so they are checked by hand and not by a schema: half of the time, measured. The checks
 * are the same: every field has its shape, or the whole answer is refused.
 */

/** What a log must be to belong to an answer. */
export interface LogScope {
  /** Lower-case addresses; empty: any. */
  readonly addresses: ReadonlySet<string>
  /** First topics; undefined: any. */
  readonly topics: ReadonlySet<string> | undefined
  readonly fromBlock: number
  readonly toBlock: number
  /** Where one block is meant by its hash. */
  readonly blockHash: Hex | undefined
}

const LOGS_MAX = 200_000

/**
 * Reads an answer to eth_getLogs: sorted, each log once. A log outside of the filter or the range, or two hashes for one
 * height, mean that the endpoint answered another question, and nothing of it is taken.
 *
 * @throws OutsideError `malformed`
 */
export function readLogs(name: string, answer: unknown, scope: LogScope): readonly EvmLog[] {
  if (!isList(answer) || answer.length > LOGS_MAX) {
    throw malformed(name, 'eth_getLogs', 'something that is no list of logs')
  }
  const logs: EvmLog[] = []
  const hashes = new Map<number, Hex>()
  let isSorted = true
  let last: EvmLog | undefined
  for (const raw of answer) {
    const log = readLog(raw)
    if (log === undefined) throw malformed(name, 'eth_getLogs', 'a log that lacks a field or has a wrong one')
    const stray = strayReason(log, scope)
    if (stray !== undefined) throw malformed(name, 'eth_getLogs', stray)
    const hash = hashes.get(log.blockNumber)
    if (hash === undefined) hashes.set(log.blockNumber, log.blockHash)
    else if (hash !== log.blockHash) {
      throw malformed(name, 'eth_getLogs', `two hashes for block ${log.blockNumber}: a reorg happened on the way`)
    }
    if (last !== undefined && compareLogs(last, log) >= 0) isSorted = false
    last = log
    logs.push(log)
  }
  return isSorted ? logs : sortedOnce(logs)
}

/** In the order of the chain, without repetitions. */
export function sortedOnce(logs: readonly EvmLog[]): readonly EvmLog[] {
  const sorted = logs.toSorted(compareLogs)
  return sorted.filter((log, index) => {
    const previous = sorted[index - 1]
    return previous === undefined || compareLogs(previous, log) !== 0
  })
}

function compareLogs(left: EvmLog, right: EvmLog): number {
  return left.blockNumber - right.blockNumber || left.logIndex - right.logIndex
}

function strayReason(log: EvmLog, scope: LogScope): string | undefined {
  if (scope.blockHash !== undefined && log.blockHash !== scope.blockHash) {
    return `a log of block ${log.blockHash}, and ${scope.blockHash} was asked for`
  }
  if (log.blockNumber < scope.fromBlock || log.blockNumber > scope.toBlock) {
    return `a log of block ${log.blockNumber}, outside of ${scope.fromBlock} to ${scope.toBlock}`
  }
  if (scope.addresses.size > 0 && !scope.addresses.has(log.address)) {
    return `a log of ${log.address}, which was not asked for`
  }
  if (scope.topics !== undefined && !scope.topics.has(log.topics[0] ?? '')) {
    return `a log with the topic ${log.topics[0] ?? 'none'}, which was not asked for`
  }
  return undefined
}

/** The filter's test, for logs out of receipts. */
export function isWithin(log: EvmLog, filter: EvmLogFilter): boolean {
  const hasAddress = filter.addresses.length === 0 || filter.addresses.includes(log.address)
  return hasAddress && (filter.topics === undefined || filter.topics.some((topic) => topic === log.topics[0]))
}

/** undefined: it is no log. */
export function readLog(raw: unknown): EvmLog | undefined {
  if (!isRecord(raw) || raw['removed'] === true) return undefined
  const address = normal(raw['address'], isLowerAddress)
  const data = normal(raw['data'], isHex)
  const blockHash = normal(raw['blockHash'], isWord)
  const transactionHash = normal(raw['transactionHash'], isWord)
  const topics = readTopics(raw['topics'])
  const blockNumber = readQuantity(raw['blockNumber'])
  const transactionIndex = readQuantity(raw['transactionIndex'])
  const logIndex = readQuantity(raw['logIndex'])
  if (address === undefined || data === undefined || topics === undefined) return undefined
  if (blockHash === undefined || transactionHash === undefined) return undefined
  if (blockNumber < 0 || transactionIndex < 0 || logIndex < 0) return undefined
  const seconds = readQuantity(raw['blockTimestamp'])
  const blockTimeMs = seconds < 0 ? undefined : seconds * 1000
  return { address, topics, data, blockNumber, blockHash, blockTimeMs, transactionHash, transactionIndex, logIndex }
}

function readTopics(raw: unknown): readonly Hex[] | undefined {
  if (!isList(raw) || raw.length > 4) return undefined
  const topics: Hex[] = []
  for (const item of raw) {
    const topic = normal(item, isWord)
    if (topic === undefined) return undefined
    topics.push(topic)
  }
  return topics
}

/** -1: it is no number. */
function readQuantity(raw: unknown): number {
  if (typeof raw !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(raw)) return -1
  return parseInt(raw, 16)
}

/** Nodes write lower case, so that is tried first: most texts are looked at once. */
function normal(raw: unknown, is: (text: string) => text is Hex): Hex | undefined {
  if (typeof raw !== 'string') return undefined
  if (is(raw)) return raw
  const lower = raw.toLowerCase()
  return is(lower) ? lower : undefined
}

function isRecord(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null
}

function isList(raw: unknown): raw is readonly unknown[] {
  return Array.isArray(raw)
}
