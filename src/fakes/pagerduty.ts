import { z } from 'zod'

import type { FakeService } from './serve.ts'

/*
 * PagerDuty's Events API v2 (its documentation, "Send an alert event"): 202 for what was taken, 400 with the reasons for
 * what never will be, 429 when there is too much. Events with one `dedup_key` are one incident; a trigger after the
 * resolve opens the next.
 */

const BYTES_MAX = 512_000
const KEY_LENGTH = 32

const eventSchema = z.object({
  routing_key: z.string(),
  event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
  dedup_key: z.string().max(255).optional(),
  payload: z
    .object({
      summary: z.string().min(1).max(1_024),
      source: z.string().min(1),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.iso.datetime({ offset: true }).optional(),
      custom_details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  client: z.string().optional(),
  client_url: z.string().optional(),
  links: z.array(z.object({ href: z.string(), text: z.string().optional() })).optional(),
})

type PagerdutyEvent = z.output<typeof eventSchema>

interface PagerdutyIncident {
  readonly key: string
  readonly status: 'triggered' | 'acknowledged' | 'resolved'
  readonly summary: string
  readonly severity: string
  readonly source: string
}

export interface FakePagerduty {
  readonly service: FakeService
  readonly path: string
  /** Every incident there ever was, oldest first. */
  incidents(): readonly PagerdutyIncident[]
  readonly events: readonly PagerdutyEvent[]
  /** Answers the next requests with 429, one each. */
  throttle(times: number): void
}

export function createFakePagerduty(): FakePagerduty {
  const events: PagerdutyEvent[] = []
  const incidents: PagerdutyIncident[] = []
  let throttled = 0

  function apply(event: PagerdutyEvent, key: string): void {
    const index = incidents.findLastIndex((incident) => incident.key === key && incident.status !== 'resolved')
    const open = incidents[index]
    if (event.event_action === 'trigger') {
      if (open !== undefined || event.payload === undefined) return
      const { summary, severity, source } = event.payload
      incidents.push({ key, status: 'triggered', summary, severity, source })
      return
    }
    // What is not open cannot be resolved: PagerDuty takes such an event and drops it.
    if (open === undefined) return
    incidents[index] = { ...open, status: event.event_action === 'resolve' ? 'resolved' : 'acknowledged' }
  }

  return {
    path: '/v2/enqueue',
    events,
    incidents: () => [...incidents],
    throttle(times) {
      throttled += times
    },
    async service(request) {
      const text = await request.text()
      if (throttled > 0) {
        throttled -= 1
        return Response.json(
          { status: 'throttle exceeded', message: 'Requests for this service are arriving too quickly.' },
          { status: 429 },
        )
      }
      if (Buffer.byteLength(text) > BYTES_MAX) return new Response('payload too large', { status: 413 })
      const checked = check(text)
      if ('errors' in checked) {
        return Response.json(
          { status: 'invalid event', message: 'Event object is invalid', errors: checked.errors },
          { status: 400 },
        )
      }
      const key = checked.event.dedup_key ?? `generated-${events.length}`
      events.push(checked.event)
      apply(checked.event, key)
      return Response.json({ status: 'success', message: 'Event processed', dedup_key: key }, { status: 202 })
    },
  }
}

function check(text: string): { readonly event: PagerdutyEvent } | { readonly errors: readonly string[] } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { errors: ['JSON is invalid'] }
  }
  const parsed = eventSchema.safeParse(json)
  if (!parsed.success) {
    return { errors: parsed.error.issues.map(({ path, message }) => `'${path.join('.')}': ${message}`) }
  }
  const event = parsed.data
  if (event.routing_key.length !== KEY_LENGTH) {
    return { errors: [`Length of 'routing_key' is incorrect (should be ${KEY_LENGTH} characters)`] }
  }
  if (event.event_action === 'trigger' && event.payload === undefined) return { errors: ["'payload' is missing"] }
  if (event.event_action !== 'trigger' && event.dedup_key === undefined) return { errors: ["'dedup_key' is missing"] }
  return { event }
}
