import type { ChannelDefinition } from '../channel.ts'
import { type SlackConfig, slackSchema } from './config.ts'

export const slackChannel: ChannelDefinition<SlackConfig> = {
  kind: 'slack',
  configKey: 'slack_configs',
  summary: 'Posts to a Slack channel through an incoming webhook',
  schema: slackSchema,
  audience: 'person',
  spacingMs: 1_000,
  globals: { api_url: 'slack_api_url', http_config: 'http_config' },
  load: async () => (await import('./slack.ts')).createSlack,
}
