import { readFileSync } from 'node:fs'

import { COLLECT_METRICS, type SampleStore } from '../collectors/index.ts'
import type { Labels } from '../core/labels.ts'
import type { MetricTable } from '../core/metric.ts'
import { createMetricsRegistry, type MetricSpec, type MetricsRegistry } from '../lib/metrics-registry.ts'
import type { Cancel, World } from '../lib/world.ts'

const PROCESS_METRICS: readonly MetricSpec[] = [
  { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Resident memory of this process.' },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time this process has used, user and system.',
  },
  { name: 'process_start_time_seconds', type: 'gauge', help: 'When this process started, seconds since 1970.' },
  { name: 'chainwarden_build_info', type: 'gauge', help: 'Always 1; the version is a label.' },
  {
    name: 'chainwarden_clock_jumps_total',
    type: 'counter',
    help: 'Times the wall clock parted from the monotonic one by over 2 s.',
  },
  {
    name: 'chainwarden_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How much later than due a timer ran, at the most since the last round.',
  },
  { name: 'chainwarden_samples_appended_total', type: 'counter', help: 'Samples that were stored.' },
  { name: 'chainwarden_samples_dropped_total', type: 'counter', help: 'Samples that were not stored, by reason.' },
  { name: 'chainwarden_series', type: 'gauge', help: 'Series that are stored.' },
  { name: 'chainwarden_storage_bytes', type: 'gauge', help: 'Bytes on disk, by file.' },
]

/** What every target has, whatever its type. */
const TARGET_METRICS: MetricTable = {
  up: { type: 'gauge', help: 'Whether the target could be read in its last round.' },
  chainwarden_part_up: {
    type: 'gauge',
    help: 'Whether a part of the target could be read in its last round.',
    labels: ['part'],
  },
  chainwarden_threshold: {
    type: 'gauge',
    help: 'A limit from the configuration of the target, for its rules.',
    labels: ['name'],
  },
  ALERTS: { type: 'gauge', help: 'Alerts that are pending or firing: 1.', labels: ['alertname', 'alertstate'] },
  ALERTS_FOR_STATE: {
    type: 'gauge',
    help: 'Since when an alert is active, seconds since 1970.',
    labels: ['alertname'],
  },
}

const ROUND_MS = 15_000
const CLOCK_MS = 1_000
const JUMP_MS = 2_000

export interface SelfMetricsOptions {
  readonly world: World
  readonly version: string
  readonly startedAt: number
  readonly labels: Labels
  readonly samples: SampleStore
  /** Brings what other parts count up to date before each round. */
  readonly refresh: (metrics: MetricsRegistry) => void
  readonly onClockJump: (ms: number) => void
}

/** Every metric of the process itself. */
export function createOwnMetrics(others: readonly MetricSpec[]): {
  readonly metrics: MetricsRegistry
  readonly table: MetricTable
} {
  const specs = [...PROCESS_METRICS, ...COLLECT_METRICS, ...others]
  const table = Object.fromEntries(specs.map(({ name, type, help }) => [name, { type, help }]))
  return { metrics: createMetricsRegistry(specs), table: { ...TARGET_METRICS, ...table } }
}

/** Writes our own metrics every 15 seconds, and watches the clock every second. Returns how to end it. */
export function startSelfMetrics(metrics: MetricsRegistry, options: SelfMetricsOptions): Cancel {
  const { world, samples, labels } = options
  const clock = createClockWatch(world)
  let cancel: Cancel
  let sinceRoundMs = ROUND_MS
  metrics.set('process_start_time_seconds', options.startedAt / 1000)
  metrics.set('chainwarden_build_info', 1, { version: options.version })
  metrics.add('chainwarden_clock_jumps_total', 0)
  let usedBefore = 0

  function round(): void {
    const { user, system } = process.cpuUsage()
    const used = (user + system) / 1e6
    metrics.add('process_cpu_seconds_total', used - usedBefore)
    usedBefore = used
    metrics.set('process_resident_memory_bytes', residentBytes())
    metrics.set('chainwarden_event_loop_delay_seconds', clock.takeDelayMs() / 1000)
    options.refresh(metrics)
    samples.append({ at: world.now(), scope: 'chainwarden', labels, samples: metrics.samples() })
  }

  function tick(): void {
    cancel = world.after(CLOCK_MS, tick)
    const jumpMs = clock.look()
    if (Math.abs(jumpMs) > JUMP_MS) {
      metrics.add('chainwarden_clock_jumps_total', 1)
      options.onClockJump(jumpMs)
    }
    sinceRoundMs += CLOCK_MS
    if (sinceRoundMs < ROUND_MS) return
    sinceRoundMs = 0
    round()
  }

  cancel = world.after(0, tick)
  return () => cancel()
}

/** Compares wall time with monotonic time once a second; what is left over is a jump of the wall clock. */
function createClockWatch(world: Pick<World, 'now' | 'monotonic'>): { look(): number; takeDelayMs(): number } {
  let wall = world.now()
  let monotonic = world.monotonic()
  let delayMs = 0
  return {
    look() {
      const wallMs = world.now() - wall
      const monotonicMs = world.monotonic() - monotonic
      wall += wallMs
      monotonic += monotonicMs
      delayMs = Math.max(delayMs, monotonicMs - CLOCK_MS)
      return wallMs - monotonicMs
    },
    takeDelayMs() {
      const taken = Math.max(0, delayMs)
      delayMs = 0
      return taken
    },
  }
}

/** From the kernel where it tells; Node's own figure counts what was given back. */
function residentBytes(): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return Number(match?.[1] ?? 0) * 1024
  } catch {
    return process.memoryUsage.rss()
  }
}
