import type { Json } from '../../lib/json.ts'
import { compileFields, createAddressWriter } from './abi-decode.ts'
import { encodeFields } from './abi-encode.ts'
import type { AbiField } from './abi-type.ts'
import { decoded } from './abi.ts'
import type { EvmCall, EvmCallResult, Hex } from './contract.ts'
import { isHex } from './hex.ts'
import { describeRevert } from './revert.ts'

/** Multicall3, at the same address on every chain that has it (mds1/multicall). */
export const MULTICALL_ADDRESS: Hex = '0xca11bde05977b3631167028862be2a173976ca11'

/** `aggregate3((address target, bool allowFailure, bytes callData)[]) returns ((bool success, bytes returnData)[])` */
const AGGREGATE3: Hex = '0x82ad56cb'

const ARGUMENTS: readonly AbiField[] = [
  {
    name: 'calls',
    type: {
      kind: 'array',
      length: undefined,
      element: {
        kind: 'tuple',
        fields: [
          { name: 'target', type: { kind: 'address' } },
          { name: 'allowFailure', type: { kind: 'bool' } },
          { name: 'callData', type: { kind: 'bytes' } },
        ],
      },
    },
  },
]

const RESULTS: readonly AbiField[] = [
  {
    name: 'results',
    type: {
      kind: 'array',
      length: undefined,
      element: {
        kind: 'tuple',
        fields: [
          { name: 'success', type: { kind: 'bool' } },
          { name: 'returnData', type: { kind: 'bytes' } },
        ],
      },
    },
  },
]

/** All calls as one, each of which may fail alone. */
export function encodeMulticall(calls: readonly EvmCall[]): EvmCall {
  const tuples = calls.map((call): Json => [call.to.toLowerCase(), true, call.data])
  return { to: MULTICALL_ADDRESS, data: `0x${AGGREGATE3.slice(2)}${encodeFields(ARGUMENTS, [tuples])}` }
}

/** What each call gave; undefined: this is no answer of a multicall to so many calls. */
export function decodeMulticall(data: Hex, count: number): readonly EvmCallResult[] | undefined {
  const read = decoded(() => compileFields(RESULTS, createAddressWriter())(data.slice(2)))
  const results = read.kind === 'values' ? read.values['results'] : undefined
  if (!isList(results) || results.length !== count) return undefined
  return results.map((result) => {
    const { success, returnData } = isRecord(result) ? result : { success: false, returnData: '0x' }
    const bytes = typeof returnData === 'string' && isHex(returnData) ? returnData : '0x'
    return success === true ? returned(bytes) : reverted(bytes)
  })
}

/** Nothing at all is what an address without code returns, or a contract whose fallback swallows the call. */
export function returned(data: Hex): EvmCallResult {
  return data === '0x' ? { kind: 'unsupported', detail: 'it returns nothing' } : { kind: 'value', data }
}

/** A revert without data is how contracts say that they have no such function. */
export function reverted(data: Hex): EvmCallResult {
  if (data === '0x') {
    return { kind: 'unsupported', detail: 'it reverts without a reason, as a contract without this function does' }
  }
  return { kind: 'failed', reason: 'reverted', detail: describeRevert(data) }
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isRecord(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
