import type { OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import { type MountReading, usedRatio } from './samples.ts'
import type { SystemLook } from './system.ts'

type Outcome<T> = { readonly value: T } | { readonly failed: OutsideError }

/** What `status --json` shows of a machine. What could not be seen is null, and `reasons` says why. */
export function statusOf(
  at: number,
  system: Outcome<SystemLook>,
  mounts: Outcome<readonly MountReading[]>,
): Readonly<Record<string, Json>> {
  const reading = 'value' in system ? system.value.reading : undefined
  const total = reading?.memory.get('MemTotal')
  const available = reading?.memory.get('MemAvailable')
  return {
    timestamp: new Date(at).toISOString(),
    uptime_seconds: reading?.uptimeSeconds ?? null,
    cpus: reading?.cpus ?? null,
    cpu_busy_ratio: reading?.busyRatio ?? null,
    load5: reading?.load[1] ?? null,
    memory_used_ratio: total === undefined || available === undefined ? null : 1 - available / total,
    filesystems: 'value' in mounts ? mounts.value.map(shown) : null,
    reasons: {
      ...('failed' in system ? { system: system.failed.message } : {}),
      ...('failed' in mounts ? { filesystems: mounts.failed.message } : {}),
    },
  }
}

function shown({ mount, isUp, space }: MountReading): Json {
  return { mount: mount.mount, up: isUp, used_ratio: space === undefined ? null : usedRatio(space) }
}
