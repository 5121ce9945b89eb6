import type { z } from 'zod'

import type { Json } from '../lib/json.ts'
import type { Labels } from './labels.ts'

/** Names the sighting, e.g. `1:0x<block hash>:7`: one place on one branch of a chain. Stored once. */
export type EventKey = string

/** Names the fact, e.g. `1:0x<transaction hash>:TransactionFailed:5c41f3a2:0`: the same when it is mined again elsewhere. */
export type EventId = string

/**
 * A fact that happened. In CEL and templates it is
 * `{ type, name, target, labels, time, id, args, block, tx, log_index, address, chain_id }` (design.md section 4).
 */
export interface Event {
  /** A key of the collector's event table, as `evm.log`. */
  readonly type: string
  /** For `evm.log` the ABI's event name; else what happened, in snake case. */
  readonly name: string
  readonly key: EventKey
  readonly id: EventId
  /** When it happened, milliseconds UTC: a block's timestamp, not the time we saw it. */
  readonly time: number
  /** The chain's height, where there is one: a retraction settles when the chain has grown 2 past it. */
  readonly height?: number
  /** It happened before the target's first start: stored and counted, and alerts nobody. */
  readonly isHistory: boolean
  /** Decoded arguments. Chain integers are decimal strings, bytes and addresses 0x text. */
  readonly args: Readonly<Record<string, Json>>
  readonly block?: { readonly number: string; readonly hash: string; readonly time: number }
  readonly tx?: { readonly hash: string; readonly index: number }
  readonly logIndex?: number
  readonly address?: string
  readonly chainId?: number
}

/** An event as it is stored: numbered in the order of commits, with the labels of its target. */
export interface StoredEvent extends Event {
  /** Grows by one with each event and each retraction, without gaps in commit order. */
  readonly sequence: number
  readonly target: string
  /** `target`, `job`, `instance` and the target's own labels. */
  readonly labels: Labels
}

/** One step of the numbered log: something was seen, or a sighting turned out not to be on the chain. */
export type EventLogEntry =
  | { readonly kind: 'seen'; readonly sequence: number; readonly event: StoredEvent }
  | { readonly kind: 'retracted'; readonly sequence: number; readonly event: StoredEvent }

/** What somebody wants of the log. */
export interface EventLogFilter {
  readonly types: readonly string[]
  /** Also sightings of what happened before the first start; retractions come in any case. */
  readonly history: boolean
}

/** A stretch of the log. */
export interface EventLogPage {
  /** What was wanted, ascending. */
  readonly entries: readonly EventLogEntry[]
  /** The number up to which the log was looked through: where the next stretch begins. */
  readonly upTo: number
}

export interface EventDefinition {
  readonly help: string
  /** The shape of `args`; what a `where` may ask for is checked against it. Loose where an ABI decides. */
  readonly args: z.ZodType
}

/** Every event type of a collector, by name. */
export type EventTable = Readonly<Record<string, EventDefinition>>
