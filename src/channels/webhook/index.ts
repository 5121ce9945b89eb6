import type { ChannelDefinition } from '../channel.ts'
import { type WebhookConfig, webhookSchema } from './config.ts'

export const webhookChannel: ChannelDefinition<WebhookConfig> = {
  kind: 'webhook',
  configKey: 'webhook_configs',
  summary: 'POSTs Alertmanager’s version 4 JSON',
  schema: webhookSchema,
  audience: 'machine',
  globals: { http_config: 'http_config' },
  load: async () => (await import('./webhook.ts')).createWebhook,
}
