import { z } from 'zod'

import { isRotationPeriod } from '../lib/log-file.ts'
import { LOG_LEVELS } from '../lib/log.ts'
import { durationSchema, labelsSchema, secretSchema } from '../lib/schema.ts'

const DAY = '1d = 24 hours'
const TOKEN_LENGTH_MIN = 16

/** `host:port`, `[::1]:port` or `:port` (every address). */
const listenAddress = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match !== null && port <= 65_535) return { host: match[1] ?? (match[2] || '::'), port }
  context.addIssue({ code: 'custom', message: 'this must be host:port, as 127.0.0.1:9095' })
  return z.NEVER
})

/** Addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

const timeZone = z.string().refine(isTimeZone, 'this is no time zone: write it as Europe/Zurich or UTC')

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}

const byteSize = z.union([z.string(), z.number()]).transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|TB)?$/.exec(String(text))
  const factor = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }[match?.[2] ?? 'B']
  if (match !== null && factor !== undefined) return Math.round(Number(match[1]) * factor)
  context.addIssue({ code: 'custom', message: 'this is no size: write it as 500MB or 2GB' })
  return z.NEVER
})

const server = z.strictObject({
  listen: z
    .union([listenAddress, z.array(listenAddress).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .prefault('127.0.0.1:9095')
    .describe('Where to listen: host:port, or a list of them.'),
  external_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('How people reach this server; stands in messages.'),
  tls: z
    .strictObject({
      cert: z.string().describe('The certificate, a PEM file with its chain.'),
      key: z.string().describe('Its private key, a PEM file.'),
    })
    .optional()
    .describe('Serve HTTPS instead of HTTP.'),
  tokens: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('Who holds it; stands in the log of what was done.'),
        role: z.enum(['viewer', 'operator', 'admin']).describe('What it may do.'),
        token: secretSchema
          .refine(
            (token) => token.reveal().length >= TOKEN_LENGTH_MIN,
            `a token has at least ${TOKEN_LENGTH_MIN} characters`,
          )
          .describe('At least 16 characters; sent as `Authorization: Bearer`.'),
      }),
    )
    .default([])
    .describe('Who may ask from beyond loopback.'),
  open: z.boolean().default(false).describe('Answer anyone beyond loopback without a token. Think twice.'),
  time_zone: timeZone.default('UTC').describe('For what people read, and for schedules.'),
})

const retention = z.strictObject({
  events: durationSchema.prefault('90d').describe(`How long events are kept (${DAY}).`),
  journeys: durationSchema.prefault('90d').describe('How long ended journeys are kept.'),
  duties: durationSchema.prefault('400d').describe('How long duties are kept.'),
  notifications: durationSchema
    .prefault('90d')
    .describe('How long delivered notifications and their attempts are kept.'),
})

const storage = z.strictObject({
  path: z.string().default('./data').describe('The folder of state.db and samples.db; made when missing.'),
  url: secretSchema.optional().describe('postgres://user:password@host/db: the state lives there instead of state.db.'),
  retention: retention.prefault({}).describe('How long what is over is kept.'),
})

const metrics = z.strictObject({
  retention: durationSchema.prefault('30d').describe('How long raw samples are kept.'),
  history: durationSchema.prefault('400d').describe('How long downsampled samples are kept.'),
  max_bytes: byteSize.optional().describe('The oldest samples go first when samples.db grows past this.'),
  max_series: z.int().min(100).default(200_000).describe('Series beyond this many are dropped, counted and said.'),
  max_series_per_target: z.int().min(10).default(50_000).describe('The same for one target.'),
})

const log = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').describe('What is said at the least.'),
  format: z.enum(['json', 'pretty']).optional().describe('Default: pretty on a terminal, else json.'),
  file: z.string().optional().describe('Also write to this file, as JSON lines.'),
  rotate: z
    .strictObject({
      every: durationSchema
        .refine(isRotationPeriod, 'a log rotates by whole days, or by a part of a day as 1h or 6h')
        .prefault('1d')
        .describe('When a new file begins.'),
      size: byteSize.prefault('100MB').describe('A new file begins earlier when this is reached.'),
      keep: z.int().min(1).default(7).describe('How many old files are kept; at least one full period always is.'),
    })
    .prefault({})
    .describe('When `file` gives way to a new one.'),
})

const overrides = z.record(
  z.string(),
  z.union([
    z.literal(false),
    z.strictObject({
      for: durationSchema.optional().describe('Instead of the rule’s own `for`.'),
      severity: z.string().optional().describe('Instead of the rule’s own label `severity`.'),
      missing: z.literal('resolve').optional().describe('Resolve when the series is missing, as Prometheus does.'),
    }),
  ]),
)

const rules = z.strictObject({
  files: z.array(z.string()).default([]).describe('Prometheus rule files; `*` and `?` in the last part of a path.'),
  defaults: z.boolean().default(true).describe('Load the rules that the types of targets come with.'),
  interval: durationSchema.prefault('15s').describe('How often a group without an interval of its own is evaluated.'),
  overrides: overrides.default({}).describe('By alert name: false switches it off.'),
  external_labels: labelsSchema.default({}).describe('`$externalLabels` in templates.'),
})

/**
 * The document without its targets, event rules and alerting: their schemas come from the types of targets, the rules and
 * the channels, and are applied item by item so that one fault hides no other.
 */
export const rootSchema = z.strictObject({
  server: server.prefault({}).describe('Where Chainwarden listens and who may ask.'),
  storage: storage.prefault({}).describe('Where what must survive a restart lies.'),
  metrics: metrics.prefault({}).describe('How many samples are kept, and for how long.'),
  log: log.prefault({}).describe('What is logged, and where.'),
  targets: z.array(z.unknown()).default([]).describe('What is watched.'),
  rules: rules.prefault({}).describe('Alerting and recording rules.'),
  event_rules: z.array(z.unknown()).default([]).describe('Which events raise an alert at once.'),
  alerting: z.unknown().optional().describe('Where alerts go: Alertmanager’s keys, or `file: alertmanager.yml`.'),
  actions: z.array(z.unknown()).max(0, 'there are no actions yet').default([]).describe('What may be mended.'),
})

export type RootConfig = z.output<typeof rootSchema>
