import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import type { HostCursor } from './cursor.ts'
import { parseBootTime, parseCpu, parseFileDescriptors, parseLoad, parseMemory, parseUptime } from './proc.ts'
import type { SystemReading } from './samples.ts'

/** With a longer pause a ratio since the last round would tell of a time nobody watched. */
const COMPARABLE_MS_MAX = 300_000

/** What one look brought, and what the next is compared with. */
export interface SystemLook {
  readonly reading: SystemReading
  readonly boot: string | undefined
  readonly clockMs: number
}

/** Reads the machine itself; `read` takes a path below proc. */
export async function readSystem(
  world: World,
  read: (name: string) => Promise<string>,
  before: HostCursor | undefined,
): Promise<SystemLook> {
  const [stat, meminfo, loadavg, files, boot] = await Promise.all([
    read('stat'),
    read('meminfo'),
    read('loadavg'),
    optional(read('sys/fs/file-nr')),
    optional(read('sys/kernel/random/boot_id')),
  ])
  // Last and alone, so that the clock is read as close to it as can be.
  const uptimeSeconds = parseUptime(await read('uptime'))
  const at = world.now()
  const bootId = boot?.trim()
  const clockMs = at - uptimeSeconds * 1000
  const same = isSameBoot(before, bootId, clockMs) ? before : undefined
  const cpu = parseCpu(stat)
  const cpuSeconds = neverDown(cpu.seconds, same?.cpu)
  return {
    boot: bootId,
    clockMs,
    reading: {
      at,
      cpuSeconds,
      busyRatio: same === undefined || at - same.at > COMPARABLE_MS_MAX ? undefined : busyRatio(cpuSeconds, same.cpu),
      cpus: cpu.cpus,
      memory: parseMemory(meminfo),
      load: parseLoad(loadavg),
      uptimeSeconds,
      bootTimeSeconds: parseBootTime(stat),
      clockStepSeconds: same === undefined ? undefined : (clockMs - same.clockMs) / 1000,
      files: files === undefined ? undefined : parseFileDescriptors(files),
    },
  }
}

async function optional(text: Promise<string>): Promise<string | undefined> {
  return text.catch((error: unknown) => {
    if (error instanceof OutsideError && error.reason === 'not-found') return undefined
    throw error
  })
}

/** Where the kernel does not name its boots, an uptime that fits the clock to a minute is taken for the same. */
function isSameBoot(before: HostCursor | undefined, boot: string | undefined, clockMs: number): boolean {
  if (before === undefined) return false
  return boot === undefined ? Math.abs(clockMs - before.clockMs) < 60_000 : before.boot === boot
}

/** The kernel lets idle and iowait step back by a tick now and then; a counter that falls reads as a restart. */
function neverDown(
  seconds: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  if (before === undefined) return seconds
  return Object.fromEntries(Object.entries(seconds).map(([mode, value]) => [mode, Math.max(value, before[mode] ?? 0)]))
}

/** Part of the time in which CPUs did anything; undefined where no time has passed. */
function busyRatio(
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): number | undefined {
  let total = 0
  let idle = 0
  for (const [mode, value] of Object.entries(now)) {
    const spent = value - (before[mode] ?? value)
    total += spent
    if (mode === 'idle' || mode === 'iowait') idle += spent
  }
  return total <= 0 ? undefined : (total - idle) / total
}
