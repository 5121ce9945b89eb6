import { assert, OutsideError } from '../../lib/errors.ts'
import { headersOf } from '../../lib/http-config.ts'
import { type HttpAnswer, request, statusError } from '../../lib/http.ts'
import type { Channel, ChannelWorld } from '../channel.ts'
import type { PagerdutyConfig } from './config.ts'
import { type PagerdutyEvent, pagerdutyEvents } from './payload.ts'

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64_000
const NAME = 'PagerDuty'

export function createPagerduty(config: PagerdutyConfig, world: ChannelWorld): Channel {
  const key = config.routing_key ?? config.service_key
  assert(key !== undefined, 'a PagerDuty entry without a key passed its schema')
  if (config.service_key !== undefined) {
    world.log.warn(
      'service_key is the key of Events API v1; it is used as routing_key with Events API v2. If PagerDuty refuses it, add an Events API v2 integration to the service and use its key',
    )
  }

  async function post(event: PagerdutyEvent, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await request(world, {
      url: config.url,
      method: 'POST',
      headers: { ...headersOf(config.http_config), 'content-type': 'application/json' },
      body: JSON.stringify({ routing_key: key?.reveal(), ...event }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: ANSWER_BYTES_MAX,
      signal,
      name: NAME,
    })
    const error = statusError(answer, NAME, world.now())
    if (error !== undefined) throw error
    if (answer.body.trimStart().startsWith('<')) {
      throw new OutsideError('malformed', `${NAME} answered ${answer.status} with a page`, { retry: true })
    }
    return answer
  }

  return {
    async send(notification, signal) {
      const statuses: number[] = []
      // Repeating the first of two is harmless: the same key is the same incident.
      for (const event of pagerdutyEvents(notification, config, world)) {
        const { status } = await post(event, signal)
        statuses.push(status)
      }
      return { answer: statuses.join(', ') }
    },
    async stop() {
      // There is nothing open between messages.
    },
  }
}
