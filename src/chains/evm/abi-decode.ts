import type { Json } from '../../lib/json.ts'
import { type AbiField, type AbiType, headWords, isDynamic } from './abi-type.ts'
import { checksummed } from './address.ts'
import { isLowerAddress } from './hex.ts'

/*
 * Values are read straight from the hex text, by readers that are made once for each type: no bytes are copied and no
 * number is made a bigint that fits 53 bits. Positions count hex digits from the first one after 0x.
 *
 * Data comes from outside: it may point anywhere. A reader throws `AbiDataError` for what lies beyond the data, and a
 * budget of values bounds what a few words that point at each other may unfold into.
 */

/** The data does not hold what the type says. */
export class AbiDataError extends Error {
  override readonly name = 'AbiDataError'
}

/** Data under way. `digits` is lower-case hex without 0x. */
export interface AbiSource {
  readonly digits: string
  readonly writeAddress: AddressWriter
  budget: number
}

/** The checksummed writing of an address, given its 40 hex digits. */
export type AddressWriter = (digits: string) => string

/** Reads the value whose head is at `at`; offsets in it count from `base`. */
export type AbiReader = (source: AbiSource, at: number, base: number) => Json

const WORD = 64
const ZERO_WORD = '0'.repeat(WORD)
const VALUES_MAX = 100_000

/** A source over one piece of data. */
export function abiSource(digits: string, writeAddress: AddressWriter): AbiSource {
  return { digits, writeAddress, budget: VALUES_MAX }
}

/** Reads a tuple's fields from hex digits, as data and results are laid out. Throws `AbiDataError`. */
export function compileFields(
  fields: readonly AbiField[],
  writeAddress: AddressWriter,
): (digits: string) => Readonly<Record<string, Json>> {
  const read = tupleReader(fields)
  return (digits) => read(abiSource(digits, writeAddress), 0, 0)
}

interface PlacedReader {
  readonly name: string
  readonly at: number
  readonly read: AbiReader
}

function placed(fields: readonly AbiField[]): readonly PlacedReader[] {
  let at = 0
  return fields.map((field) => {
    const reader = { name: field.name, at, read: compileReader(field.type) }
    at += headWords(field.type) * WORD
    return reader
  })
}

/** The reader of one type, whose head may be an offset. */
export function compileReader(type: AbiType): AbiReader {
  const read = compileInPlace(type)
  if (!isDynamic(type)) return read
  return (source, at, base) => {
    const start = base + count(source, at) * 2
    return read(source, start, start)
  }
}

function compileInPlace(type: AbiType): AbiReader {
  switch (type.kind) {
    case 'uint':
      return (source, at) => unsigned(word(source, at), type.bits)
    case 'int':
      return (source, at) => signed(word(source, at), type.bits)
    case 'address':
      return (source, at) => source.writeAddress(word(source, at).slice(24))
    case 'bool':
      return (source, at) => word(source, at) !== ZERO_WORD
    case 'fixed-bytes':
      return (source, at) => `0x${word(source, at).slice(0, type.size * 2)}`
    case 'bytes':
      return (source, at) => `0x${sized(source, at)}`
    case 'string':
      return (source, at) => Buffer.from(sized(source, at), 'hex').toString('utf8')
    case 'array':
      return arrayReader(type.element, type.length)
    case 'tuple':
      return tupleReader(type.fields)
  }
}

function tupleReader(
  fields: readonly AbiField[],
): (source: AbiSource, at: number, base: number) => Readonly<Record<string, Json>> {
  const readers = placed(fields)
  return (source, at) => {
    const values: Record<string, Json> = {}
    for (const reader of readers) values[reader.name] = reader.read(source, at + reader.at, at)
    return values
  }
}

function arrayReader(element: AbiType, fixedLength: number | undefined): AbiReader {
  const read = compileReader(element)
  const step = headWords(element) * WORD
  return (source, at) => {
    const start = fixedLength === undefined ? at + WORD : at
    const length = fixedLength ?? count(source, at)
    source.budget -= length
    if (source.budget < 0) throw new AbiDataError(`an array claims ${length} elements, more than are read`)
    return Array.from({ length }, (_, index) => read(source, start + index * step, start))
  }
}

function word(source: AbiSource, at: number): string {
  source.budget -= 1
  if (source.budget < 0) throw new AbiDataError(`the data unfolds into more than ${VALUES_MAX} values`)
  const digits = source.digits.slice(at, at + WORD)
  if (digits.length !== WORD) {
    throw new AbiDataError(
      `the data ends after ${source.digits.length / 2} bytes, where a value should be at ${at / 2}`,
    )
  }
  return digits
}

/** A length or an offset: never larger than the data it is about. */
function count(source: AbiSource, at: number): number {
  const value = parseInt(word(source, at), 16)
  if (value * 2 > source.digits.length) {
    throw new AbiDataError(
      `a length or an offset of ${value} points beyond the data of ${source.digits.length / 2} bytes`,
    )
  }
  return value
}

function sized(source: AbiSource, at: number): string {
  const length = count(source, at) * 2
  const start = at + WORD
  if (start + length > source.digits.length) throw new AbiDataError(`a text or bytes value is cut off`)
  return source.digits.slice(start, start + length)
}

/** 13 hex digits are 52 bits: a number holds them exactly, and prints much faster than a bigint. */
const EXACT_DIGITS = 13
const LEADING_ZEROS = '0'.repeat(WORD - EXACT_DIGITS)

function unsigned(digits: string, bits: number): string {
  if (digits.startsWith(LEADING_ZEROS)) {
    const value = parseInt(digits.slice(-EXACT_DIGITS), 16)
    return String(bits > EXACT_DIGITS * 4 ? value : value % 2 ** bits)
  }
  return BigInt.asUintN(bits, BigInt(`0x${digits}`)).toString()
}

function signed(digits: string, bits: number): string {
  return BigInt.asIntN(bits, BigInt(`0x${digits}`)).toString()
}

const ADDRESSES_MAX = 20_000

/**
 * Writes addresses with their checksum. The hash costs more than all the rest of a log, and the same addresses come
 * again and again, so the last of them are remembered.
 */
export function createAddressWriter(): AddressWriter {
  const known = new Map<string, string>()
  return (digits) => {
    const held = known.get(digits)
    if (held !== undefined) return held
    const lower = `0x${digits}`
    const text = isLowerAddress(lower) ? checksummed(lower) : lower
    if (known.size >= ADDRESSES_MAX) known.clear()
    known.set(digits, text)
    return text
  }
}
