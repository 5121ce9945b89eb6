import type { Event } from '../../core/event.ts'
import type { Sample } from '../../core/sample.ts'
import { messageOf, OutsideError } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import type { Collector, CollectorWorld, PartResult, Round } from '../collector.ts'
import type { HostConfig } from './config.ts'
import { type HostCursor, type KnownSpace, readCursor } from './cursor.ts'
import { CLOCK_SET, REBOOTED } from './events.ts'
import { type HostFiles, nodeFiles } from './files.ts'
import { createSpaceReader, within } from './filesystems.ts'
import { parseMounts } from './mounts.ts'
import { parseDisks, parseInterfaces, parsePressure } from './proc.ts'
import {
  diskSamples,
  interfaceSamples,
  type MountReading,
  mountSamples,
  pressureSamples,
  systemSamples,
} from './samples.ts'
import { statusOf } from './status.ts'
import { readSystem, type SystemLook } from './system.ts'

/** A clock that moved by less was slewed, as time daemons do all day. */
const CLOCK_SET_SECONDS = 2
/** A path this long is not remembered, to keep the cursor small. */
const REMEMBERED_PATH_BYTES_MAX = 120

/** What was read, or why not. */
type Outcome<T> = { readonly value: T } | { readonly failed: OutsideError }

/** Watches the machine below `proc` and `root`. */
export function createHost(config: HostConfig, world: CollectorWorld, files: HostFiles = nodeFiles): Collector {
  const isForeign = config.proc !== '/proc'
  const spaceReader = createSpaceReader(world, files, config.timeout)

  async function read(name: string): Promise<string> {
    const path = `${config.proc}/${name}`
    return within(world, files.read(path), { ms: config.timeout, what: path })
  }

  /** The host's own view, where it is not ours: process 1 of its proc lives on the host itself. */
  async function readNetwork(): Promise<string> {
    if (!isForeign) return read('net/dev')
    return read('1/net/dev').catch(async () => read('net/dev'))
  }

  async function readMounts(before: HostCursor | undefined): Promise<readonly MountReading[]> {
    const { root, ignore_mounts: ignored } = config
    const theirs = isForeign ? await read('1/mountinfo').catch(() => undefined) : undefined
    const text = theirs ?? (await read('self/mountinfo'))
    const mounts = parseMounts(text, { root, isForeign: theirs !== undefined, ignored })
    return spaceReader.read(mounts, before?.space ?? {})
  }

  return {
    async collect(stored: Json | undefined): Promise<Round> {
      const before = readCursor(stored)
      const [system, mounts, disks, network, pressure] = await Promise.all([
        attempt(async () => readSystem(world, read, before)),
        attempt(async () => readMounts(before)),
        attempt(async () => parseDisks(await read('diskstats')).flatMap(diskSamples)),
        attempt(async () => parseInterfaces(await readNetwork()).flatMap(interfaceSamples)),
        attempt(async () => readPressure(read)),
      ])
      const at = world.now()
      const look = 'value' in system ? system.value : undefined
      return {
        at,
        parts: {
          system: part(system, ({ reading }) => systemSamples(reading)),
          filesystems: part(mounts, (readings) => readings.flatMap(mountSamples)),
          disks: part(disks, (samples) => samples),
          network: part(network, (samples) => samples),
          pressure: part(pressure, (samples) => samples),
        },
        events: look === undefined ? [] : eventsOf(look, before, world.firstStartedAt),
        retracted: [],
        duties: [],
        journeys: [],
        cursor: nextCursor(at, look, 'value' in mounts ? mounts.value : undefined, before),
        more: false,
        status: statusOf(at, system, mounts),
      }
    },
    stop: async () => undefined,
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof OutsideError) return { failed: error }
    return { failed: new OutsideError('local', messageOf(error), { retry: true, cause: error }) }
  }
}

function part<T>(outcome: Outcome<T>, samplesOf: (value: T) => readonly Sample[]): PartResult {
  return 'failed' in outcome ? outcome : { samples: samplesOf(outcome.value) }
}

/** A kernel without pressure, or with it switched off, is one with nothing to say. */
async function readPressure(read: (name: string) => Promise<string>): Promise<readonly Sample[]> {
  const resources = ['cpu', 'memory', 'io'].map(async (resource) => {
    const text = await read(`pressure/${resource}`).catch(noneWhereUnsupported)
    return text === undefined ? [] : pressureSamples(resource, parsePressure(text))
  })
  return (await Promise.all(resources)).flat()
}

function noneWhereUnsupported(error: unknown): undefined {
  const isAbsent = error instanceof OutsideError && (error.reason === 'not-found' || error.reason === 'unsupported')
  if (isAbsent) return undefined
  throw error
}

function eventsOf(
  { reading, boot }: SystemLook,
  before: HostCursor | undefined,
  firstStartedAt: number,
): readonly Event[] {
  const { at, uptimeSeconds, clockStepSeconds } = reading
  const of = boot ?? 'boot'
  if (before?.boot !== undefined && boot !== undefined && before.boot !== boot) {
    const time = Math.round(at - uptimeSeconds * 1000)
    const fact = `${of}:rebooted`
    const args = { boot_time: new Date(time).toISOString() }
    return [{ type: REBOOTED, name: 'rebooted', key: fact, id: fact, time, isHistory: time < firstStartedAt, args }]
  }
  if (clockStepSeconds === undefined || Math.abs(clockStepSeconds) < CLOCK_SET_SECONDS) return []
  const fact = `${of}:clock_set:${at}`
  const args = { seconds: Math.round(clockStepSeconds * 1000) / 1000 }
  return [{ type: CLOCK_SET, name: 'clock_set', key: fact, id: fact, time: at, isHistory: false, args }]
}

/** What could not be read this time is remembered from before. */
function nextCursor(
  at: number,
  look: SystemLook | undefined,
  mounts: readonly MountReading[] | undefined,
  before: HostCursor | undefined,
): Json {
  const space: Record<string, KnownSpace> = {}
  for (const { mount, space: known } of mounts ?? []) {
    if (known !== undefined && Buffer.byteLength(mount.mount) <= REMEMBERED_PATH_BYTES_MAX) space[mount.mount] = known
  }
  const system =
    look === undefined
      ? { at: before?.at ?? at, boot: before?.boot, clockMs: before?.clockMs ?? 0, cpu: before?.cpu ?? {} }
      : { at, boot: look.boot, clockMs: look.clockMs, cpu: look.reading.cpuSeconds }
  const { boot, ...rest } = system
  const kept = mounts === undefined ? (before?.space ?? {}) : space
  return { version: 1, ...rest, ...(boot === undefined ? {} : { boot }), space: kept }
}
