import type { Json } from '../../lib/json.ts'
import { type AbiField, type AbiType, canonicalType, headWords, isDynamic } from './abi-type.ts'
import { parseAddress } from './address.ts'

/** A value does not fit its type. The message is a sentence that names the value and the type. */
class AbiValueError extends Error {
  override readonly name = 'AbiValueError'
}

/**
 * The ABI encoding of arguments, as hex digits without 0x. Integers come as decimal or 0x text or as whole JSON numbers,
 * bytes and addresses as 0x text, tuples as objects by name or as arrays. Throws `AbiValueError`.
 */
export function encodeFields(fields: readonly AbiField[], values: readonly Json[]): string {
  if (fields.length !== values.length) {
    throw new AbiValueError(`${fields.length} values are needed and ${values.length} are given`)
  }
  return sequence(fields.map((field, index) => ({ type: field.type, value: values[index] ?? null })))
}

interface Item {
  readonly type: AbiType
  readonly value: Json
}

/** Heads first, then what the offsets in them point at. */
function sequence(items: readonly Item[]): string {
  let offset = items.reduce((sum, item) => sum + headWords(item.type) * 32, 0)
  let heads = ''
  let tails = ''
  for (const item of items) {
    const encoded = encodeInPlace(item)
    if (isDynamic(item.type)) {
      heads += number(BigInt(offset))
      tails += encoded
      offset += encoded.length / 2
    } else {
      heads += encoded
    }
  }
  return heads + tails
}

function encodeInPlace({ type, value }: Item): string {
  switch (type.kind) {
    case 'uint':
    case 'int':
      return number(integer(type, value))
    case 'address':
      return address(type, value)
    case 'bool':
      if (typeof value !== 'boolean') throw misfit(type, value)
      return number(value ? 1n : 0n)
    case 'fixed-bytes': {
      const digits = hexDigits(type, value)
      if (digits.length !== type.size * 2) throw misfit(type, value)
      return digits.padEnd(64, '0')
    }
    case 'bytes':
      return sized(hexDigits(type, value))
    case 'string':
      if (typeof value !== 'string') throw misfit(type, value)
      return sized(Buffer.from(value, 'utf8').toString('hex'))
    case 'array': {
      if (!isList(value) || (type.length !== undefined && type.length !== value.length)) throw misfit(type, value)
      const elements = sequence(value.map((element) => ({ type: type.element, value: element })))
      return type.length === undefined ? number(BigInt(value.length)) + elements : elements
    }
    case 'tuple':
      return encodeFields(type.fields, tupleValues(type, type.fields, value))
  }
}

function tupleValues(type: AbiType, fields: readonly AbiField[], value: Json): readonly Json[] {
  if (isList(value)) return value
  if (typeof value !== 'object' || value === null) throw misfit(type, value)
  return fields.map((field) => {
    const part = value[field.name]
    if (part === undefined) {
      throw new AbiValueError(`${show(value)} lacks ${field.name}, a field of ${canonicalType(type)}`)
    }
    return part
  })
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function integer(type: { readonly kind: 'uint' | 'int'; readonly bits: number }, value: Json): bigint {
  const isWhole = typeof value === 'number' ? Number.isSafeInteger(value) : isIntegerText(value)
  if (!isWhole || value === null || typeof value === 'object') throw misfit(type, value)
  const whole = BigInt(value)
  const fitting = type.kind === 'uint' ? BigInt.asUintN(type.bits, whole) : BigInt.asIntN(type.bits, whole)
  if (fitting !== whole) throw misfit(type, value)
  return whole
}

function isIntegerText(value: Json): boolean {
  return typeof value === 'string' && /^(-?\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(value)
}

function number(value: bigint): string {
  return BigInt.asUintN(256, value).toString(16).padStart(64, '0')
}

function address(type: AbiType, value: Json): string {
  if (typeof value !== 'string') throw misfit(type, value)
  const parsed = parseAddress(value)
  if (parsed.kind === 'fault') throw new AbiValueError(parsed.fault)
  return parsed.address.slice(2).toLowerCase().padStart(64, '0')
}

function hexDigits(type: AbiType, value: Json): string {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) throw misfit(type, value)
  return value.slice(2).toLowerCase()
}

function sized(digits: string): string {
  const padded = digits.padEnd(Math.ceil(digits.length / 64) * 64, '0')
  return number(BigInt(digits.length / 2)) + padded
}

function misfit(type: AbiType, value: Json): AbiValueError {
  return new AbiValueError(`${show(value)} is no ${canonicalType(type)}`)
}

function show(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
