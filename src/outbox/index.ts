export type { LedgerEntry } from './ledger.ts'
export { countAttempt, declareOutboxMetrics, OUTBOX_METRICS } from './metrics.ts'
export { createOutbox, type Outbox, type OutboxOptions, type OutboxStore } from './outbox.ts'
export type { AttemptReport, OutboxChannel } from './shipping.ts'
