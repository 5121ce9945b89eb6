import type { Channel, ChannelConfig, ChannelWorld } from '../channel.ts'
import { renderMessage } from '../message.ts'

/** A screen is no place for more. */
const LINES_MAX = 50

/** One line for each alert, and one more where there are too many. */
export function createConsole(_: ChannelConfig, world: ChannelWorld): Channel {
  const print = world.print ?? ((line: string) => world.log.info(line))
  return {
    async send(notification) {
      const message = renderMessage(notification, { timeZone: world.timeZone, alertsMax: LINES_MAX })
      for (const { headline, time } of message.entries) print(`${headline} (${time})`)
      if (message.more !== '') print(message.more)
      return { answer: 'printed' }
    },
    async stop() {
      // Nothing is open.
    },
  }
}
