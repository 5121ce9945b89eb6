import type { CollectorDefinition } from './collector.ts'
import { evmContract } from './evm-contract/index.ts'
import { host } from './host/index.ts'

export { COLLECT_METRICS } from './own-metrics.ts'
export type { Arrival, SampleStore, TargetStore } from './ports.ts'
export { createScheduler, type ScheduledTarget, type Scheduler } from './scheduler.ts'
export type { TargetStatus } from './watch.ts'
export type { CollectorDefinition, CollectorWorld, Probe, TargetConfig } from './collector.ts'

/** Every type of target. The only list to extend; a test compares it with the folders. */
export const collectors: readonly CollectorDefinition[] = [evmContract, host]
