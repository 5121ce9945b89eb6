import { crc32 } from 'node:zlib'

import { ByteReader, ByteWriter, DamageError } from './bytes.ts'

/*
 * The write-ahead log: one row for all that was appended between two flushes. A row can be read without any other, so
 * that a damaged one costs its own samples only.
 *
 *   row    = format (1 byte), CRC-32 of the rest, entries until the end
 *   entry  = kind, scope, at, count, records       at and counts are varints
 *   record = id (zigzag, less the id before), tag, value
 *   tag    = 0..6: a natural number of that many bytes; 8..14: the same, negative; 16: a float64; 17: a staleness marker
 */
const FORMAT = 1
const HEADER_BYTES = 5
const FLOAT = 16
const MARKER = 17
const NEGATIVE = 8
const INTEGER_MAX = 2 ** 48
const RECORDS_MAX = 50_000_000

/** In order: a round of its scope. Loose: samples that are put where they belong. */
export type EntryKind = 'round' | 'loose'
const ROUND = 1
const LOOSE = 2

export interface LogEntry {
  readonly kind: EntryKind
  readonly scope: number
  readonly at: number
  readonly ids: readonly number[]
  readonly values: readonly number[]
  /** 1 where a record is a staleness marker. */
  readonly stale: readonly number[]
}

/** Collects what the next flush writes. */
export class LogWriter {
  readonly #writer = new ByteWriter(1024)
  #previousId = 0
  #newestAt = Number.NEGATIVE_INFINITY

  constructor() {
    this.clear()
  }

  /** Bytes that wait, without the header. */
  get waiting(): number {
    return this.#writer.length - HEADER_BYTES
  }

  /** The newest time in it. */
  get newestAt(): number {
    return this.#newestAt
  }

  clear(): void {
    this.#writer.reset()
    this.#writer.byte(FORMAT)
    this.#writer.uint32(0)
    this.#newestAt = Number.NEGATIVE_INFINITY
  }

  begin(kind: EntryKind, scope: number, at: number, count: number): void {
    this.#writer.byte(kind === 'round' ? ROUND : LOOSE)
    this.#writer.varint(scope)
    this.#writer.zigzag(at)
    this.#writer.varint(count)
    this.#previousId = 0
    this.#newestAt = Math.max(this.#newestAt, at)
  }

  sample(id: number, value: number): void {
    this.#id(id)
    if (!Number.isInteger(value) || Math.abs(value) >= INTEGER_MAX || Object.is(value, -0)) {
      this.#writer.byte(FLOAT)
      this.#writer.float64(value)
      return
    }
    let rest = Math.abs(value)
    const size = byteSize(rest)
    this.#writer.byte(value < 0 ? size | NEGATIVE : size)
    for (let count = 0; count < size; count++) {
      this.#writer.byte(rest % 256)
      rest = Math.floor(rest / 256)
    }
  }

  marker(id: number): void {
    this.#id(id)
    this.#writer.byte(MARKER)
  }

  #id(id: number): void {
    this.#writer.zigzag(id - this.#previousId)
    this.#previousId = id
  }

  /** The row as it is stored: a view, valid until the next write. */
  finish(): Uint8Array {
    const row = this.#writer.written()
    this.#writer.patchUint32(1, crc32(row.subarray(HEADER_BYTES)))
    return row
  }
}

function byteSize(value: number): number {
  let size = 0
  for (let rest = value; rest >= 1; rest = Math.floor(rest / 256)) size++
  return size
}

/** @throws DamageError where the row is not what was written */
export function readLogRow(row: Uint8Array): readonly LogEntry[] {
  const reader = new ByteReader(row)
  if (reader.byte() !== FORMAT) throw new DamageError('its format is unknown')
  if (reader.uint32() !== crc32(row.subarray(HEADER_BYTES))) throw new DamageError('its checksum is wrong')
  const entries: LogEntry[] = []
  while (!reader.isAtEnd) entries.push(readEntry(reader))
  return entries
}

function readEntry(reader: ByteReader): LogEntry {
  const kind = reader.byte() === ROUND ? 'round' : 'loose'
  const scope = reader.varint()
  const at = reader.zigzag()
  const count = reader.count(RECORDS_MAX)
  const ids: number[] = []
  const values: number[] = []
  const stale: number[] = []
  let id = 0
  for (let index = 0; index < count; index++) {
    id += reader.zigzag()
    const tag = reader.byte()
    ids.push(id)
    stale.push(tag === MARKER ? 1 : 0)
    values.push(readValue(reader, tag))
  }
  return { kind, scope, at, ids, values, stale }
}

function readValue(reader: ByteReader, tag: number): number {
  if (tag === MARKER) return 0
  if (tag === FLOAT) return reader.float64()
  const size = tag & 7
  let value = 0
  let scale = 1
  for (let count = 0; count < size; count++) {
    value += reader.byte() * scale
    scale *= 256
  }
  return (tag & NEGATIVE) === 0 ? value : -value
}
