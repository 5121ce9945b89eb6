import type { EvmBlock, EvmCallResult, EvmFollower, EvmView } from '../../chains/evm/index.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { PartResult } from '../collector.ts'
import { type Draft, standingCount } from './draft.ts'
import { noHead } from './read-part.ts'
import { type Read, readOutcome } from './reads.ts'

/** Compares a counter on chain with the logs that were seen, both at the block up to which logs are known. */
export interface SelfCheckPart {
  /**
   * Notes where the counter stood before the first block that is read, so that a backfill is checked as a whole. A node
   * that has dropped the state of that block cannot tell: then the first comparison notes it instead.
   */
  noteBase(draft: Draft, signal: AbortSignal): Promise<void>
  /** The part of this round. While blocks remain to be read it says again what the last comparison said. */
  compare(
    draft: Draft,
    now: { readonly view: EvmView; readonly isCaughtUp: boolean; readonly signal: AbortSignal },
  ): Promise<PartResult>
}

type Source = Pick<EvmFollower, 'calls' | 'hasCode' | 'blockByHash'>

export interface SelfCheckRule {
  readonly counter: Read
  readonly event: string
}

export function createSelfCheckPart(follower: Source, rule: SelfCheckRule | undefined): SelfCheckPart {
  if (rule === undefined) return { noteBase: async () => undefined, compare: async () => ({ samples: [] }) }
  const { counter, event } = rule
  let last: { readonly state: string; readonly part: PartResult } = { state: '', part: { samples: [] } }

  async function baseCounter(draft: Draft, signal: AbortSignal): Promise<bigint | undefined> {
    const { position } = draft.cursor
    if (position === undefined) return undefined
    if (position.number < 0) return 0n
    const block = await follower.blockByHash(position.hash, signal)
    if (block === undefined) return undefined
    const value = await counterAt(follower, counter, block, signal)
    if (value !== undefined) return value
    return (await follower.hasCode(counter.call.to, block, signal)) ? undefined : 0n
  }

  async function mismatchAt(draft: Draft, block: EvmBlock, signal: AbortSignal): Promise<bigint | undefined> {
    const value = await counterAt(follower, counter, block, signal)
    if (value === undefined) return undefined
    const standing = standingCount(draft.cursor, event)
    const { base } = draft.cursor
    if (base === undefined) {
      draft.patch({ base: { number: block.number, counter: value, standing } })
      return 0n
    }
    return value - base.counter - BigInt(standing - base.standing)
  }

  async function partAt(draft: Draft, view: EvmView, signal: AbortSignal): Promise<PartResult> {
    const { position } = draft.cursor
    if (position === undefined || position.number < 0) return { samples: [] }
    const block = position.hash === view.head?.hash ? view.head : await follower.blockByHash(position.hash, signal)
    if (block === undefined) return last.part
    const mismatch = await mismatchAt(draft, block, signal)
    const labels = { event }
    if (mismatch === undefined) return { samples: [] }
    return { samples: [{ name: 'evm_contract_self_check_mismatch', labels, value: Number(mismatch) }] }
  }

  return {
    async noteBase(draft, signal) {
      const value = await unlessOutside(async () => baseCounter(draft, signal))
      const number = draft.cursor.position?.number
      if (typeof value !== 'bigint' || number === undefined) return
      draft.patch({ base: { number, counter: value, standing: standingCount(draft.cursor, event) } })
    },
    async compare(draft, { view, isCaughtUp, signal }) {
      if (view.head === undefined) return { failed: noHead(view) }
      const state = `${draft.cursor.position?.hash} ${standingCount(draft.cursor, event)}`
      if (!isCaughtUp || ('samples' in last.part && last.state === state)) return last.part
      const part = await unlessOutside(async () => partAt(draft, view, signal))
      last = { state, part: part instanceof OutsideError ? { failed: part } : part }
      return last.part
    },
  }
}

async function unlessOutside<Value>(action: () => Promise<Value>): Promise<Value | OutsideError> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof OutsideError) return error
    throw error
  }
}

/**
 * Undefined where the contract does not support it.
 *
 * @throws OutsideError where it could not be asked for at that block
 */
async function counterAt(
  follower: Source,
  counter: Read,
  block: EvmBlock,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const [answer] = await follower.calls([counter.call], block, signal)
  return counterOf(counter, answer)
}

function counterOf(counter: Read, answer: EvmCallResult | undefined): bigint | undefined {
  const outcome = readOutcome(counter, answer, () => undefined)
  if (outcome.kind === 'failed') {
    throw new OutsideError(outcome.reason, `${counter.label} could not be read: ${outcome.detail}`, { retry: true })
  }
  const value = outcome.kind === 'values' ? outcome.values[0] : undefined
  return value?.kind === 'number' ? BigInt(value.text) : undefined
}
