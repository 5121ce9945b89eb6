import type { MetricTable } from '../../core/metric.ts'

/** Every metric of a contract. The first table stands for any contract; the second comes with `preset: tesseract`. */
const CONTRACT_METRICS: MetricTable = {
  evm_endpoint_up: {
    type: 'gauge',
    help: 'Whether the endpoint answered its last question, on the right chain.',
    labels: ['endpoint'],
  },
  evm_endpoint_head_block: { type: 'gauge', help: 'The newest block the endpoint knows.', labels: ['endpoint'] },
  evm_endpoint_head_lag_blocks: {
    type: 'gauge',
    help: 'Blocks by which the endpoint is behind the head that enough endpoints vouch for.',
    unit: 'blocks',
    labels: ['endpoint'],
  },
  evm_endpoint_latency_seconds: {
    type: 'gauge',
    help: 'How long the endpoint took to answer.',
    unit: 'seconds',
    labels: ['endpoint'],
  },
  evm_endpoint_suspicious: {
    type: 'gauge',
    help: 'Whether the endpoint disagrees with the others: stuck, behind, or ahead beyond what is plausible.',
    labels: ['endpoint'],
  },
  evm_endpoint_wrong_chain: {
    type: 'gauge',
    help: 'Whether the endpoint serves another chain than configured.',
    labels: ['endpoint'],
  },
  evm_contract_head_block: { type: 'gauge', help: 'The newest block that enough endpoints vouch for.' },
  evm_contract_head_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the timestamp of the newest block.',
    unit: 'seconds',
  },
  evm_contract_last_block: { type: 'gauge', help: 'The last block whose logs have been read and stored.' },
  evm_contract_backfill_remaining_blocks: {
    type: 'gauge',
    help: 'Blocks that could be read by now and have not been.',
    unit: 'blocks',
  },
  evm_contract_reorgs_total: { type: 'counter', help: 'Times that blocks already read were replaced by others.' },
  evm_contract_deep_reorgs_total: {
    type: 'counter',
    help: 'Reorgs that replaced blocks which had been final, or deeper than reorg_depth.',
  },
  evm_contract_reorg_disputed: {
    type: 'gauge',
    help: 'Whether following stands still, because one endpoint alone says that final blocks were replaced.',
  },
  evm_contract_events_total: {
    type: 'counter',
    help: 'Logs of the contract that were seen, by the name of their event.',
    labels: ['event'],
  },
  evm_contract_events_retracted_total: {
    type: 'counter',
    help: 'Logs that were seen and then taken off the chain by a reorg.',
    labels: ['event'],
  },
  evm_contract_undecodable_logs_total: {
    type: 'counter',
    help: 'Logs whose topic the ABI knows and whose data does not fit it.',
  },
  evm_contract_exists: { type: 'gauge', help: 'Whether there is code at the address.' },
  evm_contract_read: {
    type: 'gauge',
    help: 'What a view function answers: a number, or 1 for true and 0 for false.',
    labels: ['function'],
  },
  evm_contract_read_info: {
    type: 'gauge',
    help: 'What a view function answers, as a text in the label value; always 1.',
    labels: ['function', 'value'],
  },
  evm_contract_self_check_mismatch: {
    type: 'gauge',
    help: 'By how much a counter on chain moved further than the logs that were seen of its event.',
    labels: ['event'],
  },
  evm_contract_journeys_total: {
    type: 'counter',
    help: 'Journeys that ended, by outcome; expired: the deadline came first.',
    labels: ['journey', 'outcome'],
  },
  evm_contract_journeys_retracted_total: {
    type: 'counter',
    help: 'Ends that were counted and then taken back: by a reorg, or because a later end replaced them.',
    labels: ['journey', 'outcome'],
  },
  evm_contract_journeys_in_flight: {
    type: 'gauge',
    help: 'Journeys that started and have not ended.',
    labels: ['journey'],
  },
  evm_contract_journey_duration_seconds: {
    type: 'histogram',
    help: 'From start to end of a journey, by the timestamps of their blocks.',
    unit: 'seconds',
    labels: ['journey', 'outcome'],
  },
}

const TESSERACT_METRICS: MetricTable = {
  tesseract_transactions_buffered_total: { type: 'counter', help: 'TransactionBuffered logs seen.' },
  tesseract_transactions_ready_total: { type: 'counter', help: 'TransactionReady logs seen.' },
  tesseract_transactions_failed_total: { type: 'counter', help: 'TransactionFailed logs seen.' },
  tesseract_transaction_count: { type: 'gauge', help: 'transaction_count() of the contract.' },
  tesseract_resolution_time_seconds: {
    type: 'histogram',
    help: 'From TransactionBuffered to TransactionReady, by the timestamps of their blocks.',
    unit: 'seconds',
  },
}

export const METRICS: MetricTable = { ...CONTRACT_METRICS, ...TESSERACT_METRICS }
