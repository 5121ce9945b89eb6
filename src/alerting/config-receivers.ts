import { z } from 'zod'

import { notYet } from './config-not-yet.ts'
import type { Destination, Receiver, ReceiverKind } from './config.ts'

type Entries = readonly Omit<Destination, 'name'>[]

/** Kinds that Alertmanager has. Those without a channel of ours are refused by name instead of as an unknown key. */
const KNOWN_KINDS = [
  'discord_configs',
  'email_configs',
  'incidentio_configs',
  'jira_configs',
  'mattermost_configs',
  'msteams_configs',
  'msteamsv2_configs',
  'opsgenie_configs',
  'pagerduty_configs',
  'pushover_configs',
  'rocketchat_configs',
  'slack_configs',
  'sns_configs',
  'telegram_configs',
  'victorops_configs',
  'webex_configs',
  'webhook_configs',
  'wechat_configs',
]

/** One receiver: a name, and for each kind of channel a list of entries, each of which becomes a destination. */
export function receiverSchema(kinds: readonly ReceiverKind[]): z.ZodType<Receiver> {
  const missing = KNOWN_KINDS.filter((key) => !kinds.some((kind) => kind.configKey === key))
  const shape: Record<string, z.ZodType<string | Entries | undefined>> = {
    name: z.string().min(1).describe('Unique. Routes name it.'),
    ...Object.fromEntries(kinds.map((kind) => [kind.configKey, entriesSchema(kind)])),
  }
  const refused = Object.fromEntries([...missing, 'labels'].map((key) => [key, notYet(key)]))
  return z.strictObject({ ...refused, ...shape }).transform((receiver) => {
    const name = String(receiver['name'])
    const entries = kinds.flatMap((kind) => toEntries(receiver[kind.configKey]))
    return { name, destinations: withNames(name, entries) }
  })
}

function entriesSchema(kind: ReceiverKind): z.ZodType<Entries | undefined> {
  const { audience } = kind
  return z
    .array(kind.schema)
    .nullish()
    .transform((list) =>
      (list ?? []).map((config) => ({ kind: kind.kind, audience, sendResolved: config.send_resolved, config })),
    )
}

/** The shape is built at run time: what its static type has forgotten is asked for again. */
function toEntries(value: unknown): Entries {
  return isEntries(value) ? value : []
}

function isEntries(value: unknown): value is Entries {
  return Array.isArray(value)
}

/** `<receiver>/<kind>/<n>`, n from 0 within the kind, as Alertmanager numbers its integrations. */
function withNames(receiver: string, entries: Entries): readonly Destination[] {
  const counts = new Map<string, number>()
  return entries.map((entry) => {
    const index = counts.get(entry.kind) ?? 0
    counts.set(entry.kind, index + 1)
    return { ...entry, name: entry.config.name ?? `${receiver}/${entry.kind}/${index}` }
  })
}
