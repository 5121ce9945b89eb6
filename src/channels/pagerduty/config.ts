import { z } from 'zod'

import { httpConfigSchema } from '../../lib/http-config.ts'
import { secretSchema } from '../../lib/schema.ts'

const plainText = z
  .string()
  .refine(
    (text) => !text.includes('{{'),
    'templates are not yet supported here: leave the key out, or write plain text',
  )

const link = z.strictObject({ href: plainText, text: plainText.default('') })

export const pagerdutySchema = z
  .strictObject({
    name: z.string().min(1).optional().describe('Names the destination; default: <receiver>/pagerduty/<n>.'),
    send_resolved: z.boolean().default(true).describe('Resolve the incident when its alerts are over.'),
    routing_key: secretSchema.optional().describe('The integration key of an Events API v2 integration.'),
    service_key: secretSchema.optional().describe('The old name of the key; it is used as routing_key.'),
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://events.pagerduty.com/v2/enqueue')
      .describe('Where events go.'),
    client: plainText.default('Chainwarden').describe('Who reports.'),
    client_url: plainText.optional().describe('Where the reporter can be looked at; default: this server.'),
    description: plainText.optional().describe('Instead of our own summary.'),
    severity: z
      .enum(['critical', 'error', 'warning', 'info'])
      .optional()
      .describe('Default: that of the most severe alert.'),
    source: plainText.optional().describe('What has the problem; default: the target, else the instance.'),
    class: plainText.optional(),
    component: plainText.optional(),
    group: plainText.optional(),
    details: z.record(z.string(), plainText).default({}).describe('Further fields of the incident.'),
    links: z.array(link).default([]).describe('Further links.'),
    http_config: httpConfigSchema.optional().describe('Who we say we are.'),
  })
  .refine(
    ({ routing_key, service_key }) => (routing_key === undefined) !== (service_key === undefined),
    'exactly one of routing_key and service_key is needed',
  )

export type PagerdutyConfig = z.output<typeof pagerdutySchema>
