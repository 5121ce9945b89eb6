import { z } from 'zod'

import { httpConfigSchema, secretUrlSchema } from '../../lib/http-config.ts'

const plainText = z
  .string()
  .refine(
    (text) => !text.includes('{{'),
    'templates are not yet supported here: leave the key out, or write plain text',
  )

export const slackSchema = z.strictObject({
  name: z.string().min(1).optional().describe('Names the destination; default: <receiver>/slack/<n>.'),
  send_resolved: z.boolean().default(false).describe('Also tell when alerts are over.'),
  api_url: secretUrlSchema.describe('The URL of the incoming webhook. A secret.'),
  channel: plainText.optional().describe('Where to post; the webhook’s own channel by default.'),
  username: plainText.optional().describe('Who posts.'),
  icon_emoji: plainText.optional().describe('The face of who posts, as :bell:.'),
  icon_url: plainText.optional().describe('The face of who posts, as a picture.'),
  title: plainText.optional().describe('Instead of our own title.'),
  title_link: plainText.optional().describe('Where the title leads; default: this server.'),
  text: plainText.optional().describe('A line before the alerts.'),
  color: plainText.optional().describe('The stripe at the left; default: by severity.'),
  http_config: httpConfigSchema.optional().describe('Who we say we are.'),
})

export type SlackConfig = z.output<typeof slackSchema>
