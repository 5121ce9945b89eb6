import { createHash } from 'node:crypto'

import { z } from 'zod'

import { assert, OutsideError } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'

/** The cursor of a target: all that a collector remembers. */
export const CURSOR_BYTES_MAX = 64 * 1024
/** Any other body. The largest log that fits a block of Ethereum is about 9 MB as text. */
const BODY_BYTES_MAX = 16 * 1024 * 1024

const INDEXED_CHARACTERS_MAX = 512
const INDEXED_CHARACTERS_KEPT = 256

/** JSON as it is stored. What does not fit is our own mistake: whoever made it must have bounded it. */
export function jsonText(value: unknown, what: string, bytesMax: number = BODY_BYTES_MAX): string {
  const text = JSON.stringify(value)
  // A UTF-16 unit is at most three bytes of UTF-8.
  const fits = text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax
  assert(fits, `${what} is larger than ${bytesMax} bytes`)
  return text
}

/**
 * Reads stored JSON back.
 *
 * @throws OutsideError `malformed` when somebody else has written there
 */
export function parseStored<T>(schema: z.ZodType<T>, text: string, what: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new OutsideError('malformed', `${what} in the state is not what this version writes`, { retry: false, cause })
  }
}

/** Rows of a query, checked: the file may have been edited by hand. */
export function parseRows<T>(row: z.ZodType<T>, rows: readonly unknown[], what: string): readonly T[] {
  const parsed = z.array(row).safeParse(rows)
  if (parsed.success) return parsed.data
  throw new OutsideError('malformed', `${what} in the state are not what this version writes`, {
    retry: false,
    cause: parsed.error,
  })
}

export const jsonSchema: z.ZodType<Json> = z.json()

/**
 * A text fit for an index on both databases. Names that a chain made up may hold what PostgreSQL cannot store (NUL, half
 * a surrogate pair) or be too long for its index: such a text is told apart by its hash.
 */
export function indexedText(text: string): string {
  if (text.length <= INDEXED_CHARACTERS_MAX && !text.includes('\0') && text.isWellFormed()) return text
  const readable = text.slice(0, INDEXED_CHARACTERS_KEPT).toWellFormed().replaceAll('\0', '\u{FFFD}')
  return `${readable}#${createHash('sha256').update(JSON.stringify(text)).digest('hex')}`
}
