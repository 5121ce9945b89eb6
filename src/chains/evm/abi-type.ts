/** The type of a value in a contract's interface (Solidity's ABI specification), as a tree. */
export type AbiType =
  | { readonly kind: 'uint' | 'int'; readonly bits: number }
  | { readonly kind: 'address' | 'bool' | 'bytes' | 'string' }
  | { readonly kind: 'fixed-bytes'; readonly size: number }
  | { readonly kind: 'array'; readonly element: AbiType; readonly length: number | undefined }
  | { readonly kind: 'tuple'; readonly fields: readonly AbiField[] }

/** A field of a tuple, an input or an output. Without a name of its own it is called by its place. */
export interface AbiField {
  readonly name: string
  readonly type: AbiType
}

/** A parameter as compilers write it. */
export interface RawParameter {
  readonly name?: string | undefined
  readonly type: string
  readonly indexed?: boolean | undefined
  readonly components?: readonly RawParameter[] | undefined
}

/** Arrays in arrays and tuples in tuples: deeper than any compiler's output, and far from exhausting the stack. */
const DEPTH_MAX = 16

/** @throws Error whose message is a sentence about the type. */
function parseAbiType(raw: RawParameter, depth = 0): AbiType {
  if (depth > DEPTH_MAX) throw new Error(`the type ${raw.type} is nested deeper than ${DEPTH_MAX} levels`)
  const array = /^(.*)\[(\d*)\]$/.exec(raw.type)
  if (array !== null) {
    const [, element = '', length = ''] = array
    return {
      kind: 'array',
      element: parseAbiType({ ...raw, type: element }, depth + 1),
      length: length === '' ? undefined : Number(length),
    }
  }
  if (raw.type === 'tuple') return { kind: 'tuple', fields: fieldsOf(raw.components ?? [], depth + 1) }
  return parseElementary(raw.type)
}

/** Names every parameter: its own name, or `arg0` by its place where it has none, or one that cannot be a key. */
export function fieldsOf(raws: readonly RawParameter[], depth = 0): readonly AbiField[] {
  const taken = new Set<string>(['__proto__'])
  return raws.map((raw, index) => {
    const own = raw.name ?? ''
    const name = own === '' || taken.has(own) ? `arg${index}` : own
    taken.add(name)
    return { name, type: parseAbiType(raw, depth) }
  })
}

function parseElementary(text: string): AbiType {
  switch (text) {
    case 'address':
    case 'bool':
    case 'bytes':
    case 'string':
      return { kind: text }
    case 'function':
      return { kind: 'fixed-bytes', size: 24 }
    default:
      return parseSized(text)
  }
}

function parseSized(text: string): AbiType {
  const [, kind, digits = ''] = /^(uint|int|bytes)(\d*)$/.exec(text) ?? []
  const size = Number(digits === '' ? 256 : digits)
  if ((kind === 'uint' || kind === 'int') && size % 8 === 0 && size >= 8 && size <= 256) return { kind, bits: size }
  if (kind === 'bytes' && size >= 1 && size <= 32) return { kind: 'fixed-bytes', size }
  throw new Error(`the type ${text} does not exist`)
}

/** The type as it stands in a signature. */
export function canonicalType(type: AbiType): string {
  switch (type.kind) {
    case 'uint':
    case 'int':
      return `${type.kind}${type.bits}`
    case 'fixed-bytes':
      return `bytes${type.size}`
    case 'array':
      return `${canonicalType(type.element)}[${type.length ?? ''}]`
    case 'tuple':
      return `(${type.fields.map((field) => canonicalType(field.type)).join(',')})`
    case 'address':
    case 'bool':
    case 'bytes':
    case 'string':
      return type.kind
  }
}

/** Whether the value lies in the tail, and its head is only an offset. */
export function isDynamic(type: AbiType): boolean {
  switch (type.kind) {
    case 'bytes':
    case 'string':
      return true
    case 'array':
      return type.length === undefined || isDynamic(type.element)
    case 'tuple':
      return type.fields.some((field) => isDynamic(field.type))
    case 'uint':
    case 'int':
    case 'address':
    case 'bool':
    case 'fixed-bytes':
      return false
  }
}

/** How many 32-byte words the value takes in the head: one for an offset. */
export function headWords(type: AbiType): number {
  if (isDynamic(type)) return 1
  if (type.kind === 'array') return (type.length ?? 0) * headWords(type.element)
  if (type.kind === 'tuple') return type.fields.reduce((sum, field) => sum + headWords(field.type), 0)
  return 1
}
