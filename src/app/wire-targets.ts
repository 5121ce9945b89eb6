import { createEvmPool } from '../chains/evm/index.ts'
import { type Arrival, createScheduler, type Scheduler } from '../collectors/index.ts'
import type { Logger } from '../lib/log.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { World } from '../lib/world.ts'
import type { Storage } from './wire-storage.ts'

export interface TargetsWiring {
  readonly world: World
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly storage: Storage
  readonly arrived: (arrival: Arrival) => void
  readonly left: (target: string) => void
}

/** The scheduler with the clients that its targets share. */
export function wireTargets({ world, log, metrics, storage, arrived, left }: TargetsWiring): Scheduler {
  const pool = createEvmPool(world, log.child('evm'))
  const scheduler = createScheduler({
    world,
    log,
    metrics,
    chains: { evm: (endpoints) => pool.follower(endpoints) },
    targets: storage.state.targets,
    samples: storage.tsdb,
    arrived,
    left,
  })
  return {
    ...scheduler,
    async stop() {
      await scheduler.stop()
      pool.stop()
    },
  }
}
