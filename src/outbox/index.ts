export { countAttempt, declareOutboxMetrics, OUTBOX_METRICS } from './metrics.ts'
export { createOutbox, type Outbox } from './outbox.ts'
export type { OutboxChannel } from './shipping.ts'
