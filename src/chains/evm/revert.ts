import { compileFields, createAddressWriter } from './abi-decode.ts'
import { decoded } from './abi.ts'
import type { Hex } from './contract.ts'

/** Selectors of Solidity's own errors: `Error(string)` for require and revert, `Panic(uint256)` for asserts. */
const ERROR_SELECTOR = '08c379a0'
const PANIC_SELECTOR = '4e487b71'

/** What a revert's data says, in words. */
export function describeRevert(data: Hex): string {
  const selector = data.slice(2, 10)
  const rest = data.slice(10)
  if (selector === ERROR_SELECTOR) {
    const text = decoded(() => readText(rest))
    const said = text.kind === 'values' ? text.values['text'] : undefined
    return typeof said === 'string' ? `it reverts: ${said.slice(0, 200)}` : 'it reverts'
  }
  if (selector === PANIC_SELECTOR) return `it panics with code 0x${rest.slice(-2)}`
  return `it reverts with an error of its own (0x${selector})`
}

const readText = compileFields([{ name: 'text', type: { kind: 'string' } }], createAddressWriter())
