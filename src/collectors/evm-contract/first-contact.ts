import type { EvmBlock, EvmFollower } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import { BEFORE_GENESIS, type Cursor, type Mark, type Position } from './cursor.ts'

/** Headers below a start at the head: a reorg that reaches below the start is then followed like any other. */
const MARKS_BELOW_START = 64

export interface FirstContact {
  readonly follower: Pick<EvmFollower, 'blockByNumber' | 'blocks'>
  readonly head: EvmBlock
  readonly startBlock: number | 'latest'
  /** When the target was started for the first time, milliseconds UTC. */
  readonly firstStartedAt: number
  readonly now: number
  readonly signal: AbortSignal
}

export type Start = Pick<Cursor, 'marks' | 'floor' | 'history'> & { readonly position: Position }

/**
 * Where following begins. At a configured block, or at the first block that is not history: not simply at the head,
 * because what happened between the start of the process and the first answer of a node must not be lost.
 *
 * @returns undefined while the configured block is above the head
 */
export async function firstContact(contact: FirstContact): Promise<Start | undefined> {
  const history = { head: contact.head.number, beforeMs: historyEnd(contact) }
  if (contact.startBlock === 'latest') return startAtPresent(contact, history)
  const position = await positionAt(contact, contact.startBlock - 1)
  if (position === undefined) return undefined
  return { position, history, floor: position.number, marks: await genesisMark(contact, position) }
}

/** A first contact so soon after the first start shows the chain as it was then. */
const PROMPT_MS = 1_000

/**
 * The end of history on the chain's clock. Block times are whole seconds, and a chain may run ahead of our clock, as
 * development chains do that seal faster than once a second: what it runs ahead at first contact is allowed for. Not at a
 * late one: there it may have run ahead since the start, and it is better to tell of something old than to lose something.
 */
function historyEnd({ head, firstStartedAt, now }: FirstContact): number {
  const isPrompt = now - firstStartedAt <= PROMPT_MS
  const aheadMs = isPrompt ? Math.max(0, Math.ceil((head.timeMs - now) / 1000) * 1000) : 0
  return Math.floor(firstStartedAt / 1000) * 1000 + aheadMs
}

async function startAtPresent(contact: FirstContact, history: NonNullable<Cursor['history']>): Promise<Start> {
  const number = await lastBlockBefore(contact, history.beforeMs)
  const position = await positionAt(contact, number)
  if (position === undefined) throw new OutsideError('behind', `block ${number} is not there`, { retry: true })
  const from = Math.max(0, number - MARKS_BELOW_START)
  const headers = number < 1 ? [] : await contact.follower.blocks(from, number - 1, contact.signal)
  const marks = headers.map((block) => ({ number: block.number, hash: block.hash }))
  const genesis = from > 0 ? await genesisMark(contact, position) : []
  return { position, history, floor: Math.min(from, number), marks: [...genesis, ...marks] }
}

/**
 * The highest block older than an instant; -1 where all are younger. Steps back from the head by growing distances, then
 * halves: block times never fall. A node that has dropped old headers ends the search where its headers end.
 */
async function lastBlockBefore(contact: FirstContact, beforeMs: number): Promise<number> {
  const { head, follower, signal } = contact
  if (head.timeMs < beforeMs) return head.number
  const isOlder = async (number: number) => {
    const block = number < 0 ? undefined : await follower.blockByNumber(number, signal)
    return block === undefined || block.timeMs < beforeMs
  }
  let young = head.number
  let old = young - 1
  while (!(await isOlder(old))) {
    const step = 2 * (head.number - old)
    young = old
    old = Math.max(-1, head.number - step)
  }
  while (young - old > 1) {
    const middle = Math.floor((young + old) / 2)
    if (await isOlder(middle)) old = middle
    else young = middle
  }
  return old
}

async function positionAt(contact: FirstContact, number: number): Promise<Position | undefined> {
  if (number < 0) return BEFORE_GENESIS
  if (number > contact.head.number) return undefined
  const block =
    number === contact.head.number ? contact.head : await contact.follower.blockByNumber(number, contact.signal)
  if (block === undefined) throw new OutsideError('behind', `block ${number} is not there`, { retry: true })
  return { number: block.number, hash: block.hash, timeMs: block.timeMs }
}

/** By the first block of all it is seen when a whole chain was replaced, as when a development node starts again. */
async function genesisMark({ follower, signal }: FirstContact, position: Position): Promise<readonly Mark[]> {
  if (position.number < 1) return []
  const genesis = await follower.blockByNumber(0, signal)
  return genesis === undefined ? [] : [{ number: 0, hash: genesis.hash }]
}
