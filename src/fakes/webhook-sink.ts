import type { FakeService } from './serve.ts'

/** One accepted POST. */
interface SunkMessage {
  /** The header `webhook-id`, by which a receiver tells a repetition; '' when there was none. */
  readonly id: string
  readonly headers: Headers
  /** The JSON that came. */
  readonly body: unknown
}

/** What a sink answers instead of accepting. */
interface SinkTrouble {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A receiver of webhooks that remembers what it accepted and can be told to misbehave. */
export interface WebhookSink {
  readonly service: FakeService
  readonly accepted: readonly SunkMessage[]
  /** How many requests came, accepted or not. */
  readonly requests: () => number
  /** Answers the next requests so, one each, and then accepts again. */
  trouble(...answers: readonly SinkTrouble[]): void
  /** Hears of each message when it is accepted. */
  onAccepted(listener: (message: SunkMessage) => void): void
}

export function createWebhookSink(): WebhookSink {
  const accepted: SunkMessage[] = []
  const troubles: SinkTrouble[] = []
  const listeners: ((message: SunkMessage) => void)[] = []
  let requests = 0
  return {
    accepted,
    requests: () => requests,
    trouble(...answers) {
      troubles.push(...answers)
    },
    onAccepted(listener) {
      listeners.push(listener)
    },
    async service(request) {
      requests += 1
      const text = await request.text()
      const trouble = troubles.shift()
      if (trouble !== undefined) {
        return new Response(trouble.body ?? null, { status: trouble.status, headers: { ...trouble.headers } })
      }
      if (request.method !== 'POST') return new Response('POST only', { status: 405 })
      const body = parseJson(text)
      if (body === undefined) return new Response('this is no JSON', { status: 400 })
      const message = { id: request.headers.get('webhook-id') ?? '', headers: request.headers, body }
      accepted.push(message)
      for (const listener of listeners) listener(message)
      return new Response('ok')
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
