import { z } from 'zod'

import { messageOf } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import { AbiDataError, compileFields, createAddressWriter } from './abi-decode.ts'
import { encodeFields } from './abi-encode.ts'
import { type AbiField, canonicalType, fieldsOf, type RawParameter } from './abi-type.ts'
import type { Hex } from './contract.ts'
import { keccak256 } from './keccak.ts'

/** An event of a contract's interface. */
export interface AbiEvent {
  readonly name: string
  /** `Transfer(address,address,uint256)`: what the topic is the hash of. */
  readonly signature: string
  /** The first topic of its logs. */
  readonly topic: Hex
  readonly inputs: readonly AbiEventInput[]
}

export interface AbiEventInput extends AbiField {
  readonly isIndexed: boolean
}

export interface AbiFunction {
  readonly name: string
  readonly signature: string
  /** The first four bytes of its calls. */
  readonly selector: Hex
  readonly inputs: readonly AbiField[]
  readonly outputs: readonly AbiField[]
  /** It promises not to change anything (`view` or `pure`). */
  readonly isView: boolean
}

/** A contract's interface, as far as we use it. Anonymous events have no topic to know them by and are left out. */
export interface EvmAbi {
  readonly events: readonly AbiEvent[]
  readonly functions: readonly AbiFunction[]
}

export type CompiledAbi =
  | { readonly kind: 'abi'; readonly abi: EvmAbi }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

const parameterSchema: z.ZodType<RawParameter> = z.lazy(() =>
  z.object({
    name: z.string().max(256).optional(),
    type: z.string().max(256),
    indexed: z.boolean().optional(),
    components: z.array(parameterSchema).max(256).optional(),
  }),
)

const parametersSchema = z.array(parameterSchema).max(256).default([])

const entrySchema = z.object({
  // The first compilers left it out for functions.
  type: z.string().default('function'),
  name: z.string().max(256).optional(),
  inputs: parametersSchema,
  outputs: parametersSchema,
  anonymous: z.boolean().optional(),
  stateMutability: z.string().optional(),
  constant: z.boolean().optional(),
})

type Entry = z.output<typeof entrySchema>

const ENTRIES_MAX = 5_000

/**
 * Reads a compiler's ABI: the array itself, or an artifact with `abi`. Either everything in it is understood, or every
 * fault is told in a sentence.
 */
export function compileAbi(input: unknown): CompiledAbi {
  const entries = entriesOf(input)
  if (entries === undefined) {
    return faults([
      'this is no ABI: neither a list of functions and events nor an artifact with such a list under `abi`',
    ])
  }
  if (entries.length > ENTRIES_MAX) {
    return faults([`this ABI has ${entries.length} entries; at most ${ENTRIES_MAX} are read`])
  }
  const events: AbiEvent[] = []
  const functions: AbiFunction[] = []
  const found: string[] = []
  for (const [index, raw] of entries.entries()) {
    const parsed = entrySchema.safeParse(raw)
    if (!parsed.success) {
      found.push(`entry ${index + 1} of the ABI is not understood: ${firstIssue(parsed.error)}`)
      continue
    }
    try {
      if (parsed.data.type === 'event' && parsed.data.anonymous !== true) events.push(eventOf(parsed.data))
      if (parsed.data.type === 'function') functions.push(functionOf(parsed.data))
    } catch (error) {
      found.push(`entry ${index + 1} of the ABI (${parsed.data.type} ${parsed.data.name ?? '?'}): ${messageOf(error)}`)
    }
  }
  if (found.length > 0) return faults(found)
  if (events.length + functions.length === 0) return faults(['this ABI has neither a function nor an event'])
  return { kind: 'abi', abi: { events, functions } }
}

function faults(sentences: readonly string[]): CompiledAbi {
  return { kind: 'faults', faults: sentences }
}

function entriesOf(input: unknown): readonly unknown[] | undefined {
  const list = z.array(z.unknown())
  const parsed = z.union([list, z.object({ abi: list }).transform((artifact) => artifact.abi)]).safeParse(input)
  return parsed.success ? parsed.data : undefined
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'it has another shape'
  return `${issue.path.length === 0 ? '' : `${issue.path.join('.')}: `}${issue.message}`
}

function eventOf(entry: Entry): AbiEvent {
  const name = nameOf(entry)
  const fields = fieldsOf(entry.inputs)
  const inputs = fields.map((field, index) => ({ ...field, isIndexed: entry.inputs[index]?.indexed === true }))
  if (inputs.filter((input) => input.isIndexed).length > 3) throw new Error('an event has at most 3 indexed inputs')
  const signature = signatureOf(name, fields)
  return { name, signature, topic: topicOf(signature), inputs }
}

function functionOf(entry: Entry): AbiFunction {
  const name = nameOf(entry)
  const inputs = fieldsOf(entry.inputs)
  const signature = signatureOf(name, inputs)
  return {
    name,
    signature,
    selector: `0x${keccak256(signature).slice(2, 10)}`,
    inputs,
    outputs: fieldsOf(entry.outputs),
    isView: entry.constant === true || entry.stateMutability === 'view' || entry.stateMutability === 'pure',
  }
}

function nameOf(entry: Entry): string {
  if (entry.name === undefined || entry.name === '') throw new Error('it has no name')
  return entry.name
}

function signatureOf(name: string, fields: readonly AbiField[]): string {
  return `${name}(${fields.map((field) => canonicalType(field.type)).join(',')})`
}

/**
 * The topic of an event by its signature, such as `Transfer(address,address,uint256)`; of an event in an ABI it is `topic`.
 *
 * @internal
 */
export function topicOf(signature: string): Hex {
  return keccak256(signature)
}

/** What a log or a result holds, by name: integers as decimal text, bytes as 0x text, addresses with their checksum. */
export type Decoded =
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, Json>> }
  | { readonly kind: 'fault'; readonly fault: string }

/**
 * Makes the call data of a function.
 *
 * @throws Error a sentence about the value that does not fit its type
 */
export function encodeCall(called: AbiFunction, args: readonly Json[]): Hex {
  return `0x${called.selector.slice(2)}${encodeFields(called.inputs, args)}`
}

/** Reads what a function returned, by the names of its outputs (`arg0` where one has none). */
export function decodeResult(called: AbiFunction, data: Hex): Decoded {
  return decoded(() => compileFields(called.outputs, createAddressWriter())(data.slice(2).toLowerCase()))
}

/** Runs a decoder; data that does not hold what the type says is a fault, not an exception. */
export function decoded(decode: () => Readonly<Record<string, Json>>): Decoded {
  try {
    return { kind: 'values', values: decode() }
  } catch (error) {
    if (error instanceof AbiDataError) return { kind: 'fault', fault: error.message }
    throw error
  }
}
