import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import type { KnownSpace } from './cursor.ts'
import type { HostFiles, SpaceReading } from './files.ts'
import type { Mount } from './mounts.ts'
import type { MountReading } from './samples.ts'

/** How long one file system may take: a healthy one takes a tenth of a millisecond. */
const ANSWER_MS_MAX = 1_000

/**
 * A question to a dead network file system is never answered and cannot be taken back: it holds one of the process' four
 * threads for files until the server returns. With this many held no further one of its kind is asked; disks always are.
 */
const HELD_MAX = 2

/** File systems behind which a server, or a program, answers. */
const SERVED = /^(?:nfs|cifs|smb|ceph|gluster|lustre|9p|afs|beegfs|gpfs|ocfs|virtiofs|fuse)/

/** Asks mounts for their space, one after the other. */
export interface SpaceReader {
  read(mounts: readonly Mount[], known: Readonly<Record<string, KnownSpace>>): Promise<readonly MountReading[]>
}

/** Remembers which questions are still open, so that none is asked twice. */
export function createSpaceReader(world: World, files: HostFiles, timeoutMs: number): SpaceReader {
  const held = new Set<string>()

  async function ask({ path, fstype }: Mount): Promise<SpaceReading> {
    if (held.has(path)) throw new OutsideError('timeout', `${path} has not answered yet`, { retry: true })
    if (held.size >= HELD_MAX && SERVED.test(fstype)) {
      throw new OutsideError('timeout', `${path} was not asked: ${held.size} others do not answer`, { retry: true })
    }
    held.add(path)
    const asked = files.space(path)
    const settle = () => held.delete(path)
    asked.then(settle, settle)
    return within(world, asked, { ms: Math.min(ANSWER_MS_MAX, timeoutMs), what: `the file system at ${path}` })
  }

  return {
    async read(mounts, known) {
      const readings: MountReading[] = []
      for (const mount of mounts) readings.push(await readOne(mount, known[mount.mount]))
      // A file system without size (a mount of FUSE that offers none) cannot fill up.
      return readings.filter(({ space }) => space === undefined || space.sizeBytes > 0)
    },
  }

  async function readOne(mount: Mount, before: KnownSpace | undefined): Promise<MountReading> {
    try {
      const space = await ask(mount)
      return { mount, isUp: true, space: { at: world.now(), ...space } }
    } catch {
      return { mount, isUp: false, space: before }
    }
  }
}

/** The answer, or an `OutsideError` when it takes longer. */
export async function within<T>(
  world: World,
  asked: Promise<T>,
  limit: { readonly ms: number; readonly what: string },
): Promise<T> {
  const clock = Promise.withResolvers<never>()
  const cancel = world.after(limit.ms, () => {
    clock.reject(new OutsideError('timeout', `${limit.what} gave no answer within ${limit.ms} ms`, { retry: true }))
  })
  try {
    return await Promise.race([asked, clock.promise])
  } finally {
    cancel()
  }
}
