import type { EvmBlock, EvmFollower, Hex } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import { BEFORE_GENESIS, type Mark, type Position } from './cursor.ts'

/** Our branch is no longer the chain. */
export interface Fork {
  /** The newest remembered block that is on both; undefined where none of them is. */
  readonly ancestor: Position | undefined
  /** The lowest remembered block that is not on the chain, and what stands in its place. */
  readonly orphan: Mark
  readonly replacedBy: Hex
}

/** What is asked of the chain here. */
export type ForkSource = Pick<EvmFollower, 'blockByNumber'>

/**
 * Compares our branch with the chain. A head that is merely lower than our position is no fork: an endpoint may be late,
 * or the chain be rolled back and about to grow again; only another hash at a height we know is one.
 *
 * @param marks our branch, ascending, the position last
 * @returns undefined where the chain continues our branch, or does not reach it yet
 * @throws OutsideError `behind` when a block that must exist is not there: nothing can be said then
 */
export async function findFork(
  source: ForkSource,
  marks: readonly Mark[],
  head: EvmBlock,
  signal: AbortSignal,
): Promise<Fork | undefined> {
  const known = marks.filter((mark) => mark.number <= head.number)
  const newest = known.at(-1)
  if (newest === undefined || isContinuedBy(newest, head)) return undefined
  const ask = async (mark: Mark) => blockAt(source, mark.number, head, signal)
  const standing = await ask(newest)
  if (standing.hash === newest.hash) return undefined

  // The chain is a chain: below a block that is on it, all are; above one that is not, none is.
  let orphan = newest
  let replacedBy = standing.hash
  let ancestor: Position | undefined
  let low = 0
  let high = known.length - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const mark = known[middle]
    if (mark === undefined) break
    const block = await ask(mark)
    if (block.hash === mark.hash) {
      ancestor = { number: mark.number, hash: mark.hash, timeMs: block.timeMs }
      low = middle + 1
    } else {
      orphan = mark
      replacedBy = block.hash
      high = middle
    }
  }
  return { ancestor, orphan, replacedBy }
}

/** Whether the head itself says that the mark is on its branch; spares a question in the usual case. */
function isContinuedBy(mark: Mark, head: EvmBlock): boolean {
  if (mark.number === head.number) return mark.hash === head.hash
  return mark.number + 1 === head.number && mark.hash === head.parentHash
}

async function blockAt(
  source: ForkSource,
  number: number,
  head: EvmBlock,
  signal: AbortSignal,
): Promise<Pick<EvmBlock, 'hash' | 'timeMs'>> {
  if (number === BEFORE_GENESIS.number) return BEFORE_GENESIS
  if (number === head.number) return head
  const block = await source.blockByNumber(number, signal)
  if (block !== undefined) return block
  throw new OutsideError('behind', `block ${number} is not there, although the head is ${head.number}`, { retry: true })
}
