import { Readable } from 'node:stream'

import type { FastifyReply } from 'fastify'

import { createSlices, type SliceClock } from '../lib/slices.ts'

const CHUNK_CHARS = 64 * 1024

/**
 * Sends an answer that is made piece by piece, so that a large one never holds up rounds, rules and deliveries, and is
 * never whole in memory. What fits into one chunk is sent at once. A piece may be empty: then it only lets the clock be
 * looked at.
 */
export async function sendPieces(
  reply: FastifyReply,
  pieces: Iterable<string>,
  clock: SliceClock,
): Promise<FastifyReply> {
  const chunks = inChunks(pieces, clock)
  const first = await chunks.next()
  if (first.done === true) return reply.send('')
  const second = await chunks.next()
  if (second.done === true) return reply.send(first.value)
  return reply.send(
    Readable.from(rejoined([first.value, second.value], chunks), { objectMode: true, highWaterMark: 1 }),
  )
}

async function* inChunks(pieces: Iterable<string>, clock: SliceClock): AsyncGenerator<string, void, undefined> {
  const slices = createSlices(clock)
  let chunk = ''
  for (const piece of pieces) {
    chunk += piece
    if (chunk.length >= CHUNK_CHARS) {
      yield chunk
      chunk = ''
    }
    if (slices.isOver()) await slices.pause()
  }
  if (chunk !== '') yield chunk
}

async function* rejoined(
  taken: readonly string[],
  rest: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  yield* taken
  yield* rest
}
