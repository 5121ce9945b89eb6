import { OutsideError } from '../../lib/errors.ts'

/** The kernel counts CPU time for programs in hundredths of a second on every architecture (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100

/** Seconds by mode since boot, over all CPUs, and how many there are. */
export interface CpuReading {
  readonly seconds: Readonly<Record<string, number>>
  readonly cpus: number
}

/** The columns of `cpu` in /proc/stat, oldest kernels last to have them all. */
const CPU_COLUMNS = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest', 'guest_nice']

/**
 * /proc/stat. The kernel counts guests in `user` and `nice` too; here each second stands in one mode only.
 *
 * @throws OutsideError malformed, as all of these functions
 */
export function parseCpu(text: string): CpuReading {
  const rows = text.split('\n')
  const columns =
    rows
      .find((line) => line.startsWith('cpu '))
      ?.trim()
      .split(/\s+/)
      .slice(1) ?? []
  if (columns.length < 4) throw malformed('/proc/stat', 'has no line "cpu" with times')
  const seconds: Record<string, number> = {}
  CPU_COLUMNS.forEach((mode, index) => {
    const ticks = columns[index]
    if (ticks !== undefined) seconds[mode] = number(ticks, '/proc/stat') / TICKS_PER_SECOND
  })
  if (seconds['guest'] !== undefined) seconds['user'] = Math.max(0, (seconds['user'] ?? 0) - seconds['guest'])
  if (seconds['guest_nice'] !== undefined) seconds['nice'] = Math.max(0, (seconds['nice'] ?? 0) - seconds['guest_nice'])
  return { seconds, cpus: rows.filter((line) => /^cpu\d/.test(line)).length }
}

/** The line `btime` of /proc/stat: when the machine was started, in seconds since 1970. It moves when the clock is set. */
export function parseBootTime(text: string): number {
  return number(/^btime (\d+)$/m.exec(text)?.[1] ?? '', '/proc/stat')
}

/** /proc/meminfo, in bytes, by the kernel's names. */
export function parseMemory(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [, name = '', size = '', unit] of text.matchAll(/^([\w()]+):\s+(\d+)( kB)?$/gm)) {
    found.set(name, number(size, '/proc/meminfo') * (unit === undefined ? 1 : 1024))
  }
  if (!found.has('MemTotal')) throw malformed('/proc/meminfo', 'has no MemTotal')
  return found
}

/** /proc/loadavg: over 1, 5 and 15 minutes. */
export function parseLoad(text: string): readonly [number, number, number] {
  const [one = '', five = '', fifteen = ''] = text.trim().split(/\s+/)
  return [number(one, '/proc/loadavg'), number(five, '/proc/loadavg'), number(fifteen, '/proc/loadavg')]
}

/** /proc/uptime: seconds since boot, sleep included. */
export function parseUptime(text: string): number {
  return number(text.trim().split(/\s+/)[0] ?? '', '/proc/uptime')
}

/** /proc/sys/fs/file-nr: open and allowed file descriptors of the whole kernel. */
export function parseFileDescriptors(text: string): { readonly open: number; readonly max: number } {
  const [allocated = '', unused = '', max = ''] = text.trim().split(/\s+/)
  const [all, free] = [number(allocated, 'file-nr'), number(unused, 'file-nr')]
  return { open: all - free, max: number(max, 'file-nr') }
}

export interface DiskReading {
  readonly device: string
  readonly reads: number
  readonly readBytes: number
  readonly readSeconds: number
  readonly writes: number
  readonly writtenBytes: number
  readonly writeSeconds: number
  readonly busySeconds: number
}

/** A sector in /proc/diskstats is 512 bytes, whatever the disk's own are (kernel, Documentation/admin-guide/iostats). */
const SECTOR_BYTES = 512
/** Partitions, whose disk is counted already, and what is no disk. */
const NO_DISK = /^(?:(?:z?ram|loop|fd|sr)\d+|(?:h|s|v|xv)d[a-z]+\d+|(?:nvme\d+n\d+|mmcblk\d+)p\d+)$/

/** /proc/diskstats, whole disks only. */
export function parseDisks(text: string): readonly DiskReading[] {
  return lines(text).flatMap((line) => {
    const [, , device = '', ...rest] = line.split(/\s+/)
    if (NO_DISK.test(device)) return []
    if (rest.length < 11) throw malformed('/proc/diskstats', `has a line of ${rest.length + 3} columns`)
    const [reads = 0, , read = 0, readMs = 0, writes = 0, , written = 0, writeMs = 0, , busyMs = 0] = rest.map(
      (column) => number(column, '/proc/diskstats'),
    )
    return [
      {
        device,
        reads,
        readBytes: read * SECTOR_BYTES,
        readSeconds: readMs / 1000,
        writes,
        writtenBytes: written * SECTOR_BYTES,
        writeSeconds: writeMs / 1000,
        busySeconds: busyMs / 1000,
      },
    ]
  })
}

/** Bytes, packets, errors and drops of one direction. */
export interface Traffic {
  readonly bytes: number
  readonly packets: number
  readonly errors: number
  readonly drops: number
}

export interface InterfaceReading {
  readonly device: string
  readonly receive: Traffic
  readonly transmit: Traffic
}

/** Loopback, and the ends of cables to containers: they come and go with these. */
const NO_INTERFACE = /^(?:lo|veth|cali|ifb|dummy)/

/** /proc/net/dev. */
export function parseInterfaces(text: string): readonly InterfaceReading[] {
  return lines(text).flatMap((line) => {
    const match = /^(\S+):\s*(.*)$/.exec(line)
    if (match === null) return []
    const [, device = '', counts = ''] = match
    if (NO_INTERFACE.test(device)) return []
    const columns = counts.split(/\s+/).map((column) => number(column, '/proc/net/dev'))
    if (columns.length < 16) throw malformed('/proc/net/dev', `has a line of ${columns.length} counts`)
    return [{ device, receive: traffic(columns, 0), transmit: traffic(columns, 8) }]
  })
}

function traffic(columns: readonly number[], from: number): Traffic {
  const [bytes = 0, packets = 0, errors = 0, drops = 0] = columns.slice(from)
  return { bytes, packets, errors, drops }
}

/** Seconds in which some, or all, tasks waited for a resource. `stalled` is missing where the kernel does not count it. */
export interface PressureReading {
  readonly waitingSeconds: number
  readonly stalledSeconds: number | undefined
}

/** One of /proc/pressure. */
export function parsePressure(text: string): PressureReading {
  const total = (kind: string) => new RegExp(`^${kind} .*total=(\\d+)$`, 'm').exec(text)?.[1]
  const [some, full] = [total('some'), total('full')]
  if (some === undefined) throw malformed('/proc/pressure', 'has no total')
  return {
    waitingSeconds: number(some, '/proc/pressure') / 1e6,
    stalledSeconds: full === undefined ? undefined : number(full, '/proc/pressure') / 1e6,
  }
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function number(text: string, file: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (Number.isFinite(value)) return value
  throw malformed(file, `says ${JSON.stringify(text.slice(0, 40))} where a number belongs`)
}

function malformed(file: string, words: string): OutsideError {
  return new OutsideError('malformed', `${file} ${words}`, { retry: true })
}
