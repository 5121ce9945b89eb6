import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createVirtualWorld, type VirtualWorld } from '../../../test/support/virtual-world.ts'
import type { Sample } from '../../core/sample.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { CollectorWorld, Round } from '../collector.ts'
import { createHost } from './collect.ts'
import { type HostConfig, hostSchema } from './config.ts'
import type { HostFiles, SpaceReading } from './files.ts'
import { METRICS } from './metrics.ts'
import { probeHost } from './probe.ts'

const CASES = join(import.meta.dirname, 'testcases')

const caseSchema = z.object({
  about: z.string(),
  config: z.record(z.string(), z.unknown()),
  now: z.number(),
  space: z.record(
    z.string(),
    z.union([
      z.literal('hangs'),
      z.object({
        sizeBytes: z.number(),
        freeBytes: z.number(),
        availableBytes: z.number(),
        inodes: z.number(),
        inodesFree: z.number(),
      }),
    ]),
  ),
})

function loadCase(name: string) {
  return caseSchema.parse(JSON.parse(readFileSync(join(CASES, name, 'case.json'), 'utf8')))
}

const STILL = new AbortController().signal

function collectorWorld(start: number) {
  const world = createVirtualWorld({ seed: 1, start })
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log }
  const collectors: CollectorWorld = {
    ...world,
    log,
    firstStartedAt: start,
    chains: {
      evm() {
        throw new Error('a host asks no chain')
      },
    },
    memory: { sightings: async () => Promise.resolve([]) },
    wake: ignore,
  }
  return { world, collectors }
}

function ignore(): void {}

/** The files of a case; `change` replaces some by a text, or by a failure. */
function filesOf(name: string, proc: string, change: Readonly<Record<string, string | OutsideError>> = {}) {
  const { space } = loadCase(name)
  const asked: string[] = []
  const files: HostFiles = {
    async read(path) {
      const below = path.slice(proc.length + 1)
      const changed = change[below]
      if (changed instanceof OutsideError) throw changed
      if (changed !== undefined) return changed
      // At once: only what lies in memory is there before virtual time moves on.
      const file = join(CASES, name, 'proc', below)
      if (existsSync(file)) return readFileSync(file, 'utf8')
      throw new OutsideError('not-found', `${path} could not be read: ENOENT`, { retry: true })
    },
    async space(path) {
      asked.push(path)
      const reading = space[path]
      if (reading === 'hangs') return new Promise<SpaceReading>(ignore)
      if (reading === undefined) throw new OutsideError('local', `${path}: nobody foresaw this`, { retry: true })
      return reading
    },
  }
  return { files, asked }
}

/** What a promise brings, while virtual time moves on for as long as it must. */
async function outcome<T>(world: VirtualWorld, promised: Promise<T>): Promise<T> {
  const settled: unknown[] = []
  void Promise.allSettled([promised]).then((result) => settled.push(result))
  await world.runUntil(() => settled.length > 0)
  return promised
}

interface Setup {
  readonly change?: Readonly<Record<string, string | OutsideError>>
  readonly config?: Readonly<Record<string, unknown>>
}

/** A collector over a case, whose rounds move time on until they are done. */
function setUp(name: string, { change = {}, config = {} }: Setup = {}) {
  const wanted = loadCase(name)
  const parsed: HostConfig = hostSchema.parse({ type: 'host', name: 'h', ...wanted.config, ...config })
  const { world, collectors } = collectorWorld(wanted.now)
  const { files, asked } = filesOf(name, parsed.proc, change)
  const collector = createHost(parsed, collectors, files)
  const round = async (before?: Round) => outcome(world, collector.collect(before?.cursor, STILL))
  return { world, collector, asked, round, parsed, collectors, files }
}

function samplesOf(round: Round, part?: string): readonly Sample[] {
  return Object.entries(round.parts).flatMap(([name, result]) =>
    'samples' in result && (part === undefined || part === name) ? result.samples : [],
  )
}

function shown({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

function valueOf(round: Round, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  return samplesOf(round).find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  )?.value
}

describe.each(readdirSync(CASES))('%s', (name) => {
  test('brings exactly the samples that were worked out for it', async () => {
    const { round } = setUp(name)

    // What time itself brings is looked at below: here it depends on how long reading took.
    const first = samplesOf(await round())
      .filter((sample) => !/_time_seconds$|_timestamp_seconds$/.test(sample.name))
      .map(shown)

    await expect(`${first.toSorted().join('\n')}\n`).toMatchFileSnapshot(join(CASES, name, 'expected.txt'))
  })

  test('every sample is in the table of metrics, with just these labels', async () => {
    const { round } = setUp(name)
    const first = await round()

    for (const sample of samplesOf(await round(first))) {
      expect([sample.name, Object.keys(sample.labels)]).toEqual([sample.name, METRICS[sample.name]?.labels ?? []])
      expect(METRICS).toHaveProperty(sample.name)
    }
  })

  test('no series is there twice', async () => {
    const { round } = setUp(name)
    const series = samplesOf(await round()).map(({ name: metric, labels }) => metric + JSON.stringify(labels))

    expect(new Set(series).size).toBe(series.length)
  })
})

test('the cases together bring every metric', async () => {
  const rounds = await Promise.all(
    readdirSync(CASES).map(async (name) => {
      const { round } = setUp(name)
      const first = await round()
      return [first, await round(first)]
    }),
  )
  const seen = new Set(rounds.flat().flatMap((round) => samplesOf(round).map((sample) => sample.name)))
  // Without work between two rounds there is no ratio: it has a test of its own.
  seen.add('host_cpu_busy_ratio')

  expect([...seen].toSorted()).toEqual(Object.keys(METRICS).toSorted())
})

function stat(user: number, idle: number, iowait: number): string {
  return `cpu  ${user} 0 0 ${idle} ${iowait} 0 0 0 0 0\ncpu0 ${user} 0 0 ${idle} ${iowait} 0 0 0 0 0\nbtime 1767200000\n`
}

async function twoRounds(before: string, after: string, change: Setup['change'] = {}): Promise<Round> {
  const first = await setUp('debian-server', { change: { stat: before } }).round()
  return setUp('debian-server', { change: { stat: after, ...change } }).round(first)
}

describe('CPU', () => {
  test('the first round has no ratio, the second that of the time between', async () => {
    expect(valueOf(await setUp('debian-server').round(), 'host_cpu_busy_ratio')).toBeUndefined()
    expect(valueOf(await twoRounds(stat(100, 100, 0), stat(125, 165, 10)), 'host_cpu_busy_ratio')).toBeCloseTo(0.25, 9)
  })

  test('a counter that the kernel sets back stays where it was', async () => {
    const round = await twoRounds(stat(100, 100, 50), stat(200, 150, 49))

    expect(valueOf(round, 'host_cpu_seconds_total', { mode: 'iowait' })).toBe(0.5)
  })

  test('another boot begins at its own counts, and says so by an event', async () => {
    const round = await twoRounds(stat(5_000, 5_000, 50), stat(200, 150, 49), {
      'sys/kernel/random/boot_id': 'ffffffff-0000-4000-8000-000000000002\n',
      uptime: '60.00 10.00\n',
    })

    expect(valueOf(round, 'host_cpu_seconds_total', { mode: 'user' })).toBe(2)
    expect(valueOf(round, 'host_cpu_busy_ratio')).toBeUndefined()
    expect(round.events).toMatchObject([{ type: 'host.rebooted', id: 'ffffffff-0000-4000-8000-000000000002:rebooted' }])
  })

  test('after a long pause there is no ratio of a time that nobody watched', async () => {
    const { round, world } = setUp('debian-server')
    const first = await round()
    await world.advance(600_000)

    expect(valueOf(await round(first), 'host_cpu_busy_ratio')).toBeUndefined()
  })
})

describe('the clock', () => {
  test('that goes as uptime does is no event', async () => {
    const first = await setUp('debian-server').round()
    const round = await setUp('debian-server').round(first)

    expect(Math.abs(valueOf(round, 'host_clock_step_seconds') ?? 99)).toBeLessThan(2)
    expect(round.events).toEqual([])
  })

  test.each([3_600_000, -5_000])('that was set by %d ms is an event with by how much', async (byMs) => {
    const first = await setUp('debian-server').round()
    const { round, world } = setUp('debian-server')
    world.jumpWallClock(byMs)

    const second = await round(first)

    expect(Math.round(valueOf(second, 'host_clock_step_seconds') ?? 0)).toBe(byMs / 1000)
    expect(second.events).toMatchObject([{ type: 'host.clock_set' }])
  })
})

describe('a file system that does not answer', () => {
  test('is said to be down, and takes no other with it', async () => {
    const round = await setUp('debian-server').round()

    expect(valueOf(round, 'host_filesystem_up', { mount: '/mnt/backup' })).toBe(0)
    expect(valueOf(round, 'host_filesystem_used_ratio', { mount: '/mnt/backup' })).toBeUndefined()
    expect(valueOf(round, 'host_filesystem_up', { mount: '/' })).toBe(1)
    expect(valueOf(round, 'host_filesystem_used_ratio', { mount: '/srv/node data' })).toBe(0.9)
  })

  test('holds a round for a second, once, and is not asked again while it hangs', async () => {
    const { round, world, asked } = setUp('debian-server')
    const first = await round()
    expect(world.monotonic()).toBeLessThan(5_000)
    await round(await round(first))

    expect(asked.filter((path) => path === '/mnt/backup')).toHaveLength(1)
    expect(asked.filter((path) => path === '/')).toHaveLength(3)
  })

  test('keeps its last figures, with the time they are of', async () => {
    const { now } = loadCase('debian-server')
    const first = await setUp('debian-server').round()
    const cursor = z.record(z.string(), z.json()).parse(first.cursor)
    const known = { at: now - 60_000, sizeBytes: 100, freeBytes: 5, availableBytes: 5, inodes: 10, inodesFree: 9 }
    const remembered: Round = { ...first, cursor: { ...cursor, space: { '/mnt/backup': known } } }

    const { round } = setUp('debian-server')
    const second = await round(remembered)

    const labels = { mount: '/mnt/backup' }
    expect(valueOf(second, 'host_filesystem_used_ratio', labels)).toBe(0.95)
    expect(valueOf(second, 'host_filesystem_up', labels)).toBe(0)
    expect(valueOf(second, 'host_filesystem_read_timestamp_seconds', labels)).toBe((now - 60_000) / 1000)
    expect(valueOf(await round(second), 'host_filesystem_used_ratio', labels)).toBe(0.95)
  })

  test('two that hang keep others of their kind from being asked, so that threads for files are left, but no disk', async () => {
    const shares = Array.from(
      { length: 6 },
      (_, index) => `9${index} 28 0:9${index} / /m${index} rw - nfs4 s:/${index} rw`,
    )
    const mountinfo = [...shares, '99 28 8:1 / /a-disk rw - ext4 /dev/sda1 rw'].join('\n')
    const asked: string[] = []
    const { parsed, collectors, world, files } = setUp('debian-server', { change: { 'self/mountinfo': mountinfo } })
    const hanging: HostFiles = {
      read: async (path) => files.read(path),
      async space(path) {
        asked.push(path)
        return new Promise<SpaceReading>(ignore)
      },
    }
    const round = await outcome(world, createHost(parsed, collectors, hanging).collect(undefined, STILL))

    expect(asked).toEqual(['/m0', '/m1', '/a-disk'])
    expect(samplesOf(round, 'filesystems').filter(({ name }) => name === 'host_filesystem_up')).toHaveLength(7)
  })
})

describe('what cannot be read', () => {
  test.each([
    ['system', 'stat'],
    ['system', 'meminfo'],
    ['filesystems', 'self/mountinfo'],
    ['disks', 'diskstats'],
    ['network', 'net/dev'],
  ])('part %s fails alone without %s, with the reason', async (part, file) => {
    const gone = new OutsideError('local', `${file} could not be read: EACCES`, { retry: true })
    const round = await setUp('debian-server', { change: { [file]: gone } }).round()
    const failed = Object.entries(round.parts).filter(([, result]) => 'failed' in result)

    expect(failed).toEqual([[part, { failed: gone }]])
  })

  test.each([
    ['stat', 'cpu x y z w'],
    ['stat', ''],
    ['meminfo', 'MemFree: 5 kB'],
    ['loadavg', 'a b c'],
    ['uptime', ''],
    ['diskstats', '8 0 sda 1 2 3'],
    ['net/dev', ' eth0: 1 2 3'],
    ['pressure/io', 'nothing here'],
  ])('%s that says %j is malformed, never 0', async (file, text) => {
    const round = await setUp('debian-server', { change: { [file]: text } }).round()
    const failed = Object.values(round.parts).flatMap((result) => ('failed' in result ? [result.failed.reason] : []))

    expect(failed).toEqual(['malformed'])
  })

  test('what a kernel does not have is no failure and no 0', async () => {
    const round = await setUp('old-kernel').round()

    expect(Object.values(round.parts).filter((result) => 'failed' in result)).toEqual([])
    expect(valueOf(round, 'host_memory_available_bytes')).toBeUndefined()
    expect(samplesOf(round, 'pressure')).toEqual([])
  })

  test('status says null and why', async () => {
    const gone = new OutsideError('local', '/proc/stat could not be read: EACCES', { retry: true })
    const { status } = await setUp('debian-server', { change: { stat: gone } }).round()

    expect(status).toMatchObject({ cpus: null, reasons: { system: '/proc/stat could not be read: EACCES' } })
  })

  test('a read that never ends is cut at the timeout', async () => {
    const { parsed, collectors, world, files } = setUp('debian-server', { config: { timeout: '2s' } })
    const stuck: HostFiles = {
      ...files,
      read: async (path) => (path.endsWith('diskstats') ? new Promise<string>(ignore) : files.read(path)),
    }
    const round = await outcome(world, createHost(parsed, collectors, stuck).collect(undefined, STILL))

    expect(round.parts['disks']).toMatchObject({ failed: { reason: 'timeout' } })
    expect(round.parts['network']).toHaveProperty('samples')
  })
})

test.each([undefined, null, 5, { version: 2 }, { version: 1, cpu: 'x' }])(
  'a cursor that says %j is begun anew',
  async (cursor) => {
    const { collector, world } = setUp('old-kernel')
    const round = await outcome(world, collector.collect(cursor, STILL))

    expect(round.events).toEqual([])
    expect(round.parts['system']).toHaveProperty('samples')
  },
)

test('a cursor stays within its 64 kB on a host with thousands of mounts', async () => {
  const mountinfo = Array.from(
    { length: 5_000 },
    (_, index) =>
      `${index} 1 9:${index} / /mnt/${'x'.repeat(110)}${index} rw - ext4 /dev/disk/by-id/${'y'.repeat(100)}${index} rw`,
  ).join('\n')
  const { parsed, collectors, world, files } = setUp('debian-server')
  const many: HostFiles = {
    read: async (path) => (path.endsWith('mountinfo') ? mountinfo : files.read(path)),
    space: async () =>
      Promise.resolve({ sizeBytes: 1e15, freeBytes: 1e14, availableBytes: 1e14, inodes: 1e12, inodesFree: 1e11 }),
  }
  const round = await outcome(world, createHost(parsed, collectors, many).collect(undefined, STILL))

  expect(JSON.stringify(round.cursor).length).toBeLessThan(64_000)
})

async function probe(name: string, config: Readonly<Record<string, unknown>> = {}) {
  const { parsed, collectors, world, files } = setUp(name, { config })
  return outcome(world, probeHost(parsed, collectors, STILL, files))
}

describe('check', () => {
  test('says part by part what can be read', async () => {
    expect(await probe('container')).toEqual([
      { what: 'system', ok: true, detail: '24 series' },
      { what: 'filesystems', ok: true, detail: '18 series' },
      { what: 'disks', ok: true, detail: '0 series' },
      { what: 'network', ok: true, detail: '8 series' },
      { what: 'pressure', ok: true, detail: 'unsupported: this kernel does not count it' },
    ])
  })

  test('says that a foreign proc needs a root, too', async () => {
    expect(await probe('host-from-container', { root: '/' })).toContainEqual({
      what: 'root',
      ok: false,
      detail:
        'proc is /host/proc and root is not set: the file systems of the host cannot be reached. Mount its / and set root',
    })
  })
})

test('this machine can be read, where it is a Linux', async ({ skip }) => {
  skip(process.platform !== 'linux', 'there is no /proc here')
  const { collectors } = collectorWorld(1_767_225_600_000)
  const parsed = hostSchema.parse({ type: 'host', name: 'here' })

  const round = await createHost(parsed, collectors).collect(undefined, STILL)

  expect(valueOf(round, 'host_cpus')).toBeGreaterThan(0)
  expect(valueOf(round, 'host_memory_total_bytes')).toBeGreaterThan(0)
})
