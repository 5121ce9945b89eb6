import type { FastifyReply } from 'fastify'

import type { SliceClock } from '../../lib/slices.ts'
import { sendPieces } from '../pieces.ts'

/** What stands beside the data. */
export interface Notes {
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
}

export const NO_NOTES: Notes = { warnings: [], infos: [] }
/** What Prometheus adds when `limit` took something away. */
const TRUNCATED = 'results truncated due to limit'
/** So many warnings, and so many infos, are shown. */
const NOTES_MAX = 10

/** Sends data in Prometheus' envelope. `data` is JSON in pieces. */
export async function sendData(
  reply: FastifyReply,
  data: Iterable<string>,
  clock: SliceClock,
  notes = NO_NOTES,
): Promise<FastifyReply> {
  return sendPieces(reply.type('application/json'), envelope(data, notes), clock)
}

function* envelope(data: Iterable<string>, { warnings, infos }: Notes): Generator<string, void, undefined> {
  yield '{"status":"success","data":'
  yield* data
  if (warnings.length > 0) yield `,"warnings":${JSON.stringify(shown(warnings, 'warning'))}`
  if (infos.length > 0) yield `,"infos":${JSON.stringify(shown(infos, 'info'))}`
  yield '}'
}

function shown(notes: readonly string[], kind: string): readonly string[] {
  if (notes.length <= NOTES_MAX) return notes
  return [...notes.slice(0, NOTES_MAX), `${notes.length - NOTES_MAX} more ${kind} annotations omitted`]
}

/** A JSON array of items, each a piece. */
export function* jsonArray<T>(items: Iterable<T>, write: (item: T) => string): Generator<string, void, undefined> {
  let separator = '['
  for (const item of items) {
    yield separator + write(item)
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

/** The first of many, and what to say when there were more. 0 is no limit. */
export function truncate<T>(
  items: readonly T[],
  limit: number,
): { readonly items: readonly T[]; readonly warnings: readonly string[] } {
  if (limit === 0 || items.length <= limit) return { items, warnings: [] }
  return { items: items.slice(0, limit), warnings: [TRUNCATED] }
}

/** Go's `time.Time` in JSON: RFC 3339 without trailing zeros; year 1 where there is none. */
export function goTime(ms: number): string {
  if (ms === 0) return '0001-01-01T00:00:00Z'
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z')
}
