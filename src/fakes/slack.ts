import { z } from 'zod'

import type { FakeService } from './serve.ts'

/*
 * Slack's incoming webhooks, with their limits and their errors (facts from Slack's documentation, "Sending messages
 * using incoming webhooks" and "Rate limits"; the total of all blocks from slackapi/bolt-js issue 2509): about one
 * message a second with short bursts, then 429 with `Retry-After`; errors are one word as text.
 */

const BLOCKS_MAX = 50
const SECTION_MAX = 3_000
const TOTAL_MAX = 13_200
const BURST = 4
const REFILL_MS = 1_000

const blockSchema = z.object({ type: z.string(), text: z.object({ type: z.string(), text: z.string() }).optional() })
const messageSchema = z.object({
  text: z.string().optional(),
  channel: z.string().optional(),
  username: z.string().optional(),
  blocks: z.array(blockSchema).optional(),
  attachments: z.array(z.object({ color: z.string().optional(), blocks: z.array(blockSchema).optional() })).optional(),
})

type SlackMessage = z.output<typeof messageSchema>

export interface FakeSlack {
  readonly service: FakeService
  /** The path of the one webhook that exists. */
  readonly path: string
  readonly messages: readonly SlackMessage[]
  readonly requests: () => number
  /** From now on the webhook answers this word with its status, as `no_service` when it was revoked. */
  revoke(word: 'no_service' | 'channel_is_archived' | 'action_prohibited'): void
}

const REVOKED_STATUS = { no_service: 404, channel_is_archived: 410, action_prohibited: 403 } as const

/** @param now milliseconds, for the rate limit */
export function createFakeSlack(now: () => number): FakeSlack {
  const path = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'
  const messages: SlackMessage[] = []
  let requests = 0
  let revoked: keyof typeof REVOKED_STATUS | undefined
  let tokens = BURST
  let refilledAt = now()

  /** Seconds to wait; 0: go on. */
  function takeToken(): number {
    const gained = Math.floor((now() - refilledAt) / REFILL_MS)
    tokens = Math.min(BURST, tokens + gained)
    refilledAt += gained * REFILL_MS
    if (tokens === 0) return Math.ceil((refilledAt + REFILL_MS - now()) / 1_000)
    tokens -= 1
    return 0
  }

  return {
    path,
    messages,
    requests: () => requests,
    revoke(word) {
      revoked = word
    },
    async service(request) {
      requests += 1
      if (request.method !== 'POST') return new Response('invalid_method', { status: 405 })
      if (new URL(request.url).pathname !== path) return new Response('no_service', { status: 404 })
      if (revoked !== undefined) return new Response(revoked, { status: REVOKED_STATUS[revoked] })
      const waitSeconds = takeToken()
      if (waitSeconds > 0) {
        return new Response('rate_limited', { status: 429, headers: { 'retry-after': String(waitSeconds) } })
      }
      const message = parse(await request.text())
      const fault = message === undefined ? 'invalid_payload' : faultOf(message)
      if (message === undefined || fault !== undefined) return new Response(fault, { status: 400 })
      messages.push(message)
      return new Response('ok')
    },
  }
}

function parse(text: string): SlackMessage | undefined {
  try {
    return messageSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function faultOf(message: SlackMessage): string | undefined {
  const lists = [message.blocks ?? [], ...(message.attachments ?? []).map(({ blocks }) => blocks ?? [])]
  const texts = lists.flat().map(({ text }) => text?.text ?? '')
  if ((message.text ?? '') === '' && texts.length === 0) return 'no_text'
  if (lists.some((blocks) => blocks.length > BLOCKS_MAX)) return 'invalid_blocks'
  if (texts.some((text) => text.length === 0 || text.length > SECTION_MAX)) return 'invalid_blocks'
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  return total > TOTAL_MAX ? 'msg_blocks_too_long' : undefined
}
