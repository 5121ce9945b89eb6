import { z } from 'zod'

import { EXPIRED } from '../../core/journey.ts'
import { durationSchema } from '../../lib/schema.ts'
import { targetFields } from '../target-fields.ts'

export const TYPE = 'evm-contract'

const READS_MAX = 64
const JOURNEYS_MAX = 16
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** Development chains seal a block only when somebody sends a transaction: an old head means nothing there. */
const DEVELOPMENT_CHAINS: ReadonlySet<number | undefined> = new Set([1337, 31_337])
const HEAD_AGE_MS = 300_000

/** Bounds of duration histograms, in seconds: one at each threshold that comes along, and well past the largest. */
export const DURATION_BUCKETS: readonly number[] = [1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 300, 600, 1800, 3600]

const identifier = z.string().regex(IDENTIFIER, 'this must be a name from the ABI')

const endpoint = z
  .url({ protocol: /^(https?|wss?)$/, error: 'this must be a URL that starts with http://, https://, ws:// or wss://' })
  .describe('JSON-RPC over HTTP or WebSocket.')

const abiItems = z.array(z.record(z.string(), z.unknown()))

const read = z
  .union([
    identifier,
    z.strictObject({
      name: identifier.describe('The view function.'),
      args: z
        .array(z.union([z.string(), z.number(), z.boolean()]))
        .max(16)
        .default([])
        .describe('Its arguments, in order; large integers in quotes.'),
      decimals: z
        .int()
        .min(0)
        .max(77)
        .default(0)
        .describe('The number is divided by ten to this power, as 18 for most tokens.'),
      as: z.string().min(1).max(100).optional().describe('The label `function`; default: the name with its arguments.'),
    }),
  ])
  .transform((value) =>
    typeof value === 'string' ? { name: value, args: [], decimals: 0, as: undefined } : { ...value, as: value.as },
  )

const journey = z.strictObject({
  name: z
    .string()
    .regex(/^[\w-]{1,60}$/, 'a name has up to 60 letters, digits, _ and -')
    .describe('The label `journey`.'),
  key: identifier.describe('The argument that start and ends have in common, as `tx_id`.'),
  start: identifier.describe('The event that starts it.'),
  ends: z
    .record(
      z
        .string()
        .regex(/^[\w-]{1,60}$/, 'an outcome has up to 60 letters, digits, _ and -')
        .refine((outcome) => outcome !== EXPIRED, `${EXPIRED} is the outcome of what reaches its deadline`),
      z.union([identifier, z.array(identifier).min(1)]).transform((value) => [value].flat()),
    )
    .refine((ends) => Object.keys(ends).length > 0, 'at least one is needed')
    .describe('Outcomes, and the event (or events) that say so.'),
  deadline: durationSchema.optional().describe("By the chain's clock; what is still in flight then has expired."),
  buckets: z
    .array(z.number().positive())
    .min(1)
    .max(50)
    .refine((bounds) => bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0)), {
      error: 'these must grow from one to the next',
    })
    .default([...DURATION_BUCKETS])
    .describe('Upper bounds of its duration histogram, in seconds.'),
})

const thresholds = z.strictObject({
  head_age: durationSchema
    .optional()
    .describe('Alert when the newest block is older; 0 for never. Default: 5m, and never on chains 1337 and 31337.'),
  head_lag_blocks: z.int().min(0).default(10).describe('Alert when an endpoint is further behind the others.'),
  failure_ratio: z.number().min(0).max(1).default(0.1).describe('Tesseract: failed of ended, at most.'),
  success_ratio: z.number().min(0).max(1).default(0.95).describe('Tesseract: ready of ended, at least.'),
  resolution: durationSchema.prefault('1m').describe('Tesseract: 95 % of transactions are ready within this.'),
  transactions_per_minute: z.number().min(0).default(1).describe('Tesseract: buffered transactions, at least.'),
})

/** The keys of a target `type: evm-contract`. */
export const evmContractSchema = z
  .strictObject({
    ...targetFields(TYPE, '2s'),
    rpc_urls: z.array(endpoint).min(1).max(16).describe('Endpoints of the chain; with several, none is trusted alone.'),
    chain_id: z.int().positive().optional().describe('An endpoint of another chain is refused.'),
    address: z
      .string()
      .regex(/^0x[0-9a-fA-F]{40}$/, 'an address is 0x and 40 hexadecimal digits, in quotes')
      .describe('The contract, in quotes.'),
    abi: z
      .union([z.string().min(1), abiItems, z.object({ abi: abiItems }).transform((artifact) => artifact.abi)])
      .optional()
      .describe('A file with the ABI (an array, or an artifact with `abi`), or the ABI itself.'),
    preset: z.enum(['tesseract']).optional().describe('Brings an ABI, reads, journeys, rules and panels.'),
    confirmations: z.int().min(0).max(10_000).default(0).describe('Follow the head from this many blocks behind.'),
    reorg_depth: z
      .int()
      .min(1)
      .max(100_000)
      .default(64)
      .describe('How deep a reorg may be where the node knows no finalized block.'),
    start_block: z
      .union([z.int().min(0), z.literal('latest')])
      .default('latest')
      .describe('The first block to read, at the very first start; later the stored cursor counts.'),
    events: z
      .union([z.literal('all'), z.array(identifier).min(1)])
      .default('all')
      .describe('Which events of the ABI; anonymous ones cannot be followed.'),
    reads: z
      .array(read)
      .max(READS_MAX)
      .default([])
      .describe('View functions to read. owner, paused and transaction_count are read where the ABI has them.'),
    journeys: z
      .array(journey)
      .max(JOURNEYS_MAX)
      .default([])
      .describe('What starts with one event and ends with another.'),
    self_check: z
      .union([
        z.literal(false),
        z.strictObject({
          counter: identifier.describe('A view function without arguments that counts.'),
          event: identifier.describe('The event of which the contract logs one for each count.'),
        }),
      ])
      .optional()
      .describe('Compares a counter on chain with the logs that were seen. false switches that of a preset off.'),
    thresholds: thresholds.prefault({}).describe('When the rules that come along fire.'),
  })
  .superRefine((config, context) => {
    if (config.abi === undefined && config.preset === undefined) {
      context.addIssue({ code: 'custom', path: ['abi'], message: 'this is needed: a file with the ABI, or the ABI' })
    }
    const names = config.journeys.map((item) => item.name)
    const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
    if (repeated === -1) return
    context.addIssue({ code: 'custom', path: ['journeys', repeated, 'name'], message: 'this name stands twice' })
  })

export type EvmContractConfig = z.output<typeof evmContractSchema>
export type ReadConfig = EvmContractConfig['reads'][number]
export type JourneyConfig = EvmContractConfig['journeys'][number]

/** `chainwarden_threshold{name}` of a contract. */
export function thresholdsOf(config: EvmContractConfig): Readonly<Record<string, number>> {
  const { thresholds: set } = config
  const headAgeMs = set.head_age ?? (DEVELOPMENT_CHAINS.has(config.chain_id) ? 0 : HEAD_AGE_MS)
  return {
    head_lag_blocks: set.head_lag_blocks,
    ...(headAgeMs === 0 ? {} : { head_age_seconds: headAgeMs / 1000 }),
    ...(config.preset === 'tesseract'
      ? {
          tesseract_failure_ratio: set.failure_ratio,
          tesseract_success_ratio: set.success_ratio,
          tesseract_resolution_seconds: set.resolution / 1000,
          tesseract_transactions_per_minute: set.transactions_per_minute,
        }
      : {}),
  }
}

/** What the target watches: when this changes, the old cursor says nothing. */
export function subjectOf(config: EvmContractConfig): string {
  return `${config.chain_id ?? 'any'}:${config.address.toLowerCase()}`
}

/** host:port of the first endpoint. */
export function instanceOf(config: EvmContractConfig): string | undefined {
  const first = config.rpc_urls[0]
  if (first === undefined) return undefined
  const url = new URL(first)
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:'
  return `${url.hostname}:${url.port === '' ? (isSecure ? '443' : '80') : url.port}`
}
