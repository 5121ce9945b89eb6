import type { ChannelDefinition } from '../channel.ts'
import { type PagerdutyConfig, pagerdutySchema } from './config.ts'

export const pagerdutyChannel: ChannelDefinition<PagerdutyConfig> = {
  kind: 'pagerduty',
  configKey: 'pagerduty_configs',
  summary: 'Opens and resolves PagerDuty incidents (Events API v2)',
  schema: pagerdutySchema,
  audience: 'machine',
  globals: { url: 'pagerduty_url', http_config: 'http_config' },
  load: async () => (await import('./pagerduty.ts')).createPagerduty,
}
