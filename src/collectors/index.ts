import type { CollectorDefinition } from './collector.ts'
import { evmContract } from './evm-contract/index.ts'
import { host } from './host/index.ts'

export { COLLECT_METRICS } from './own-metrics.ts'
export type { Arrival, SampleStore } from './ports.ts'
export { createScheduler, type Scheduler } from './scheduler.ts'
export type { CollectorDefinition, Probe, TargetConfig } from './collector.ts'

/** Every type of target. The only list to extend; a test compares it with the folders. */
export const collectors: readonly CollectorDefinition[] = [evmContract, host]
