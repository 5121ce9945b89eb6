import { z } from 'zod'

import type { Json } from '../../lib/json.ts'

/** What was last read of a mount: written again while it cannot be asked. */
const spaceSchema = z.object({
  at: z.number(),
  sizeBytes: z.number(),
  freeBytes: z.number(),
  availableBytes: z.number(),
  inodes: z.number(),
  inodesFree: z.number(),
})

const cursorSchema = z.object({
  version: z.literal(1),
  at: z.number(),
  /** Which boot this is; undefined where the kernel does not tell. */
  boot: z.string().optional(),
  /** Wall time minus uptime, milliseconds: it moves only when the clock is set. */
  clockMs: z.number(),
  cpu: z.record(z.string(), z.number()),
  space: z.record(z.string(), spaceSchema),
})

export type HostCursor = z.output<typeof cursorSchema>
export type KnownSpace = z.output<typeof spaceSchema>

/** What the last round left, or undefined: then nothing is compared with it. */
export function readCursor(stored: Json | undefined): HostCursor | undefined {
  return cursorSchema.safeParse(stored).data
}
