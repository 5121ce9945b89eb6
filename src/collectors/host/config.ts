import { z } from 'zod'

import { targetFields } from '../target-fields.ts'

export const TYPE = 'host'

const ratio = z.number().gt(0).max(1)

const thresholds = z.strictObject({
  disk_used_ratio_warning: ratio.default(0.8).describe('Part of a file system that is used before a warning.'),
  disk_used_ratio_critical: ratio.default(0.9).describe('Part of a file system that is used before it is critical.'),
  disk_forecast_used_ratio: ratio
    .default(0.6)
    .describe('A file system that fills up within a day is told of once this part of it is used.'),
  inodes_used_ratio: ratio.default(0.9).describe('Part of the inodes of a file system that are used.'),
  memory_used_ratio: ratio.default(0.95).describe('Part of the memory that is used and cannot be had back.'),
  memory_stalled_ratio: ratio.default(0.1).describe('Part of the time in which nothing ran, for want of memory.'),
  load_per_cpu: z.number().positive().default(2).describe('Load over five minutes, for each CPU.'),
  file_descriptors_used_ratio: ratio.default(0.9).describe('Part of the file descriptors of the kernel that are open.'),
})

export const hostSchema = z.strictObject({
  ...targetFields(TYPE, '15s'),
  proc: z
    .string()
    .startsWith('/', 'this must be an absolute path')
    .default('/proc')
    .describe('Where the proc file system of the host is mounted; in a container often /host/proc.'),
  root: z
    .string()
    .startsWith('/', 'this must be an absolute path')
    .default('/')
    .describe('Where the root of the host is mounted; in a container often /host.'),
  ignore_mounts: z
    .array(z.string().startsWith('/', 'this must be an absolute path'))
    .max(100)
    .default([])
    .describe('Mount points, as the host sees them, that are left out with all that is mounted below them.'),
  thresholds: thresholds.prefault({}).describe('When the rules that come along fire.'),
})

export type HostConfig = z.output<typeof hostSchema>
