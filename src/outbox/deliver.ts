import type { Notification } from '../core/notification.ts'
import { type FailureReason, messageOf, OutsideError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** What can carry a message; a channel is one. */
export interface Carrier {
  /** Delivers, or rejects with an `OutsideError`. */
  send(notification: Notification, signal: AbortSignal): Promise<{ readonly answer: string }>
}

/** What became of one attempt. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly answer: string }
  | {
      readonly kind: 'retry'
      readonly reason: FailureReason
      readonly answer: string
      readonly retryAfterMs: number | undefined
    }
  | { readonly kind: 'refused'; readonly reason: FailureReason; readonly answer: string }
  /** We stopped before there was an answer: nothing is known. */
  | { readonly kind: 'stopped' }

/** How long one message may take. */
const TIMEOUT_MS = 10_000
const ANSWER_MAX = 500

export interface Delivery {
  readonly carrier: Carrier
  readonly notification: Notification
  readonly destination: string
  readonly world: Pick<World, 'after'>
  readonly log: Logger
  /** Aborts when the process has no more time. */
  readonly signal: AbortSignal
}

/** Tries once. Never rejects, and never takes longer than the timeout, even where a channel does not listen. */
export async function deliver(delivery: Delivery): Promise<Outcome> {
  const { carrier, notification, world, signal } = delivery
  const clock = new AbortController()
  const cancel = world.after(TIMEOUT_MS, () => clock.abort())
  const either = AbortSignal.any([clock.signal, signal])
  try {
    const receipt = await Promise.race([carrier.send(notification, either), rejectOnAbort(either)])
    return { kind: 'accepted', answer: receipt.answer.slice(0, ANSWER_MAX) }
  } catch (error) {
    if (signal.aborted) return { kind: 'stopped' }
    if (clock.signal.aborted) {
      return { kind: 'retry', reason: 'timeout', answer: `no answer within ${TIMEOUT_MS} ms`, retryAfterMs: undefined }
    }
    return outcomeOf(error, delivery)
  } finally {
    cancel()
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Error('the attempt was given up'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

function outcomeOf(error: unknown, { destination, log }: Delivery): Outcome {
  const answer = messageOf(error).slice(0, ANSWER_MAX)
  if (error instanceof OutsideError) {
    const { reason, retryAfterMs } = error
    return error.retry ? { kind: 'retry', reason, answer, retryAfterMs } : { kind: 'refused', reason, answer }
  }
  log.error('A channel failed in itself; the message is kept and tried again', { destination, error: answer })
  return { kind: 'retry', reason: 'local', answer, retryAfterMs: undefined }
}
