import { isDeepStrictEqual } from 'node:util'

import type { Labels } from '../core/labels.ts'
import type { TargetStatus } from '../core/target-status.ts'
import type { Logger } from '../lib/log.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { World } from '../lib/world.ts'
import type { Collector, CollectorDefinition, CollectorWorld, TargetConfig } from './collector.ts'
import { createLoop, type Loop } from './loop.ts'
import type { Arrival, SampleStore, TargetStore } from './ports.ts'
import { createWatch, type Watch } from './watch.ts'

/** A target as configured, ready to be watched. */
export interface ScheduledTarget {
  readonly definition: CollectorDefinition
  readonly config: TargetConfig
  readonly labels: Labels
}

export interface SchedulerOptions {
  readonly world: World
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly chains: CollectorWorld['chains']
  readonly targets: TargetStore
  readonly samples: SampleStore
  /** A round is stored and can be read. */
  readonly arrived: (arrival: Arrival) => void
  /** A target left the configuration. */
  readonly left: (target: string) => void
}

export interface Scheduler {
  /** Watches these targets from now on. What did not change goes on undisturbed; what left is stopped and its series end. */
  watch(targets: readonly ScheduledTarget[]): Promise<void>
  /** Rounds of each target until it is caught up, and no more; for `run --once`. */
  once(targets: readonly ScheduledTarget[], signal: AbortSignal): Promise<void>
  status(): readonly TargetStatus[]
  stop(): Promise<void>
}

interface Running {
  readonly target: ScheduledTarget
  readonly collector: Collector
  readonly watch: Watch
  readonly loop: Loop
}

/** Gives every target its rounds: on its interval, at once when it is not caught up, and when it is woken. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const running = new Map<string, Running>()
  let isStopped = false
  let turn: Promise<void> = Promise.resolve()

  /** One change after the other: a reload may come while targets are still being opened, and the end while either is. */
  async function inTurn(change: () => Promise<void>): Promise<void> {
    const mine = turn.then(change)
    turn = mine.catch(() => {})
    return mine
  }

  async function start(target: ScheduledTarget, isLooping: boolean): Promise<void> {
    const entry = await open(options, target)
    running.set(target.config.name, entry)
    if (isLooping) entry.loop.run(async (signal) => entry.watch.round(signal))
  }

  async function end(name: string): Promise<void> {
    const entry = running.get(name)
    if (entry === undefined) return
    running.delete(name)
    await entry.loop.stop()
    await entry.collector.stop()
  }

  async function leave(name: string): Promise<void> {
    const parts = running.get(name)?.target.definition.parts ?? []
    await end(name)
    for (const part of ['', ...parts]) options.samples.endScope(`${name}/${part}`, options.world.now())
    options.metrics.forget('target', name)
    options.left(name)
  }

  async function replace(targets: readonly ScheduledTarget[], isLooping: boolean): Promise<void> {
    const wanted = new Map(targets.map((target) => [target.config.name, target]))
    await Promise.all([...running.keys()].filter((name) => !wanted.has(name)).map(leave))
    for (const [name, target] of wanted) {
      if (isStopped) return
      if (isSame(running.get(name)?.target, target)) continue
      await end(name)
      await start(target, isLooping)
    }
  }

  return {
    watch: async (targets) => inTurn(async () => replace(targets, true)),
    async once(targets, signal) {
      await inTurn(async () => replace(targets, false))
      await Promise.all([...running.values()].map(async ({ watch }) => untilCaughtUp(watch, signal)))
    },
    status: () => [...running.values()].map(({ watch }) => watch.status()),
    async stop() {
      isStopped = true
      await inTurn(async () => {
        await Promise.all([...running.keys()].map(end))
      })
    },
  }
}

/** Reads what is stored of a target and makes its collector. No round yet. */
async function open(options: SchedulerOptions, target: ScheduledTarget): Promise<Running> {
  const { definition, config } = target
  const { world } = options
  const log = options.log.child(definition.type)
  const loop = createLoop(world, config.interval)
  const { name, type } = config
  const subject = definition.subject(config)
  const record = await options.targets.open({ target: name, type, subject, at: world.now() })
  if (record.replaced !== undefined) {
    const before = record.replaced.subject
    log.warn('the target watches something else than before: its old cursor is not used', {
      target: name,
      subject,
      before,
    })
  }
  const create = await definition.load()
  const collector = create(config, {
    ...world,
    log,
    firstStartedAt: record.firstStartedAt,
    chains: options.chains,
    memory: { sightings: async (aboveHeight) => options.targets.sightings(name, aboveHeight) },
    wake: () => loop.wake(),
  })
  const watch = createWatch({ ...options, ...target, log }, collector, record.cursor)
  return { target, collector, watch, loop }
}

function isSame(old: ScheduledTarget | undefined, target: ScheduledTarget): boolean {
  return (
    old !== undefined &&
    old.definition === target.definition &&
    isDeepStrictEqual(old.config, target.config) &&
    isDeepStrictEqual(old.labels, target.labels)
  )
}

async function untilCaughtUp(watch: Watch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await watch.round(signal))) {
    // The next round follows at once.
  }
}
