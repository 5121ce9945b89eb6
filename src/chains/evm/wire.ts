import { z } from 'zod'

import type { EvmBlock, Hex } from './contract.ts'
import { isHex, isWord } from './hex.ts'

/* The shapes of a node's answers (Ethereum's execution-apis), as far as we read them. Numbers are 0x text on the wire. */

function text(is: (lower: string) => lower is Hex, what: string) {
  return z.string().transform((raw, context) => {
    const lower = raw.toLowerCase()
    if (is(lower)) return lower
    context.addIssue({ code: 'custom', message: `expected ${what}` })
    return z.NEVER
  })
}

export const hexSchema = text(isHex, '0x text')
const wordSchema = text(isWord, '32 bytes as 0x text')

/** A number that fits a JavaScript number exactly. */
export const quantitySchema = z.string().transform((raw, context) => {
  const value = /^0x[0-9a-fA-F]{1,16}$/.test(raw) ? parseInt(raw, 16) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  context.addIssue({ code: 'custom', message: 'expected a number as 0x text' })
  return z.NEVER
})

/** A header. Some chains leave the bloom out; an empty one says nothing, as theirs does. */
export const blockSchema = z
  .object({
    number: quantitySchema,
    hash: wordSchema,
    parentHash: wordSchema,
    timestamp: quantitySchema,
    logsBloom: hexSchema.nullish(),
  })
  .transform((raw): EvmBlock => ({
    number: raw.number,
    hash: raw.hash,
    parentHash: raw.parentHash,
    timeMs: raw.timestamp * 1000,
    logsBloom: raw.logsBloom ?? '0x',
  }))

/** A node answers null for a block it does not have. */
export const blockOrNullSchema = blockSchema.nullable()

export const receiptsSchema = z
  .array(z.object({ blockHash: wordSchema, logs: z.array(z.unknown()).max(100_000) }))
  .max(100_000)
