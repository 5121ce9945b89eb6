import { messageOf } from '../../lib/errors.ts'
import type { CollectorWorld, PartResult, Probe } from '../collector.ts'
import { createHost } from './collect.ts'
import type { HostConfig } from './config.ts'
import { type HostFiles, nodeFiles } from './files.ts'

/** One round, told part by part; and whether `proc` and `root` fit together. */
export async function probeHost(
  config: HostConfig,
  world: CollectorWorld,
  signal: AbortSignal,
  files: HostFiles = nodeFiles,
): Promise<readonly Probe[]> {
  try {
    const round = await createHost(config, world, files).collect(undefined, signal)
    return [...Object.entries(round.parts).map(([name, result]) => probeOf(name, result)), ...placeProbes(config)]
  } catch (error) {
    return [{ what: 'host', ok: false, detail: messageOf(error) }]
  }
}

function probeOf(what: string, result: PartResult): Probe {
  if ('failed' in result) return { what, ok: false, detail: result.failed.message }
  if (what === 'pressure' && result.samples.length === 0) {
    return { what, ok: true, detail: 'unsupported: this kernel does not count it' }
  }
  return { what, ok: true, detail: `${result.samples.length} series` }
}

function placeProbes({ proc, root }: HostConfig): readonly Probe[] {
  if (proc === '/proc' || root !== '/') return []
  const detail = `proc is ${proc} and root is not set: the file systems of the host cannot be reached. Mount its / and set root`
  return [{ what: 'root', ok: false, detail }]
}
