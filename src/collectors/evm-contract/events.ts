import { z } from 'zod'

import type { EventTable } from '../../core/event.ts'

/** A decoded log: `name` is the ABI's event name, `args` its arguments by name, or by position where they have none. */
export const LOG = 'evm.log'
/** A log whose topic the ABI knows and whose content does not fit it. */
export const UNDECODABLE = 'evm.undecodable'
/** A view function that answers a text or a truth value answers another one. */
export const READ_CHANGED = 'evm.read_changed'
/** Blocks that had been read were replaced. */
export const REORG = 'evm.reorg'

/** The `name` of an undecodable log: no Solidity or Vyper event is called so, as it is no fact of the contract. */
export const UNDECODABLE_NAME = 'log_not_decoded'

export const EVENTS: EventTable = {
  [LOG]: {
    help: "A log of the contract, decoded by its ABI; `name` is the event's name.",
    args: z.record(z.string(), z.unknown()),
  },
  [UNDECODABLE]: {
    help: 'A log whose first topic is an event of the ABI, but whose content does not fit it.',
    args: z.object({ event: z.string(), topics: z.array(z.string()), data: z.string() }),
  },
  [READ_CHANGED]: {
    help: 'A view function answers something else than at the last look.',
    args: z.object({ function: z.string(), old: z.string(), new: z.string() }),
  },
  [REORG]: {
    help: 'Blocks that had been read were replaced by others.',
    args: z.object({ depth: z.number(), old_hash: z.string(), new_hash: z.string(), from_block: z.number() }),
  },
}
