import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

import { messageOf } from '../lib/errors.ts'
import { type Allocate, ownMemory } from './arena.ts'
import { ByteReader, ByteWriter, DamageError } from './bytes.ts'
import { type Column, ColumnWriter, readColumn } from './column.ts'

/*
 * A part: columns of up to 128 series of one scope over one stretch of time, with one list of times for all of them.
 *
 *   part    = format (1 byte), CRC-32 of the rest, size of the payload, payload (deflate)
 *   payload = times: count, the first, then differences of differences
 *             fields: columns per series (1 for samples, 5 for history)
 *             ids: count, then differences
 *             the length in bytes of each column, then the columns
 *
 * A part is whole or damaged; no part needs another one.
 */
const FORMAT = 1
const HEADER_BYTES = 5
const PAYLOAD_MAX_BYTES = 64 * 2 ** 20
const TIMES_MAX = 10_000_000

/** How many series share a part: enough for deflate to find what repeats, few enough to read one of them quickly. */
export const PART_SERIES = 128

export interface PartContent {
  readonly times: Float64Array
  /** Ascending. */
  readonly ids: readonly number[]
  /** `fields` columns for each id, in its order. */
  readonly columns: readonly Column[]
  readonly fields: number
}

/** Makes parts of columns. Keeps its buffers from one to the next: they are what most of the work would leave behind. */
export class PartEncoder {
  readonly #payload = new ByteWriter(4096)
  readonly #body = new ByteWriter(4096)
  readonly #columns = new ColumnWriter()

  /** Synchronous: a part is small enough for one slice. */
  encode({ times, ids, columns, fields }: PartContent): Uint8Array {
    const payload = this.#payload
    const body = this.#body
    payload.reset()
    body.reset()
    writeTimes(payload, times)
    payload.varint(fields)
    payload.varint(ids.length)
    let previousId = 0
    for (const id of ids) {
      payload.varint(id - previousId)
      previousId = id
    }
    for (const column of columns) {
      const start = body.length
      this.#columns.write(body, column)
      payload.varint(body.length - start)
    }
    payload.bytes(body.written())
    return sealed(payload.written())
  }
}

function sealed(payload: Uint8Array): Uint8Array {
  // The size of its buffers: mostly one that fits, instead of 16 kB for a part of 3.
  const chunkSize = Math.min(65_536, Math.max(1024, payload.length >> 1))
  const packed = deflateRawSync(payload, { level: 6, memLevel: 9, chunkSize })
  const part = new ByteWriter(packed.length + 2 * HEADER_BYTES + 8)
  part.byte(FORMAT)
  part.uint32(0)
  part.varint(payload.length)
  part.bytes(packed)
  part.patchUint32(1, crc32(part.written().subarray(HEADER_BYTES)))
  return part.written()
}

function writeTimes(writer: ByteWriter, times: Float64Array): void {
  writer.varint(times.length)
  let previous = 0
  let step = 0
  for (const [index, time] of times.entries()) {
    if (index === 0) writer.zigzag(time)
    else {
      writer.zigzag(time - previous - step)
      step = time - previous
    }
    previous = time
  }
}

/** A part that was read: its times and ids, and its columns when asked for. */
export class OpenPart {
  readonly times: Float64Array
  readonly ids: readonly number[]
  readonly fields: number
  /** What it takes in memory, about. */
  readonly sizeBytes: number
  readonly #payload: Uint8Array
  readonly #offsets: readonly number[]

  /** @throws DamageError */
  constructor(data: Uint8Array) {
    const payload = opened(data)
    const reader = new ByteReader(payload)
    this.times = readTimes(reader)
    this.fields = reader.count(16)
    this.ids = readIds(reader)
    this.#offsets = readOffsets(reader, this.ids.length * this.fields)
    if (reader.offset + (this.#offsets.at(-1) ?? 0) !== payload.length) throw new DamageError('its columns do not fit')
    this.#payload = payload.subarray(reader.offset)
    this.sizeBytes = payload.length + 8 * (this.times.length + this.ids.length + this.#offsets.length)
  }

  /** Where the series is in `ids`; -1 where it is not. */
  find(id: number): number {
    let low = 0
    let high = this.ids.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.ids[middle] ?? 0
      if (found === id) return middle
      if (found < id) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** @throws DamageError */
  column(index: number, field: number, allocate: Allocate = ownMemory): Column {
    const at = index * this.fields + field
    const bytes = this.#payload.subarray(this.#offsets[at] ?? 0, this.#offsets[at + 1] ?? 0)
    return readColumn(new ByteReader(bytes), this.times.length, allocate)
  }
}

function opened(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data)
  if (reader.byte() !== FORMAT) throw new DamageError('its format is unknown')
  if (reader.uint32() !== crc32(data.subarray(HEADER_BYTES))) throw new DamageError('its checksum is wrong')
  const size = reader.count(PAYLOAD_MAX_BYTES)
  try {
    const payload = inflateRawSync(data.subarray(reader.offset), {
      maxOutputLength: Math.max(1, size),
      // One buffer of the right size instead of 16 kB for a payload of 3.
      chunkSize: Math.max(64, size),
    })
    if (payload.length === size) return payload
  } catch (error) {
    throw new DamageError(`it cannot be unpacked: ${messageOf(error)}`, { cause: error })
  }
  throw new DamageError('its size is wrong')
}

function readTimes(reader: ByteReader): Float64Array {
  const times = new Float64Array(reader.count(TIMES_MAX))
  let previous = 0
  let step = 0
  for (let index = 0; index < times.length; index++) {
    if (index === 0) previous = reader.zigzag()
    else {
      step += reader.zigzag()
      previous += step
    }
    times[index] = previous
  }
  return times
}

function readIds(reader: ByteReader): readonly number[] {
  const ids: number[] = []
  let previous = 0
  for (let left = reader.count(TIMES_MAX); left > 0; left--) {
    previous += reader.varint()
    ids.push(previous)
  }
  return ids
}

function readOffsets(reader: ByteReader, count: number): readonly number[] {
  const offsets = [0]
  let end = 0
  for (let index = 1; index <= count; index++) {
    end += reader.varint()
    offsets.push(end)
  }
  return offsets
}
