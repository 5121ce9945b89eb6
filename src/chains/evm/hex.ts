import type { Hex } from './contract.ts'

const ANY = /^0x[0-9a-f]*$/
const WORD = /^0x[0-9a-f]{64}$/
const ADDRESS = /^0x[0-9a-f]{40}$/

/** Lower-case 0x text of any length. */
export function isHex(text: string): text is Hex {
  return ANY.test(text)
}

/** 32 bytes: a hash or a topic. */
export function isWord(text: string): text is Hex {
  return WORD.test(text)
}

/** 20 bytes, in lower case. */
export function isLowerAddress(text: string): text is Hex {
  return ADDRESS.test(text)
}

/** How nodes write numbers: 0x, no leading zeros. */
export function quantity(value: number): Hex {
  return `0x${value.toString(16)}`
}
