import type { Sample } from '../../core/sample.ts'
import type { KnownSpace } from './cursor.ts'
import type { Mount } from './mounts.ts'
import type { DiskReading, InterfaceReading, PressureReading, Traffic } from './proc.ts'

function sample(name: string, value: number, labels: Readonly<Record<string, string>> = {}): Sample {
  return { name, labels, value }
}

/** What one look at the machine itself brought. Undefined: this kernel does not tell. */
export interface SystemReading {
  readonly at: number
  readonly cpuSeconds: Readonly<Record<string, number>>
  readonly busyRatio: number | undefined
  readonly cpus: number
  readonly memory: ReadonlyMap<string, number>
  readonly load: readonly [number, number, number]
  readonly uptimeSeconds: number
  readonly bootTimeSeconds: number
  readonly clockStepSeconds: number | undefined
  readonly files: { readonly open: number; readonly max: number } | undefined
}

const MEMORY: readonly (readonly [string, string])[] = [
  ['MemTotal', 'host_memory_total_bytes'],
  ['MemAvailable', 'host_memory_available_bytes'],
  ['MemFree', 'host_memory_free_bytes'],
  ['Buffers', 'host_memory_buffers_bytes'],
  ['Cached', 'host_memory_cached_bytes'],
  ['SwapTotal', 'host_swap_total_bytes'],
  ['SwapFree', 'host_swap_free_bytes'],
]

export function systemSamples(reading: SystemReading): readonly Sample[] {
  const { at, memory, load, uptimeSeconds, files } = reading
  const optional = (name: string, value: number | undefined) => (value === undefined ? [] : [sample(name, value)])
  return [
    ...Object.entries(reading.cpuSeconds).map(([mode, value]) => sample('host_cpu_seconds_total', value, { mode })),
    ...optional('host_cpu_busy_ratio', reading.busyRatio),
    sample('host_cpus', reading.cpus),
    ...MEMORY.flatMap(([kernel, name]) => optional(name, memory.get(kernel))),
    sample('host_load1', load[0]),
    sample('host_load5', load[1]),
    sample('host_load15', load[2]),
    sample('host_uptime_seconds', uptimeSeconds),
    sample('host_boot_time_seconds', reading.bootTimeSeconds),
    sample('host_time_seconds', at / 1000),
    ...optional('host_clock_step_seconds', reading.clockStepSeconds),
    ...optional('host_file_descriptors', files?.open),
    ...optional('host_file_descriptors_max', files?.max),
  ]
}

/** A mount and what is known of it; `isUp`: known from this round. */
export interface MountReading {
  readonly mount: Mount
  readonly isUp: boolean
  readonly space: KnownSpace | undefined
}

export function mountSamples({ mount, isUp, space }: MountReading): readonly Sample[] {
  const labels = { device: mount.device, mount: mount.mount, fstype: mount.fstype }
  const state = [
    sample('host_filesystem_up', Number(isUp), labels),
    sample('host_filesystem_readonly', Number(mount.isReadonly), labels),
  ]
  if (space === undefined) return state
  const usedBytes = space.sizeBytes - space.freeBytes
  return [
    ...state,
    sample('host_filesystem_read_timestamp_seconds', space.at / 1000, labels),
    sample('host_filesystem_size_bytes', space.sizeBytes, labels),
    sample('host_filesystem_available_bytes', space.availableBytes, labels),
    sample('host_filesystem_used_bytes', usedBytes, labels),
    sample('host_filesystem_used_ratio', usedRatio(space), labels),
    // btrfs and others have no fixed number: then a ratio would mean nothing.
    ...(space.inodes === 0
      ? []
      : [
          sample('host_filesystem_inodes', space.inodes, labels),
          sample('host_filesystem_inodes_free', space.inodesFree, labels),
        ]),
  ]
}

/** As df: what root alone may write counts neither as used nor as available. */
export function usedRatio({ sizeBytes, freeBytes, availableBytes }: KnownSpace): number {
  const usedBytes = sizeBytes - freeBytes
  return usedBytes + availableBytes === 0 ? 0 : usedBytes / (usedBytes + availableBytes)
}

export function diskSamples(disk: DiskReading): readonly Sample[] {
  const labels = { device: disk.device }
  return [
    sample('host_disk_read_bytes_total', disk.readBytes, labels),
    sample('host_disk_written_bytes_total', disk.writtenBytes, labels),
    sample('host_disk_reads_total', disk.reads, labels),
    sample('host_disk_writes_total', disk.writes, labels),
    sample('host_disk_read_time_seconds_total', disk.readSeconds, labels),
    sample('host_disk_write_time_seconds_total', disk.writeSeconds, labels),
    sample('host_disk_busy_seconds_total', disk.busySeconds, labels),
  ]
}

export function interfaceSamples({ device, receive, transmit }: InterfaceReading): readonly Sample[] {
  const directed = (direction: string, { bytes, packets, errors, drops }: Traffic) => [
    sample(`host_network_${direction}_bytes_total`, bytes, { device }),
    sample(`host_network_${direction}_packets_total`, packets, { device }),
    sample(`host_network_${direction}_errors_total`, errors, { device }),
    sample(`host_network_${direction}_drops_total`, drops, { device }),
  ]
  return [...directed('receive', receive), ...directed('transmit', transmit)]
}

export function pressureSamples(resource: string, reading: PressureReading): readonly Sample[] {
  const { waitingSeconds, stalledSeconds } = reading
  return [
    sample('host_pressure_waiting_seconds_total', waitingSeconds, { resource }),
    ...(stalledSeconds === undefined
      ? []
      : [sample('host_pressure_stalled_seconds_total', stalledSeconds, { resource })]),
  ]
}
