import { z } from 'zod'

import type { Route } from '../core/route.ts'
import { durationSchema } from '../lib/schema.ts'
import { crossFaults } from './config-cross-checks.ts'
import { withGlobals } from './config-globals.ts'
import { notYet } from './config-not-yet.ts'
import { receiverSchema } from './config-receivers.ts'
import { buildRoute, routeSchema } from './config-route.ts'

/** What a receiver's entry has, whatever its kind. */
interface DestinationFields {
  readonly name?: string | undefined
  readonly send_resolved: boolean
}

/** What this folder must know of a kind of channel; a channel's definition has all of it. */
export interface ReceiverKind {
  readonly kind: string
  readonly configKey: string
  readonly audience: 'machine' | 'person'
  readonly schema: z.ZodType<DestinationFields>
  readonly globals?: Readonly<Record<string, string>>
}

/** One place of a receiver that is told. */
export interface Destination {
  /** `<receiver>/<kind>/<n>`, or the entry's `name`. Unique. */
  readonly name: string
  readonly kind: string
  readonly audience: 'machine' | 'person'
  readonly sendResolved: boolean
  /** The entry as its channel's schema read it. */
  readonly config: DestinationFields
}

export interface Receiver {
  readonly name: string
  readonly destinations: readonly Destination[]
}

/**
 * `immediate`: a group's first alert goes out at once. `wait`: after `group_wait`, as in Alertmanager.
 */
export type FirstMessage = 'immediate' | 'wait'

/** Where alerts go, checked: every receiver that a route names exists. */
export interface AlertingConfig {
  readonly firstMessage: FirstMessage
  /** How long a posted alert without an end counts as firing. */
  readonly resolveTimeoutMs: number
  readonly route: Route
  readonly receivers: readonly Receiver[]
}

/** What is read where nothing is configured: every alert goes to the console. */
export const DEFAULT_ALERTING = {
  route: { receiver: 'console' },
  receivers: [{ name: 'console', console_configs: [{ name: 'console' }] }],
}

const DEFAULT_RESOLVE_TIMEOUT = '5m'

/** Keys of Alertmanager's `global` that some channel reads, or that may stand there for channels we do not have yet. */
const GLOBAL_KEYS = [
  'http_config',
  'jira_api_url',
  'mattermost_webhook_url',
  'mattermost_webhook_url_file',
  'opsgenie_api_key',
  'opsgenie_api_key_file',
  'opsgenie_api_url',
  'pagerduty_url',
  'rocketchat_api_url',
  'rocketchat_token',
  'rocketchat_token_file',
  'rocketchat_token_id',
  'rocketchat_token_id_file',
  'slack_api_url',
  'slack_api_url_file',
  'slack_app_token',
  'slack_app_token_file',
  'slack_app_url',
  'smtp_auth_identity',
  'smtp_auth_password',
  'smtp_auth_password_file',
  'smtp_auth_secret',
  'smtp_auth_secret_file',
  'smtp_auth_username',
  'smtp_force_implicit_tls',
  'smtp_from',
  'smtp_hello',
  'smtp_require_tls',
  'smtp_smarthost',
  'smtp_tls_config',
  'telegram_api_url',
  'telegram_bot_token',
  'telegram_bot_token_file',
  'victorops_api_key',
  'victorops_api_key_file',
  'victorops_api_url',
  'webex_api_url',
  'wechat_api_corp_id',
  'wechat_api_secret',
  'wechat_api_secret_file',
  'wechat_api_url',
]

const globalSchema = z.strictObject({
  resolve_timeout: durationSchema
    .prefault(DEFAULT_RESOLVE_TIMEOUT)
    .describe('How long a posted alert without an end counts as firing.'),
  ...Object.fromEntries(GLOBAL_KEYS.map((key) => [key, z.unknown().optional()])),
})

/**
 * Alertmanager's configuration, with our `first_message` beside it. The schema of a receiver comes from the channels
 * that there are. Every fault is reported at once, also those between parts of the document, as a receiver that a route
 * names and nobody defines.
 */
export function alertingSchema(kinds: readonly ReceiverKind[]): z.ZodType<AlertingConfig> {
  const document = z
    .strictObject({
      first_message: z
        .enum(['immediate', 'wait'])
        .default('immediate')
        .describe(
          'immediate: the first alert of a group goes out at once. wait: after group_wait, as in Alertmanager.',
        ),
      global: globalSchema.nullish().describe('Defaults for all receivers.'),
      route: routeSchema.describe('The root of the tree that says which alert goes to which receiver.'),
      receivers: z.array(receiverSchema(kinds)).min(1).describe('Who is told, and how.'),
      inhibit_rules: notYet('inhibit_rules'),
      mute_time_intervals: notYet('mute_time_intervals'),
      time_intervals: notYet('time_intervals'),
      templates: notYet('templates'),
    })
    .superRefine(
      (value, context) => {
        for (const fault of crossFaults(value)) context.addIssue({ code: 'custom', ...fault })
      },
      { when: () => true },
    )
  return z
    .preprocess((input) => withGlobals(input, kinds), document)
    .transform((value) => ({
      firstMessage: value.first_message,
      resolveTimeoutMs: value.global?.resolve_timeout ?? DEFAULT_RESOLVE_TIMEOUT_MS,
      route: buildRoute(value.route),
      receivers: value.receivers,
    }))
}

const DEFAULT_RESOLVE_TIMEOUT_MS = 300_000
