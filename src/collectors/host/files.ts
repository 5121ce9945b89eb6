import { open, statfs } from 'node:fs/promises'

import { messageOf, OutsideError } from '../../lib/errors.ts'

/** The largest file that is read: a host with thousands of mounts has a list of them of a few hundred kB. */
const FILE_BYTES_MAX = 4 * 1024 * 1024

/** What `statfs` says of one file system, in bytes and counts. */
export interface SpaceReading {
  readonly sizeBytes: number
  readonly freeBytes: number
  /** Without what is kept for root: what a service can still write. */
  readonly availableBytes: number
  /** 0 where the file system has no fixed number of them. */
  readonly inodes: number
  readonly inodesFree: number
}

/** How this collector reaches the machine. */
export interface HostFiles {
  /** @throws OutsideError `not-found`, `unsupported`, `too-large` or `local` */
  read(path: string): Promise<string>
  /** May never settle: a network file system whose server is gone answers nobody. */
  space(path: string): Promise<SpaceReading>
}

export const nodeFiles: HostFiles = { read: readBounded, space }

async function readBounded(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      return await readAll(path, async (buffer) => (await file.read(buffer)).bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw failure(`${path} could not be read`, error)
  }
}

/** Files in /proc have no size: they are read until they end. */
async function readAll(path: string, fill: (buffer: Buffer) => Promise<number>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(16_384)
    const count = await fill(chunk)
    if (count === 0) return Buffer.concat(chunks).toString()
    chunks.push(chunk.subarray(0, count))
    size += count
    if (size > FILE_BYTES_MAX) {
      throw new OutsideError('too-large', `${path} has more than ${FILE_BYTES_MAX} bytes`, { retry: false })
    }
  }
}

async function space(path: string): Promise<SpaceReading> {
  try {
    // As bigint: blocks times their size passes 2^53 on large pools, and is rounded only at the end.
    const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path, { bigint: true })
    return {
      sizeBytes: Number(blocks * bsize),
      freeBytes: Number(bfree * bsize),
      availableBytes: Number(bavail * bsize),
      inodes: Number(files),
      inodesFree: Number(ffree),
    }
  } catch (error) {
    throw failure(`the file system at ${path} could not be asked`, error)
  }
}

const REASONS = new Map<string, 'not-found' | 'unsupported'>([
  ['ENOENT', 'not-found'],
  ['ENOTDIR', 'not-found'],
  // What the kernel says of pressure where it was switched off at boot.
  ['EOPNOTSUPP', 'unsupported'],
  ['ENOTSUP', 'unsupported'],
])

function failure(attempt: string, error: unknown): OutsideError {
  if (error instanceof OutsideError) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const words = code === '' ? messageOf(error) : code
  return new OutsideError(REASONS.get(code) ?? 'local', `${attempt}: ${words}`, { retry: true, cause: error })
}
