import type { EvmBlock, EvmFollower, EvmView } from '../../chains/evm/index.ts'
import type { Event } from '../../core/event.ts'
import type { Sample } from '../../core/sample.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { PartResult } from '../collector.ts'
import type { Contract } from './contract.ts'
import { READ_CHANGED } from './events.ts'
import { type NumberText, type ReadChange, type ReadOutcome, readOutcome, readSamples } from './reads.ts'
import type { Known } from './status.ts'

/** What the view functions said in one round. */
export interface ReadResult {
  readonly part: PartResult
  readonly exists: Known
  /** Undefined where not even one could be asked; `unread` says why. */
  readonly outcomes: readonly ReadOutcome[] | undefined
  readonly unread: string
}

export interface ReadPart {
  /** All view functions at the head, so that their values belong together. Rejects only when aborted. */
  read(view: EvmView, numberText: NumberText, signal: AbortSignal): Promise<ReadResult>
}

export function createReadPart(
  contract: Pick<Contract, 'address' | 'reads'>,
  follower: Pick<EvmFollower, 'calls' | 'hasCode'>,
  isTesseract: boolean,
): ReadPart {
  async function ask(head: EvmBlock, numberText: NumberText, signal: AbortSignal): Promise<ReadResult> {
    const calls = contract.reads.map((read) => read.call)
    const answers = calls.length === 0 ? [] : await follower.calls(calls, head, signal)
    const outcomes = contract.reads.map((read, index) => readOutcome(read, answers[index], numberText))
    // An answer is proof enough of a contract; without one its code is asked for.
    const isProven = outcomes.some((outcome) => outcome.kind === 'values')
    const exists = isProven || (await follower.hasCode(contract.address, head, signal))
    const failure = outcomes.find((outcome) => outcome.kind === 'failed')
    const samples = [
      { name: 'evm_contract_exists', labels: {}, value: exists ? 1 : 0 },
      ...readSamples(outcomes),
      ...(isTesseract ? tesseractCount(outcomes) : []),
    ]
    const part =
      failure?.kind === 'failed'
        ? { failed: new OutsideError(failure.reason, `${failure.read.label}: ${failure.detail}`, { retry: true }) }
        : { samples }
    return { part, exists: { value: exists }, outcomes, unread: '' }
  }

  return {
    async read(view, numberText, signal) {
      if (view.head === undefined) return nothing(noHead(view))
      try {
        return await ask(view.head, numberText, signal)
      } catch (error) {
        if (error instanceof OutsideError) return nothing(error)
        throw error
      }
    },
  }
}

function nothing(failed: OutsideError): ReadResult {
  const reason = failed.message
  return { part: { failed }, exists: { reason }, outcomes: undefined, unread: reason }
}

/** Why there is no head to ask at. */
export function noHead(view: EvmView): OutsideError {
  return view.failure ?? new OutsideError('unreachable', 'no endpoint answered', { retry: true })
}

function tesseractCount(outcomes: readonly ReadOutcome[]): readonly Sample[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'values' || outcome.read.label !== 'transaction_count') return []
    const [value] = outcome.values
    return value?.kind === 'number' ? [{ name: 'tesseract_transaction_count', labels: {}, value: value.value }] : []
  })
}

/** A changed answer as an event. It is what was seen at a block, so a reorg does not take it back: the next answer does. */
export function changeEvent(
  change: ReadChange,
  { chainId, address, head }: { readonly chainId: number; readonly address: string; readonly head: EvmBlock },
): Event {
  const place = `${chainId}:${address}:${change.label}`
  return {
    type: READ_CHANGED,
    name: 'read_changed',
    key: `${place}:${head.hash}`,
    id: `${place}:${head.number}:${change.after}`,
    time: head.timeMs,
    isHistory: false,
    args: { function: change.label, old: change.before, new: change.after },
    block: { number: String(head.number), hash: head.hash, time: head.timeMs },
    address,
    chainId,
  }
}
