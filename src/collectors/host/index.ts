import { defineCollector } from '../target-fields.ts'
import { type HostConfig, hostSchema, TYPE } from './config.ts'
import { panelsOf } from './dashboard.ts'
import { EVENTS } from './events.ts'
import { METRICS } from './metrics.ts'

/** The machine under everything: CPU, memory, disks, network. */
export const host = defineCollector<HostConfig>({
  type: TYPE,
  summary: 'A Linux machine: CPU, memory, load, file systems, disks and network.',
  schema: hostSchema,
  parts: ['system', 'filesystems', 'disks', 'network', 'pressure'],
  metrics: METRICS,
  events: EVENTS,
  thresholds: ({ thresholds }) => thresholds,
  subject: ({ proc, root }) => `host:${proc}:${root}`,
  instance: () => undefined,
  rules: () => ({
    rules: [new URL('./rules.yaml', import.meta.url)],
    eventRules: [new URL('./event-rules.yaml', import.meta.url)],
  }),
  panels: panelsOf,
  // A container sees its own /proc and its own mounts; these say where the machine's are.
  environment: { HOST_PROC: 'proc', HOST_ROOT: 'root' },
  load: async () => (await import('./collect.ts')).createHost,
  probe: async () => (await import('./probe.ts')).probeHost,
})
