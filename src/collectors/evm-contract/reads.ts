import {
  type AbiFunction,
  decodeResult,
  encodeCall,
  type EvmAbi,
  type EvmCall,
  type EvmCallResult,
  type Hex,
} from '../../chains/evm/index.ts'
import type { Sample } from '../../core/sample.ts'
import { assert, type FailureReason, messageOf } from '../../lib/errors.ts'
import type { Json } from '../../lib/json.ts'
import type { ReadConfig } from './config.ts'
import { withPoint } from './with-point.ts'

/** A label value has an end; a text on chain need not. */
const VALUE_MAX = 256

/** A view function ready to be called. */
export interface Read {
  readonly config: ReadConfig
  readonly function: AbiFunction
  /** The label `function`, unless it has several outputs: then that of each is `label.output`. */
  readonly label: string
  readonly call: EvmCall
}

/** One output of a view function. */
export type ReadValue =
  | { readonly kind: 'number'; readonly label: string; readonly text: string; readonly value: number }
  | { readonly kind: 'truth'; readonly label: string; readonly text: string; readonly value: number }
  | { readonly kind: 'text'; readonly label: string; readonly text: string }

export type ReadOutcome =
  | { readonly kind: 'values'; readonly read: Read; readonly values: readonly ReadValue[] }
  | { readonly kind: 'unsupported'; readonly read: Read; readonly detail: string }
  | { readonly kind: 'failed'; readonly read: Read; readonly reason: FailureReason; readonly detail: string }

/** Gives a text to some numbers: the states of a state machine, for example. */
export type NumberText = (read: Read, value: string) => string | undefined

/** What is wrong with a configured read, in a sentence; undefined when it can be called. */
export function findFunction(
  abi: EvmAbi,
  config: ReadConfig,
): { readonly found: AbiFunction } | { readonly fault: string } {
  const named = abi.functions.filter((candidate) => candidate.name === config.name)
  if (named.length === 0) return { fault: `the ABI has no function ${config.name}` }
  const views = named.filter((candidate) => candidate.isView && candidate.outputs.length > 0)
  if (views.length === 0) return { fault: `${config.name} is no view function that returns something` }
  const fitting = views.filter((candidate) => candidate.inputs.length === config.args.length)
  const example = views[0]
  if (fitting.length === 0) return { fault: `${example?.signature} takes other arguments than ${config.args.length}` }
  const faults: string[] = []
  for (const found of fitting) {
    try {
      encodeCall(found, config.args)
      return { found }
    } catch (error) {
      faults.push(`${found.signature}: ${messageOf(error)}`)
    }
  }
  return { fault: faults.join('; ') }
}

export function compileReads(abi: EvmAbi, address: Hex, configs: readonly ReadConfig[]): readonly Read[] {
  return configs.map((config) => {
    const result = findFunction(abi, config)
    assert('found' in result, `the read ${config.name} was not checked`)
    const call = { to: address, data: encodeCall(result.found, config.args) }
    return { config, function: result.found, label: labelOf(config), call }
  })
}

export function labelOf({ name, args, as }: ReadConfig): string {
  if (as !== undefined) return as
  return args.length === 0 ? name : `${name}(${args.join(',')})`
}

/** What one answer says. A function that reverts, or answers what its ABI does not promise, is not supported there. */
export function readOutcome(read: Read, answer: EvmCallResult | undefined, numberText: NumberText): ReadOutcome {
  if (answer === undefined) return { kind: 'failed', read, reason: 'malformed', detail: 'no answer' }
  // A revert is the contract's own answer, whatever it says with it: asking again gives no other, and it must not stand
  // in the way of those that can be read.
  const isRevert = answer.kind === 'failed' && answer.reason === 'reverted'
  if (answer.kind === 'failed' && !isRevert) {
    return { kind: 'failed', read, reason: answer.reason, detail: answer.detail }
  }
  if (answer.kind !== 'value') return { kind: 'unsupported', read, detail: answer.detail }
  const decoded = decodeResult(read.function, answer.data)
  if (decoded.kind === 'fault') return { kind: 'unsupported', read, detail: decoded.fault }
  const { outputs } = read.function
  const values = outputs.map((output) => {
    const label = outputs.length === 1 ? read.label : `${read.label}.${output.name}`
    const value = decoded.values[output.name] ?? null
    return valueOf(
      { read, label, value, isNumber: output.type.kind === 'uint' || output.type.kind === 'int' },
      numberText,
    )
  })
  return { kind: 'values', read, values }
}

interface Output {
  readonly read: Read
  readonly label: string
  readonly value: Json
  readonly isNumber: boolean
}

function valueOf({ read, label, value, isNumber }: Output, numberText: NumberText): ReadValue {
  if (typeof value === 'boolean') return { kind: 'truth', label, text: String(value), value: value ? 1 : 0 }
  const plain = typeof value === 'string' ? value : JSON.stringify(value)
  if (!isNumber) return { kind: 'text', label, text: bounded(plain) }
  const text = numberText(read, plain)
  if (text !== undefined) return { kind: 'text', label, text }
  const digits = withPoint(plain, read.config.decimals)
  return { kind: 'number', label, text: digits, value: Number(digits) }
}

function bounded(text: string): string {
  return text.length <= VALUE_MAX ? text : `${text.slice(0, VALUE_MAX - 3)}...`
}

export function readSamples(outcomes: readonly ReadOutcome[]): readonly Sample[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'values' ? outcome.values.map(sampleOf) : []))
}

function sampleOf(value: ReadValue): Sample {
  if (value.kind === 'text') {
    return { name: 'evm_contract_read_info', labels: { function: value.label, value: value.text }, value: 1 }
  }
  return { name: 'evm_contract_read', labels: { function: value.label }, value: value.value }
}

/** A text or a truth value that is another than at the last look. Numbers change all the time: they are series. */
export interface ReadChange {
  readonly label: string
  readonly before: string
  readonly after: string
}

export function readChanges(
  before: Readonly<Record<string, string>>,
  outcomes: readonly ReadOutcome[],
): readonly ReadChange[] {
  return watched(outcomes).flatMap(({ label, text }) => {
    const old = before[label]
    return old === undefined || old === text ? [] : [{ label, before: old, after: text }]
  })
}

/** What to remember: the last answer of each, also where this time there was none. */
export function rememberReads(
  before: Readonly<Record<string, string>>,
  reads: readonly Read[],
  outcomes: readonly ReadOutcome[],
): Readonly<Record<string, string>> {
  const configured = Object.entries(before).filter(([label]) =>
    reads.some((read) => label === read.label || label.startsWith(`${read.label}.`)),
  )
  return {
    ...Object.fromEntries(configured),
    ...Object.fromEntries(watched(outcomes).map((value) => [value.label, value.text])),
  }
}

function watched(outcomes: readonly ReadOutcome[]): readonly ReadValue[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === 'values' ? outcome.values.filter((value) => value.kind !== 'number') : [],
  )
}
