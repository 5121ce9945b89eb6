import type { EvmAbi, EvmFollower, Hex } from '../../../../chains/evm/index.ts'
import type { Event } from '../../../../core/event.ts'
import { OutsideError } from '../../../../lib/errors.ts'
import { LOG } from '../../events.ts'
import { compileReads, readOutcome } from '../../reads.ts'
import { encodingOf, type StateEncoding } from './state.ts'

/** The view function that answers a transaction's state. */
export const STATE_FUNCTION = 'get_transaction_state'

/**
 * How this contract numbers its states, from the state of a transaction at the block that buffered it; undefined while
 * that cannot be told. The newest is asked for, because a node keeps the state of recent blocks only.
 */
export async function learnEncoding(
  follower: Pick<EvmFollower, 'calls' | 'blockByHash'>,
  contract: { readonly abi: EvmAbi; readonly address: Hex },
  events: readonly Event[],
  signal: AbortSignal,
): Promise<StateEncoding | undefined> {
  const buffered = events.findLast((event) => event.type === LOG && event.name === 'TransactionBuffered')
  const hash = buffered?.block?.hash
  const txId = buffered?.args['tx_id']
  if (!isHex(hash) || typeof txId !== 'string') return undefined
  const config = { name: STATE_FUNCTION, args: [txId], decimals: 0, as: undefined }
  const [read] = compileReads(contract.abi, contract.address, [config])
  if (read === undefined) return undefined
  try {
    const block = await follower.blockByHash(hash, signal)
    if (block === undefined) return undefined
    const [answer] = await follower.calls([read.call], block, signal)
    const outcome = readOutcome(read, answer, () => undefined)
    return outcome.kind === 'values' ? encodingOf(outcome.values[0]?.text ?? '') : undefined
  } catch (error) {
    if (error instanceof OutsideError) return undefined
    throw error
  }
}

function isHex(text: string | undefined): text is Hex {
  return text?.startsWith('0x') === true
}
