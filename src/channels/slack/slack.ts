import { OutsideError } from '../../lib/errors.ts'
import { headersOf } from '../../lib/http-config.ts'
import { type HttpAnswer, request, statusError } from '../../lib/http.ts'
import type { Channel, ChannelWorld } from '../channel.ts'
import type { SlackConfig } from './config.ts'
import { slackPayload } from './payload.ts'

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64_000
const NAME = 'Slack'
/** Slack's own words for a webhook that is gone for good, whatever the status beside them. */
const GONE = /^(no_service|no_service_id|no_team|no_active_hooks|team_disabled|channel_not_found|channel_is_archived)$/
const FORBIDDEN = /^(invalid_token|action_prohibited|posting_to_general_channel_denied)$/

export function createSlack(config: SlackConfig, world: ChannelWorld): Channel {
  return {
    async send(notification, signal) {
      const answer = await request(world, {
        url: config.api_url.reveal(),
        method: 'POST',
        headers: { ...headersOf(config.http_config), 'content-type': 'application/json' },
        body: JSON.stringify(slackPayload(notification, config, world)),
        timeoutMs: TIMEOUT_MS,
        maxBytes: ANSWER_BYTES_MAX,
        signal,
        name: NAME,
      })
      const error = errorOf(answer, world.now())
      if (error !== undefined) throw error
      return { answer: `${answer.status} ok` }
    },
    async stop() {
      // There is nothing open between messages.
    },
  }
}

/** Slack says what is wrong in a word, and in a status that does not always fit it. */
function errorOf(answer: HttpAnswer, now: number): OutsideError | undefined {
  const word = answer.body.trim()
  if (GONE.test(word)) return refused('not-found', answer.status, word)
  if (FORBIDDEN.test(word)) return refused('auth', answer.status, word)
  const error = statusError(answer, NAME, now)
  if (error !== undefined || word === 'ok') return error
  if (word.startsWith('<')) {
    return new OutsideError('malformed', `${NAME} answered ${answer.status} with a page instead of ok`, { retry: true })
  }
  return refused('rejected', answer.status, answer.said())
}

function refused(reason: 'not-found' | 'auth' | 'rejected', status: number, word: string): OutsideError {
  return new OutsideError(reason, `${NAME} answered ${status}: ${word}`, { retry: false })
}
