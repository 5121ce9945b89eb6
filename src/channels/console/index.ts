import { z } from 'zod'

import type { ChannelDefinition } from '../channel.ts'

const consoleSchema = z.strictObject({
  name: z.string().min(1).optional().describe('Names the destination; default: <receiver>/console/<n>.'),
  send_resolved: z.boolean().default(true).describe('Also tell when alerts are over.'),
})

/** Where alerts go when nothing else is configured. */
export const consoleChannel: ChannelDefinition = {
  kind: 'console',
  configKey: 'console_configs',
  summary: 'Prints one line for each alert',
  schema: consoleSchema,
  audience: 'person',
  load: async () => (await import('./console.ts')).createConsole,
}
