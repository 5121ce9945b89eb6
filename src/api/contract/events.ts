import { z } from 'zod'

/** `GET /api/events`: all parameters are text, as they stand in a URL. */
export const eventsQuery = z.strictObject({
  target: z.string().optional(),
  name: z.string().optional(),
  /** ISO 8601 or milliseconds UTC. */
  from: z.string().optional(),
  to: z.string().optional(),
  /** Only what was stored after this number: for following. */
  after: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
})

const event = z.object({
  sequence: z.number(),
  target: z.string(),
  type: z.string(),
  name: z.string(),
  id: z.string(),
  time: z.string(),
  height: z.number().nullable(),
  transaction: z.string().nullable(),
  history: z.boolean(),
  args: z.record(z.string(), z.unknown()),
})

export const eventsAnswer = z.object({ events: z.array(event) })

export type EventsAnswer = z.output<typeof eventsAnswer>
