import type { Panel } from '../../core/panel.ts'
import type { HostConfig } from './config.ts'

/** Panels of one machine. */
export function panelsOf({ name, thresholds }: HostConfig): readonly Panel[] {
  const on = `target=${JSON.stringify(name)}`
  return [...tiles(on, thresholds), ...curves(on, thresholds)]
}

function tiles(on: string, thresholds: HostConfig['thresholds']): readonly Panel[] {
  return [
    {
      title: 'CPU busy',
      kind: 'tile',
      unit: 'ratio',
      queries: [{ expr: `host_cpu_busy_ratio{${on}}`, legend: 'busy' }],
    },
    {
      title: 'Memory used',
      kind: 'tile',
      unit: 'ratio',
      queries: [{ expr: `1 - host_memory_available_bytes{${on}} / host_memory_total_bytes{${on}}`, legend: 'used' }],
      thresholds: [{ value: thresholds.memory_used_ratio, severity: 'warning' }],
    },
    {
      title: 'Fullest file system',
      kind: 'tile',
      unit: 'ratio',
      queries: [
        { expr: `max(host_filesystem_used_ratio{${on}} unless host_filesystem_readonly == 1)`, legend: 'used' },
      ],
      thresholds: diskThresholds(thresholds),
    },
    {
      title: 'Uptime',
      kind: 'tile',
      unit: 'seconds',
      queries: [{ expr: `host_uptime_seconds{${on}}`, legend: 'uptime' }],
    },
  ]
}

function diskThresholds(thresholds: HostConfig['thresholds']): NonNullable<Panel['thresholds']> {
  return [
    { value: thresholds.disk_used_ratio_warning, severity: 'warning' },
    { value: thresholds.disk_used_ratio_critical, severity: 'critical' },
  ]
}

function curves(on: string, thresholds: HostConfig['thresholds']): readonly Panel[] {
  return [
    {
      title: 'CPU by mode',
      kind: 'timeseries',
      unit: 'ratio',
      queries: [
        {
          expr: `rate(host_cpu_seconds_total{${on},mode!="idle"}[5m]) / on (target) group_left () host_cpus`,
          legend: '{{mode}}',
        },
      ],
    },
    {
      title: 'Load per CPU',
      kind: 'timeseries',
      unit: '',
      queries: [{ expr: `host_load5{${on}} / host_cpus{${on}}`, legend: '5 minutes' }],
      thresholds: [{ value: thresholds.load_per_cpu, severity: 'warning' }],
    },
    {
      title: 'File systems',
      kind: 'timeseries',
      unit: 'ratio',
      queries: [{ expr: `host_filesystem_used_ratio{${on}}`, legend: '{{mount}}' }],
      thresholds: diskThresholds(thresholds),
    },
    {
      title: 'Disks busy',
      kind: 'timeseries',
      unit: 'ratio',
      queries: [{ expr: `rate(host_disk_busy_seconds_total{${on}}[5m])`, legend: '{{device}}' }],
    },
    {
      title: 'Disk throughput',
      kind: 'timeseries',
      unit: 'bytes/s',
      queries: [
        { expr: `rate(host_disk_read_bytes_total{${on}}[5m])`, legend: '{{device}} read' },
        { expr: `rate(host_disk_written_bytes_total{${on}}[5m])`, legend: '{{device}} written' },
      ],
    },
    {
      title: 'Network',
      kind: 'timeseries',
      unit: 'bytes/s',
      queries: [
        { expr: `rate(host_network_receive_bytes_total{${on}}[5m])`, legend: '{{device}} received' },
        { expr: `rate(host_network_transmit_bytes_total{${on}}[5m])`, legend: '{{device}} sent' },
      ],
    },
    {
      title: 'Pressure',
      kind: 'timeseries',
      unit: 'ratio',
      queries: [{ expr: `rate(host_pressure_waiting_seconds_total{${on}}[5m])`, legend: '{{resource}}' }],
    },
  ]
}
