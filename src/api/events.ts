import type { StoredEvent } from '../core/event.ts'
import { parseTime } from '../lib/time.ts'
import { type EventsAnswer, eventsQuery } from './contract/index.ts'
import { BadRequest } from './errors.ts'
import type { Routes } from './routes.ts'

/** `GET /api/events`: what happened, oldest first; the newest `limit` of them. */
export function registerEvents({ app, options, actor }: Routes): void {
  app.get('/api/events', async (request): Promise<EventsAnswer> => {
    const asked = eventsQuery.parse(request.query)
    const events = await options.operations.events(actor(request), {
      target: asked.target,
      name: asked.name,
      fromMs: timeOf('from', asked.from),
      toMs: timeOf('to', asked.to),
      afterSequence: asked.after,
      limit: asked.limit,
    })
    return { events: events.map(rowOf) }
  })
}

function timeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = parseTime(text)
  if (ms === undefined) throw new BadRequest(`${name}: write a time as 2026-11-20T12:00:00Z or as seconds since 1970`)
  return ms
}

function rowOf(event: StoredEvent): EventsAnswer['events'][number] {
  return {
    sequence: event.sequence,
    target: event.target,
    type: event.type,
    name: event.name,
    id: event.id,
    time: new Date(event.time).toISOString(),
    height: event.height ?? null,
    transaction: event.tx?.hash ?? null,
    history: event.isHistory,
    args: { ...event.args },
  }
}
