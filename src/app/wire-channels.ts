import { type Channel, channels, type ChannelWorld } from '../channels/index.ts'
import type { Config } from '../config/index.ts'
import { assert } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'
import type { OutboxChannel } from '../outbox/index.ts'

/** Every destination of every receiver, ready to deliver. */
export interface OpenChannels {
  readonly byDestination: ReadonlyMap<string, OutboxChannel>
  stop(): Promise<void>
}

/** Opens the channels that receivers name; no connection is made, and a kind that nobody uses is not loaded. */
export async function openChannels(
  config: Config,
  world: World,
  log: Logger,
  externalUrl: string,
): Promise<OpenChannels> {
  const given: ChannelWorld = { ...world, log: log.child('channels'), externalUrl, timeZone: config.server.time_zone }
  const byDestination = new Map<string, OutboxChannel>()
  const open: Channel[] = []
  for (const destination of config.alerting.receivers.flatMap((receiver) => receiver.destinations)) {
    const definition = channels.find(({ kind }) => kind === destination.kind)
    assert(definition !== undefined, `there is no channel ${destination.kind}`)
    const create = await definition.load()
    const channel = create(destination.config, given)
    open.push(channel)
    byDestination.set(destination.name, {
      kind: definition.kind,
      audience: definition.audience,
      spacingMs: definition.spacingMs,
      channel,
    })
  }
  return {
    byDestination,
    async stop() {
      await Promise.all(open.map(async (channel) => channel.stop()))
    },
  }
}
