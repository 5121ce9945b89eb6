import { z } from 'zod'

import { type ServedFake, serveFake } from '../../src/fakes/serve.ts'
import { createWebhookSink, type WebhookSink } from '../../src/fakes/webhook-sink.ts'

const messageSchema = z.object({
  version: z.literal('4'),
  status: z.enum(['firing', 'resolved']),
  groupKey: z.string(),
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.string()),
    }),
  ),
})

export type ReceivedAlert = z.output<typeof messageSchema>['alerts'][number]

/** What the receiver knows of one alert. */
export interface Told {
  /** The `webhook-id` of each message that said it fires. */
  readonly firing: readonly string[]
  /** What the last message said. */
  readonly last: ReceivedAlert
}

/** A person's end of it all: takes messages over HTTP and keeps them. */
export interface Receiver extends AsyncDisposable {
  /** Where to POST: the path ends in the given secret. */
  readonly url: string
  readonly sink: WebhookSink
  /** Alerts of a name, by what a pattern finds in their summary. */
  told(alertname: string, pattern: RegExp): ReadonlyMap<string, Told>
  /** Every alert of a name, in the order of the messages. */
  alerts(alertname: string): readonly ReceivedAlert[]
}

export async function startReceiver(secret: string): Promise<Receiver> {
  const sink = createWebhookSink()
  const served: ServedFake = await serveFake(sink.service)
  const received = () =>
    sink.accepted.flatMap(({ id, body }) => messageSchema.parse(body).alerts.map((alert) => ({ id, alert })))
  return {
    url: `${served.url}/${secret}`,
    sink,
    alerts: (alertname) => received().flatMap(({ alert }) => (alert.labels['alertname'] === alertname ? [alert] : [])),
    told(alertname, pattern) {
      const told = new Map<string, Told>()
      for (const { id, alert } of received()) {
        const key = pattern.exec(alert.annotations['summary'] ?? '')?.[0]
        if (alert.labels['alertname'] !== alertname || key === undefined) continue
        const firing = told.get(key)?.firing ?? []
        told.set(key, { firing: alert.status === 'firing' ? [...firing, id] : firing, last: alert })
      }
      return told
    },
    [Symbol.asyncDispose]: async () => served.close(),
  }
}
