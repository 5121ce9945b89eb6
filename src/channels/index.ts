import type { ChannelDefinition } from './channel.ts'
import { consoleChannel } from './console/index.ts'
import { pagerdutyChannel } from './pagerduty/index.ts'
import { slackChannel } from './slack/index.ts'
import { webhookChannel } from './webhook/index.ts'

export type { Channel, ChannelWorld } from './channel.ts'

/** Every kind of channel there is. One line each. */
export const channels: readonly ChannelDefinition[] = [consoleChannel, pagerdutyChannel, slackChannel, webhookChannel]
