import type { EvmLog, Hex } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import type { Json } from '../../lib/json.ts'
import { LOG, UNDECODABLE, UNDECODABLE_NAME } from './events.ts'

/** Texts in arguments are cut at this length: a block holds megabytes of calldata, an alert and a table do not. */
export const TEXT_MAX = 16_384

export type EventArgs = Readonly<Record<string, Json>>

/** What the ABI makes of a log. `other`: no event that was asked for. */
export type DecodedLog =
  | { readonly kind: 'event'; readonly name: string; readonly args: EventArgs }
  | { readonly kind: 'undecodable'; readonly event: string }
  | { readonly kind: 'other' }

/** The chosen events of an ABI, ready to decode. */
export interface LogDecoder {
  /** First topics to ask for; empty where nothing is followed. */
  readonly topics: readonly Hex[]
  /** The names of the chosen events, each once. */
  readonly names: readonly string[]
  decode(log: EvmLog): DecodedLog
}

export interface LogContext {
  readonly chainId: number
  readonly decoder: LogDecoder
  /** What happened in a block up to `head` and before `beforeMs` is history. */
  readonly history: { readonly head: number; readonly beforeMs: number }
}

/** The key of a log: one place on one branch of a chain. */
export function sightingKey(chainId: number, log: Pick<EvmLog, 'blockHash' | 'logIndex'>): string {
  return `${chainId}:${log.blockHash}:${log.logIndex}`
}

const SIGHTING = /^\d+:0x[0-9a-f]{64}:\d+$/

/** Whether a key names a log, and no other kind of event. */
export function isSightingKey(key: string, chainId: number): boolean {
  return key.startsWith(`${chainId}:`) && SIGHTING.test(key)
}

/** A log with the time of its block. */
export interface TimedLog {
  readonly log: EvmLog
  /** Milliseconds UTC. */
  readonly timeMs: number
}

/**
 * Turns logs into events. A fact's id holds the transaction, the event's name, and which of the contract's events of
 * that name in the transaction it is: unlike the log index that is the same wherever the transaction is mined.
 *
 * @param logs whole blocks, sorted by block and log index
 */
export function createEventMaker(context: LogContext): (logs: readonly TimedLog[]) => readonly Event[] {
  let transaction = ''
  const ordinals = new Map<string, number>()

  function ordinalOf(log: EvmLog, name: string): number {
    const place = `${log.blockHash}${log.transactionHash}`
    if (place !== transaction) ordinals.clear()
    transaction = place
    const ordinal = ordinals.get(name) ?? 0
    ordinals.set(name, ordinal + 1)
    return ordinal
  }

  return (logs) =>
    logs.flatMap(({ log, timeMs }) => {
      const decoded = context.decoder.decode(log)
      if (decoded.kind === 'other') return []
      const fact = factOf(decoded, log)
      return [makeEvent(context, { log, timeMs, fact, ordinal: ordinalOf(log, fact.name) })]
    })
}

interface Fact {
  readonly type: string
  readonly name: string
  readonly args: EventArgs
}

function factOf(decoded: Exclude<DecodedLog, { kind: 'other' }>, log: EvmLog): Fact {
  if (decoded.kind === 'event') return { type: LOG, name: decoded.name, args: boundArgs(decoded.args) }
  const args = { event: decoded.event, topics: log.topics, data: boundText(log.data) }
  return { type: UNDECODABLE, name: UNDECODABLE_NAME, args }
}

function makeEvent(
  { chainId, history }: LogContext,
  { log, timeMs, fact, ordinal }: TimedLog & { readonly fact: Fact; readonly ordinal: number },
): Event {
  return {
    type: fact.type,
    name: fact.name,
    key: sightingKey(chainId, log),
    id: `${chainId}:${log.transactionHash}:${fact.name}:${ordinal}`,
    time: timeMs,
    height: log.blockNumber,
    isHistory: log.blockNumber <= history.head && timeMs < history.beforeMs,
    args: fact.args,
    block: { number: String(log.blockNumber), hash: log.blockHash, time: timeMs },
    tx: { hash: log.transactionHash, index: log.transactionIndex },
    logIndex: log.logIndex,
    address: log.address,
    chainId,
  }
}

function boundArgs(args: EventArgs): EventArgs {
  let bounded: Record<string, Json> | undefined
  for (const [name, value] of Object.entries(args)) {
    const isShort = typeof value === 'string' ? value.length <= TEXT_MAX : typeof value !== 'object'
    if (isShort) continue
    bounded ??= { ...args }
    bounded[name] = boundValue(value)
  }
  return bounded ?? args
}

function boundValue(value: Json): Json {
  if (typeof value === 'string') return boundText(value)
  const text = JSON.stringify(value)
  return text.length <= TEXT_MAX ? value : boundText(text)
}

function boundText(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}... (${text.length} characters)`
}
