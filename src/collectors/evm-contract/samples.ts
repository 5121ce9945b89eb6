import type { EvmBlock } from '../../chains/evm/index.ts'
import type { Sample } from '../../core/sample.ts'
import type { EvmContractConfig } from './config.ts'
import type { Cursor } from './cursor.ts'
import { undecodableCount } from './draft.ts'

const TESSERACT_EVENTS: Readonly<Record<string, string>> = {
  TransactionBuffered: 'tesseract_transactions_buffered_total',
  TransactionReady: 'tesseract_transactions_ready_total',
  TransactionFailed: 'tesseract_transactions_failed_total',
}

export interface ChainFacts {
  readonly config: EvmContractConfig
  readonly cursor: Cursor
  /** The events that are followed: each has its counters from the first round. */
  readonly events: readonly string[]
  readonly head: EvmBlock
  readonly now: number
  readonly remaining: number
  readonly isDisputed: boolean
}

/** What following brings: the head, how far its logs are read, and how many of each there were. */
export function chainSamples(facts: ChainFacts): readonly Sample[] {
  const { cursor, head } = facts
  return [
    gauge('evm_contract_head_block', head.number),
    gauge('evm_contract_head_age_seconds', Math.max(0, facts.now - head.timeMs) / 1000),
    ...(cursor.position === undefined ? [] : [gauge('evm_contract_last_block', cursor.position.number)]),
    gauge('evm_contract_backfill_remaining_blocks', facts.remaining),
    gauge('evm_contract_reorgs_total', cursor.reorgs),
    gauge('evm_contract_deep_reorgs_total', cursor.deepReorgs),
    gauge('evm_contract_reorg_disputed', facts.isDisputed ? 1 : 0),
    gauge('evm_contract_undecodable_logs_total', undecodableCount(cursor)),
    ...facts.events.flatMap((event) => eventSamples(facts, event)),
  ]
}

function eventSamples({ config, cursor }: ChainFacts, event: string): readonly Sample[] {
  const { seen, retracted } = cursor.counts[event] ?? { seen: 0, retracted: 0 }
  const own = config.preset === 'tesseract' ? TESSERACT_EVENTS[event] : undefined
  return [
    { name: 'evm_contract_events_total', labels: { event }, value: seen },
    { name: 'evm_contract_events_retracted_total', labels: { event }, value: retracted },
    ...(own === undefined ? [] : [gauge(own, seen)]),
  ]
}

function gauge(name: string, value: number): Sample {
  return { name, labels: {}, value }
}
