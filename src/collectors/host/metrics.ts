import type { MetricTable } from '../../core/metric.ts'

const FILESYSTEM = ['device', 'mount', 'fstype']

const SYSTEM_METRICS: MetricTable = {
  host_cpu_seconds_total: {
    type: 'counter',
    help: 'Time of all CPUs by what they did. Each second stands in one mode: guests are not in user as well.',
    unit: 'seconds',
    labels: ['mode'],
  },
  host_cpu_busy_ratio: {
    type: 'gauge',
    help: 'Part of the time since the last round in which the CPUs did anything; waiting for disks is not busy.',
    unit: 'ratio',
  },
  host_cpus: { type: 'gauge', help: 'CPUs that are online.' },
  host_memory_total_bytes: { type: 'gauge', help: 'Memory of the machine.', unit: 'bytes' },
  host_memory_available_bytes: {
    type: 'gauge',
    help: 'Memory that can be had without swapping: free, or a cache that can go.',
    unit: 'bytes',
  },
  host_memory_free_bytes: { type: 'gauge', help: 'Memory that is used for nothing.', unit: 'bytes' },
  host_memory_buffers_bytes: { type: 'gauge', help: 'Memory with raw blocks of disks.', unit: 'bytes' },
  host_memory_cached_bytes: { type: 'gauge', help: 'Memory with contents of files.', unit: 'bytes' },
  host_swap_total_bytes: { type: 'gauge', help: 'Swap space.', unit: 'bytes' },
  host_swap_free_bytes: { type: 'gauge', help: 'Swap space that is not used.', unit: 'bytes' },
  host_load1: { type: 'gauge', help: 'Load over one minute.' },
  host_load5: { type: 'gauge', help: 'Load over five minutes.' },
  host_load15: { type: 'gauge', help: 'Load over fifteen minutes.' },
  host_uptime_seconds: { type: 'gauge', help: 'Time since the machine was started.', unit: 'seconds' },
  host_boot_time_seconds: { type: 'gauge', help: 'When the machine was started, since 1970.', unit: 'seconds' },
  host_time_seconds: { type: 'gauge', help: 'What the clock of the machine says, since 1970.', unit: 'seconds' },
  host_clock_step_seconds: {
    type: 'gauge',
    help: 'How far the clock was set forward (or back, below 0) since the last round.',
    unit: 'seconds',
  },
  host_file_descriptors: { type: 'gauge', help: 'Files that are open in the whole kernel.' },
  host_file_descriptors_max: { type: 'gauge', help: 'Files that may be open in the whole kernel.' },
}

const FILESYSTEM_METRICS: MetricTable = {
  host_filesystem_up: {
    type: 'gauge',
    help: 'Whether the file system answered. While it does not, its other series stay at what was last read.',
    labels: FILESYSTEM,
  },
  host_filesystem_read_timestamp_seconds: {
    type: 'gauge',
    help: 'When the file system last answered, since 1970.',
    unit: 'seconds',
    labels: FILESYSTEM,
  },
  host_filesystem_size_bytes: {
    type: 'gauge',
    help: 'Size of the file system.',
    unit: 'bytes',
    labels: FILESYSTEM,
  },
  host_filesystem_available_bytes: {
    type: 'gauge',
    help: 'What a service can still write: free, without what is kept for root.',
    unit: 'bytes',
    labels: FILESYSTEM,
  },
  host_filesystem_used_bytes: { type: 'gauge', help: 'What is used.', unit: 'bytes', labels: FILESYSTEM },
  host_filesystem_used_ratio: {
    type: 'gauge',
    help: 'Used, of what is used or available: the percentage that df shows.',
    unit: 'ratio',
    labels: FILESYSTEM,
  },
  host_filesystem_inodes: { type: 'gauge', help: 'Inodes of the file system.', labels: FILESYSTEM },
  host_filesystem_inodes_free: { type: 'gauge', help: 'Inodes that are free.', labels: FILESYSTEM },
  host_filesystem_readonly: {
    type: 'gauge',
    help: 'Whether nothing can be written to it.',
    labels: FILESYSTEM,
  },
}

const DISK_METRICS: MetricTable = {
  host_disk_read_bytes_total: { type: 'counter', help: 'Bytes read.', unit: 'bytes', labels: ['device'] },
  host_disk_written_bytes_total: { type: 'counter', help: 'Bytes written.', unit: 'bytes', labels: ['device'] },
  host_disk_reads_total: { type: 'counter', help: 'Reads that were finished.', labels: ['device'] },
  host_disk_writes_total: { type: 'counter', help: 'Writes that were finished.', labels: ['device'] },
  host_disk_read_time_seconds_total: {
    type: 'counter',
    help: 'Time that all reads took together.',
    unit: 'seconds',
    labels: ['device'],
  },
  host_disk_write_time_seconds_total: {
    type: 'counter',
    help: 'Time that all writes took together.',
    unit: 'seconds',
    labels: ['device'],
  },
  host_disk_busy_seconds_total: {
    type: 'counter',
    help: 'Time in which anything was asked of the disk: its rate is how busy it is.',
    unit: 'seconds',
    labels: ['device'],
  },
}

const NETWORK_METRICS: MetricTable = Object.fromEntries(
  ['receive', 'transmit'].flatMap((direction) => {
    const verb = direction === 'receive' ? 'received' : 'sent'
    return [
      [
        `host_network_${direction}_bytes_total`,
        { type: 'counter' as const, help: `Bytes ${verb}.`, unit: 'bytes', labels: ['device'] },
      ],
      [
        `host_network_${direction}_packets_total`,
        { type: 'counter' as const, help: `Packets ${verb}.`, labels: ['device'] },
      ],
      [
        `host_network_${direction}_errors_total`,
        { type: 'counter' as const, help: `Packets not ${verb} for an error.`, labels: ['device'] },
      ],
      [
        `host_network_${direction}_drops_total`,
        { type: 'counter' as const, help: `Packets dropped instead of ${verb}.`, labels: ['device'] },
      ],
    ]
  }),
)

const PRESSURE_METRICS: MetricTable = {
  host_pressure_waiting_seconds_total: {
    type: 'counter',
    help: 'Time in which some task waited for the resource: cpu, memory or io.',
    unit: 'seconds',
    labels: ['resource'],
  },
  host_pressure_stalled_seconds_total: {
    type: 'counter',
    help: 'Time in which every task waited for the resource, and nothing got done.',
    unit: 'seconds',
    labels: ['resource'],
  },
}

export const METRICS: MetricTable = {
  ...SYSTEM_METRICS,
  ...FILESYSTEM_METRICS,
  ...DISK_METRICS,
  ...NETWORK_METRICS,
  ...PRESSURE_METRICS,
}
