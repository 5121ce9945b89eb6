import type { z } from 'zod'

import type { Notification } from '../core/notification.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** What a channel is given. */
export interface ChannelWorld extends World {
  readonly log: Logger
  /** Where Chainwarden can be reached by its reader, without a slash at the end. */
  readonly externalUrl: string
  /** IANA name, for what people read. */
  readonly timeZone: string
  /** Writes a line where the operator looks, for the channel `console`; without it lines go to the log. */
  readonly print?: ((line: string) => void) | undefined
}

/** What a channel said when it accepted. */
interface Receipt {
  /** In words, without secrets: `200 OK`. */
  readonly answer: string
}

/** One destination, ready to deliver. */
export interface Channel {
  /**
   * Delivers, or rejects with an `OutsideError`: with `retry` when the same message may be accepted later, and
   * `retryAfterMs` where the service said how long. Does not retry by itself and does not log.
   */
  send(notification: Notification, signal: AbortSignal): Promise<Receipt>
  stop(): Promise<void>
}

/** Keys that every channel's entry has beside its own. */
export interface ChannelConfig {
  readonly name?: string | undefined
  readonly send_resolved: boolean
}

/** One kind of place. Light: what no receiver uses is never loaded. */
export interface ChannelDefinition<Config extends ChannelConfig = ChannelConfig> {
  readonly kind: string
  /** The key of Alertmanager's receiver, as `webhook_configs`. */
  readonly configKey: string
  readonly summary: string
  readonly schema: z.ZodType<Config>
  /** Machines are queued and batched, never digested; people are digested rather than dropped. */
  readonly audience: 'machine' | 'person'
  /** The least time between two messages to one destination that the service bears. */
  readonly spacingMs?: number
  /** Keys of Alertmanager's `global` that stand in for a missing key of the entry, as `{ api_url: 'slack_api_url' }`. */
  readonly globals?: Readonly<Record<string, string>>
  load(): Promise<ChannelFactory<Config>>
}

/** Taken from a method, so that definitions of different configurations fit into one list. */
type ChannelFactory<Config> = { create(config: Config, world: ChannelWorld): Channel }['create']
