import type { EvmLog, Hex } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import type { Json } from '../../lib/json.ts'
import { LOG, UNDECODABLE, UNDECODABLE_NAME } from './events.ts'

/** Texts in arguments are cut at this length: a block holds megabytes of calldata, an alert and a table do not. */
const TEXT_MAX = 16_384

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
function sightingKey(chainId: number, log: Pick<EvmLog, 'blockHash' | 'logIndex'>): string {
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
 * Turns logs into events. A fact's id holds the transaction, the event's name with what it is about, and which of the
 * contract's logs of that kind in the transaction it is: unlike the log index that is the same wherever the transaction is
 * mined. A transaction that is mined after others may do something else; what was told of it is then no longer true, and
 * has another id. What an event is about are its indexed arguments: the others often hold the block's time.
 *
 * @param logs whole blocks, sorted by block and log index
 */
export function createEventMaker(context: LogContext): (logs: readonly TimedLog[]) => readonly Event[] {
  const places = createPlaces()
  return (logs) => {
    const events: Event[] = []
    for (const { log, timeMs } of logs) {
      const decoded = context.decoder.decode(log)
      if (decoded.kind === 'other') continue
      const fact = factOf(decoded, log)
      events.push(makeEvent(context, log, fact, places.at(log, timeMs, kindOf(fact, log))))
    }
    return events
  }
}

/** What logs of one block and of one transaction share: made once, for there may be hundreds in each. */
interface Place {
  readonly block: { readonly number: string; readonly hash: string; readonly time: number }
  readonly tx: { readonly hash: string; readonly index: number }
  /** The log's kind, and which of that kind in its transaction it is. */
  readonly part: string
}

function createPlaces(): { at(log: EvmLog, timeMs: number, kind: string): Place } {
  const ordinals = new Map<string, number>()
  let block = { number: '', hash: '', time: 0 }
  let tx = { hash: '', index: 0 }
  return {
    at(log, timeMs, kind) {
      const isNewBlock = log.blockHash !== block.hash
      if (isNewBlock) block = { number: String(log.blockNumber), hash: log.blockHash, time: timeMs }
      if (isNewBlock || log.transactionHash !== tx.hash) {
        tx = { hash: log.transactionHash, index: log.transactionIndex }
        ordinals.clear()
      }
      const ordinal = ordinals.get(kind) ?? 0
      ordinals.set(kind, ordinal + 1)
      return { block, tx, part: `${kind}:${ordinal}` }
    },
  }
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

/** Ends of topics are enough to tell apart what one transaction does; where they are not, the order does. */
const TOPIC_END = 8

function kindOf({ name }: Fact, { topics }: EvmLog): string {
  let kind = name
  for (let index = 1; index < topics.length; index += 1) kind += `:${topics[index]?.slice(-TOPIC_END)}`
  return kind
}

function makeEvent({ chainId, history }: LogContext, log: EvmLog, fact: Fact, place: Place): Event {
  const { block, tx } = place
  return {
    type: fact.type,
    name: fact.name,
    key: sightingKey(chainId, log),
    id: `${chainId}:${tx.hash}:${place.part}`,
    time: block.time,
    height: log.blockNumber,
    isHistory: log.blockNumber <= history.head && block.time < history.beforeMs,
    args: fact.args,
    block,
    tx,
    logIndex: log.logIndex,
    address: log.address,
    chainId,
  }
}

function boundArgs(args: EventArgs): EventArgs {
  for (const name in args) if (!isShort(args[name])) return boundAll(args)
  return args
}

function boundAll(args: EventArgs): EventArgs {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, boundValue(value)]))
}

function isShort(value: Json | undefined): boolean {
  return typeof value === 'string' ? value.length <= TEXT_MAX : typeof value !== 'object'
}

function boundValue(value: Json): Json {
  if (typeof value === 'string') return boundText(value)
  const text = JSON.stringify(value)
  return text.length <= TEXT_MAX ? value : boundText(text)
}

function boundText(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}... (${text.length} characters)`
}
