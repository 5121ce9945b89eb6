import { type Allocate, ownMemory } from './arena.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { DamageError } from './bytes.ts'
import { ABSENT, PRESENT } from './head.ts'

/*
 * One column: the values of one series at the times of its part.
 *
 *   kind, then for columns that are not whole runs of (length * 4 + state), then the values that are there:
 *   EMPTY    nothing
 *   DECIMAL  the power of ten, how many bytes a difference takes, the first value * 10^power as a zigzag varint, then the
 *            differences of the others, byte by byte: first the lowest of all. With a sign in the lowest bit where one is
 *            negative
 *   FLOAT    the bits of each value as an integer, less those of the one before, with the sign in the lowest bit; then
 *            byte by byte: first the lowest bytes of all, last the highest
 *
 * Deflate, over all columns of a part, does the rest: it needs bytes that repeat, and that is what both make.
 */
const EMPTY = 0
const DECIMAL = 1
const FLOAT = 2
const HAS_STATES = 16
const SIGNED = 128

const TWO_32 = 2 ** 32
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const
/** So that a difference of two still has at most 52 bits. */
const DECIMAL_MAX = 2 ** 50

export interface Column {
  /** Aligned with the times of the part. */
  readonly values: Float64Array
  /** PRESENT, STALE or ABSENT; undefined where all are present. */
  readonly states: Uint8Array | undefined
}

/** Writes columns. Keeps its buffers between columns; not to be shared by two writers at once. */
export class ColumnWriter {
  #dense = new Float64Array(256)
  #words = new Uint32Array(this.#dense.buffer)

  write(writer: ByteWriter, { values, states }: Column): void {
    const count = this.#gather(values, states)
    const power = count === 0 ? -1 : decimalPower(this.#dense, count)
    const kind = count === 0 ? EMPTY : power >= 0 ? DECIMAL : FLOAT
    writer.byte(states === undefined ? kind : kind | HAS_STATES)
    if (states !== undefined) writeStates(writer, states)
    if (kind === DECIMAL) this.#writeDecimals(writer, count, power)
    if (kind === FLOAT) this.#writeFloats(writer, count)
  }

  #gather(values: Float64Array, states: Uint8Array | undefined): number {
    if (this.#dense.length < values.length) {
      this.#dense = new Float64Array(values.length)
      this.#words = new Uint32Array(this.#dense.buffer)
    }
    if (states === undefined) {
      this.#dense.set(values)
      return values.length
    }
    let count = 0
    for (let index = 0; index < values.length; index++) {
      if (states[index] === PRESENT) this.#dense[count++] = values[index] ?? 0
    }
    return count
  }

  #writeDecimals(writer: ByteWriter, count: number, power: number): void {
    const steps = this.#dense
    const scale = POWERS[power] ?? 1
    let lowest = 0
    let highest = 0
    let previous = Math.round((steps[0] ?? 0) * scale)
    const first = previous
    for (let index = 1; index < count; index++) {
      const scaled = Math.round((steps[index] ?? 0) * scale)
      const step = scaled - previous
      steps[index - 1] = step
      previous = scaled
      lowest = Math.min(lowest, step)
      highest = Math.max(highest, step)
    }
    const isSigned = lowest < 0
    const largest = isSigned ? Math.max(highest * 2, -lowest * 2 - 1) : highest
    const width = largest === 0 ? 0 : Math.floor(Math.log2(largest) / 8) + 1
    writer.byte(isSigned ? power | SIGNED : power)
    writer.byte(width)
    writer.zigzag(first)
    if (isSigned) foldSigns(steps, count - 1)
    for (let plane = 0; plane < width; plane++) writePlane(writer, steps, count - 1)
  }

  #writeFloats(writer: ByteWriter, count: number): void {
    const words = this.#words
    // Backwards, so that each value is still whole when the next one needs it.
    for (let low = count * 2 - 2; low > 0; low -= 2) {
      const lowWord = words[low] ?? 0
      const lowBefore = words[low - 2] ?? 0
      const borrow = lowWord < lowBefore ? 1 : 0
      const difference = lowWord - lowBefore
      const high = (words[low + 1] ?? 0) - (words[low - 1] ?? 0) - borrow
      // The sign goes to the lowest bit, so that the highest bytes of small differences are 0 either way.
      const sign = high >> 31
      words[low] = (difference << 1) ^ sign
      words[low + 1] = ((high << 1) | (difference >>> 31)) ^ sign
    }
    for (let plane = 0; plane < 8; plane++) {
      const shift = (plane & 3) * 8
      const offset = plane >>> 2
      for (let index = 0; index < count; index++) writer.byte(((words[index * 2 + offset] ?? 0) >>> shift) & 255)
    }
  }
}

/** The smallest power of ten that makes integers of all values, exactly; -1 where there is none. */
function decimalPower(values: Float64Array, count: number): number {
  let power = 0
  for (let index = 0; index < count; index++) {
    const value = values[index] ?? 0
    while (!isDecimal(value, power)) if (++power === POWERS.length) return -1
  }
  // A power that was found late has not been tried on the values before.
  return power === 0 || areDecimals(values, count, power) ? power : -1
}

function areDecimals(values: Float64Array, count: number, power: number): boolean {
  for (let index = 0; index < count; index++) if (!isDecimal(values[index] ?? 0, power)) return false
  return true
}

function isDecimal(value: number, power: number): boolean {
  const scale = POWERS[power] ?? 1
  const scaled = Math.round(value * scale)
  return scaled / scale === value && Math.abs(scaled) <= DECIMAL_MAX && !Object.is(value, -0)
}

/** Makes natural numbers of steps with a sign; small ones of either sign stay small. */
function foldSigns(steps: Float64Array, count: number): void {
  for (let index = 0; index < count; index++) {
    const step = steps[index] ?? 0
    steps[index] = step >= 0 ? step * 2 : -step * 2 - 1
  }
}

/** Writes the lowest byte of each step and takes it off. */
function writePlane(writer: ByteWriter, steps: Float64Array, count: number): void {
  for (let index = 0; index < count; index++) {
    const step = steps[index] ?? 0
    const rest = Math.floor(step / 256)
    writer.byte(step - rest * 256)
    steps[index] = rest
  }
}

function writeStates(writer: ByteWriter, states: Uint8Array): void {
  let start = 0
  while (start < states.length) {
    const state = states[start] ?? 0
    let end = start + 1
    while (end < states.length && states[end] === state) end++
    writer.varint((end - start) * 4 + state)
    start = end
  }
}

/** Reads one column of `count` places. */
export function readColumn(reader: ByteReader, count: number, allocate: Allocate = ownMemory): Column {
  const kind = reader.byte()
  const states = (kind & HAS_STATES) === 0 ? undefined : readStates(reader, count)
  const present = states === undefined ? count : states.reduce((sum, state) => (state === PRESENT ? sum + 1 : sum), 0)
  const dense = readValues(reader, { kind: kind & ~HAS_STATES, count: present }, allocate)
  if (states === undefined) return { values: dense, states }
  const values = allocate(count)
  let next = 0
  for (let index = 0; index < count; index++) if (states[index] === PRESENT) values[index] = dense[next++] ?? 0
  return { values, states }
}

function readStates(reader: ByteReader, count: number): Uint8Array {
  const states = new Uint8Array(count)
  let start = 0
  while (start < count) {
    const run = reader.varint()
    const state = run % 4
    const end = start + Math.floor(run / 4)
    if (end > count || end === start || state > ABSENT) throw new DamageError('a column is longer than its part')
    states.fill(state, start, end)
    start = end
  }
  return states
}

interface Dense {
  readonly kind: number
  readonly count: number
}

function readValues(reader: ByteReader, { kind, count }: Dense, allocate: Allocate): Float64Array {
  if (kind === DECIMAL) return readDecimals(reader, allocate(count))
  if (kind === FLOAT) return readFloats(reader, allocate(count))
  if (kind === EMPTY && count === 0) return allocate(0)
  throw new DamageError('a column is of an unknown kind')
}

/** Fills `values`, which are zero. */
function readDecimals(reader: ByteReader, values: Float64Array): Float64Array {
  const count = values.length
  const head = reader.byte()
  const scale = POWERS[head & ~SIGNED]
  const width = reader.byte()
  if (scale === undefined || width > 7) throw new DamageError('a power of ten is out of range')
  let scaled = reader.zigzag()
  for (let plane = 0, unit = 1; plane < width; plane++, unit *= 256) {
    const bytes = reader.bytes(count - 1)
    for (let index = 1; index < count; index++) values[index] = (values[index] ?? 0) + (bytes[index - 1] ?? 0) * unit
  }
  const isSigned = (head & SIGNED) !== 0
  values[0] = scaled / scale
  for (let index = 1; index < count; index++) {
    const step = values[index] ?? 0
    scaled += isSigned && step % 2 === 1 ? -(step + 1) / 2 : isSigned ? step / 2 : step
    values[index] = scaled / scale
  }
  return values
}

/** Makes a value of the difference at `low` and `low + 1` and the value before it. */
function addBefore(words: Uint32Array, low: number): void {
  const folded = words[low] ?? 0
  const foldedHigh = words[low + 1] ?? 0
  const sign = -(folded & 1)
  const difference = ((folded >>> 1) | (foldedHigh << 31)) ^ sign
  const sum = (difference >>> 0) + (words[low - 2] ?? 0)
  words[low] = sum
  words[low + 1] = ((foldedHigh >>> 1) ^ sign) + (words[low - 1] ?? 0) + (sum >= TWO_32 ? 1 : 0)
}

function readFloats(reader: ByteReader, values: Float64Array): Float64Array {
  const count = values.length
  const words = new Uint32Array(values.buffer, values.byteOffset, count * 2)
  for (let plane = 0; plane < 8; plane++) {
    const bytes = reader.bytes(count)
    const shift = (plane & 3) * 8
    const offset = plane >>> 2
    for (let index = 0; index < count; index++) {
      const at = index * 2 + offset
      words[at] = (words[at] ?? 0) | ((bytes[index] ?? 0) << shift)
    }
  }
  for (let low = 2; low < words.length; low += 2) addBefore(words, low)
  return values
}
