import { z } from 'zod'

import { httpConfigSchema, secretUrlSchema } from '../../lib/http-config.ts'

export const webhookSchema = z.strictObject({
  name: z.string().min(1).optional().describe('Names the destination; default: <receiver>/webhook/<n>.'),
  send_resolved: z.boolean().default(true).describe('Also tell when alerts are over.'),
  url: secretUrlSchema.describe('Where to POST. Treated as a secret, as it often holds one.'),
  max_alerts: z.int().min(0).default(0).describe('Leave out alerts beyond this many; 0: never.'),
  http_config: httpConfigSchema.optional().describe('Who we say we are.'),
})

export type WebhookConfig = z.output<typeof webhookSchema>
