import { z } from 'zod'

import type { Hex } from '../../chains/evm/index.ts'
import type { Json } from '../../lib/json.ts'

/** The parent of the genesis block: following from the very first block starts here. */
export const BEFORE_GENESIS: Position = { number: -1, hash: `0x${'0'.repeat(64)}`, timeMs: 0 }

/** A block that was processed, or stands for all below it. */
export interface Mark {
  readonly number: number
  readonly hash: Hex
}

export interface Position extends Mark {
  readonly timeMs: number
}

/** How many sightings of an event there were, and how many of them a reorg took back. Neither goes down. */
export interface EventCount {
  readonly seen: number
  readonly retracted: number
}

/** All that following a contract remembers between rounds. Stored with what a round brought, or not at all. */
export interface Cursor {
  readonly version: 1
  /** The last block whose logs are stored; undefined until following began. */
  readonly position: Position | undefined
  /** Older blocks of the same branch, ascending: where a reorg is looked for. See `marks.ts`. */
  readonly marks: readonly Mark[]
  /** What was final, or deeper than `reorg_depth`, when it was processed. */
  readonly settled: number
  /** Nothing at or below this block was ever read: a reorg that reaches further down begins all over. */
  readonly floor: number
  /** Up to here sightings of an older branch may stand that this branch has not been compared with. */
  readonly recheckTo: number | undefined
  /** What was seen when the chain was first reached: blocks up to `head` and older than `beforeMs` are history. */
  readonly history: { readonly head: number; readonly beforeMs: number } | undefined
  readonly counts: Readonly<Record<string, EventCount>>
  readonly reorgs: number
  readonly deepReorgs: number
  /** Where the self-check counts from: the counter on chain and the standing logs of its event at one block. */
  readonly base: { readonly number: number; readonly counter: bigint; readonly standing: number } | undefined
  /** The last answers of view functions whose changes are events. */
  readonly reads: Readonly<Record<string, string>>
  /** How a Tesseract contract numbers its states, once that was seen. */
  readonly stateEncoding: 'ordinal' | 'flags' | undefined
}

const hash = z.templateLiteral(['0x', z.string().regex(/[0-9a-f]{64}/)])
const count = z.int().min(0)

/** Short names and tuples: with 256 marks the cursor has to stay well below 64 kB. */
const stored = z.object({
  version: z.literal(1),
  position: z.tuple([z.int().min(-1), hash, z.number()]).nullable(),
  marks: z.array(z.tuple([z.int().min(-1), hash])),
  settled: z.int(),
  floor: z.int(),
  recheck_to: count.nullable(),
  history: z.tuple([z.int().min(-1), z.number()]).nullable(),
  counts: z.record(z.string(), z.tuple([count, count])),
  reorgs: count,
  deep_reorgs: count,
  base: z.tuple([z.int().min(-1), z.string(), z.int()]).nullable(),
  reads: z.record(z.string(), z.string()),
  state_encoding: z.enum(['ordinal', 'flags']).nullable(),
})

const EMPTY_CURSOR: Cursor = {
  version: 1,
  position: undefined,
  marks: [],
  settled: -1,
  floor: -1,
  recheckTo: undefined,
  history: undefined,
  counts: {},
  reorgs: 0,
  deepReorgs: 0,
  base: undefined,
  reads: {},
  stateEncoding: undefined,
}

/**
 * The cursor as it was stored; the empty one where there is none.
 *
 * @throws when it is not ours: starting over silently would count everything twice
 */
export function parseCursor(json: Json | undefined): Cursor {
  if (json === undefined || json === null) return EMPTY_CURSOR
  const { position, marks, history, counts, base, ...rest } = stored.parse(json)
  return {
    version: rest.version,
    position: position === null ? undefined : { number: position[0], hash: position[1], timeMs: position[2] },
    marks: marks.map(([number, markHash]) => ({ number, hash: markHash })),
    settled: rest.settled,
    floor: rest.floor,
    recheckTo: rest.recheck_to ?? undefined,
    history: history === null ? undefined : { head: history[0], beforeMs: history[1] },
    counts: Object.fromEntries(Object.entries(counts).map(([name, [seen, retracted]]) => [name, { seen, retracted }])),
    reorgs: rest.reorgs,
    deepReorgs: rest.deep_reorgs,
    base: base === null ? undefined : { number: base[0], counter: BigInt(base[1]), standing: base[2] },
    reads: rest.reads,
    stateEncoding: rest.state_encoding ?? undefined,
  }
}

export function cursorJson(cursor: Cursor): Json {
  const { position, history, base } = cursor
  return {
    version: 1,
    position: position === undefined ? null : [position.number, position.hash, position.timeMs],
    marks: cursor.marks.map((mark) => [mark.number, mark.hash]),
    settled: cursor.settled,
    floor: cursor.floor,
    recheck_to: cursor.recheckTo ?? null,
    history: history === undefined ? null : [history.head, history.beforeMs],
    counts: Object.fromEntries(
      Object.entries(cursor.counts).map(([name, { seen, retracted }]) => [name, [seen, retracted]]),
    ),
    reorgs: cursor.reorgs,
    deep_reorgs: cursor.deepReorgs,
    base: base === undefined ? null : [base.number, String(base.counter), base.standing],
    reads: cursor.reads,
    state_encoding: cursor.stateEncoding ?? null,
  }
}
