import { headersOf } from '../../lib/http-config.ts'
import { request, statusError } from '../../lib/http.ts'
import type { Channel, ChannelWorld } from '../channel.ts'
import type { WebhookConfig } from './config.ts'
import { webhookPayload } from './payload.ts'

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64_000

export function createWebhook(config: WebhookConfig, world: ChannelWorld): Channel {
  const url = config.url.reveal()
  // Its host and no more: whoever knows the path may post.
  const name = `The webhook of ${new URL(url).host}`
  return {
    async send(notification, signal) {
      const answer = await request(world, {
        url,
        method: 'POST',
        // The same over all attempts: by it a receiver tells a repetition (Standard Webhooks).
        headers: {
          ...headersOf(config.http_config),
          'content-type': 'application/json',
          'webhook-id': notification.id,
        },
        body: JSON.stringify(webhookPayload(notification, config.max_alerts, world.externalUrl)),
        timeoutMs: TIMEOUT_MS,
        maxBytes: ANSWER_BYTES_MAX,
        signal,
        name,
      })
      const error = statusError(answer, name, world.now())
      if (error !== undefined) throw error
      return { answer: `${answer.status}` }
    },
    async stop() {
      // There is nothing open between messages.
    },
  }
}
