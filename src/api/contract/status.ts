import { z } from 'zod'

const part = z.object({ ok: z.boolean(), reason: z.string(), detail: z.string() })

/** A target; what its type says of itself stands beside these keys, each null where it could not be seen. */
const target = z.looseObject({
  name: z.string(),
  type: z.string(),
  up: z.boolean().nullable(),
  caught_up: z.boolean(),
  last_round: z.string().nullable(),
  last_duration_seconds: z.number().nullable(),
  parts: z.record(z.string(), part),
})

const alert = z.object({
  episode: z.string(),
  fingerprint: z.string(),
  source: z.string(),
  state: z.enum(['firing', 'unknown']),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  starts_at: z.string(),
})

/** `GET /api/status` */
export const statusAnswer = z.object({
  version: z.string(),
  timestamp: z.string(),
  started_at: z.string(),
  ready: z.boolean(),
  targets: z.array(target),
  alerts: z.array(alert),
  queued: z.record(z.string(), z.number()),
})

export type StatusAnswer = z.output<typeof statusAnswer>
