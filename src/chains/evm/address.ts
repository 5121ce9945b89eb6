import type { Hex } from './contract.ts'
import { isLowerAddress } from './hex.ts'
import { keccak256 } from './keccak.ts'

/** What `parseAddress` found: the address in its checksummed writing, or what is wrong with the text. */
export type ParsedAddress =
  | { readonly kind: 'address'; readonly address: Hex }
  | { readonly kind: 'fault'; readonly fault: string }

/**
 * Reads an address. All in lower case (or all in upper case) it carries no checksum and is taken; in mixed case the
 * capitals are the checksum of EIP-55, and a wrong one is a typing mistake.
 */
export function parseAddress(text: string): ParsedAddress {
  const lower = text.toLowerCase()
  if (!/^0x/i.test(text)) return fault(`${text} is no address: an address starts with 0x`)
  if (!isLowerAddress(lower)) {
    const digits = text.length - 2
    return fault(
      digits === 40
        ? `${text} is no address: after 0x come only the digits 0-9 and a-f`
        : `${text} is no address: it has ${digits} digits after 0x, and an address has 40`,
    )
  }
  const address = checksummed(lower)
  const digits = text.slice(2)
  const carriesChecksum = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  if (carriesChecksum && digits !== address.slice(2)) {
    return fault(
      `${text} has a wrong checksum, so a digit or a capital may be mistyped: if every digit is right, it is written ${address}`,
    )
  }
  return { kind: 'address', address }
}

function fault(sentence: string): ParsedAddress {
  return { kind: 'fault', fault: sentence }
}

/** The EIP-55 writing of an address in lower case: a letter is a capital where the hash of the text has a digit over 7. */
export function checksummed(lower: Hex): Hex {
  const digest = keccak256(lower.slice(2))
  let text = ''
  for (let index = 2; index < lower.length; index++) {
    const letter = lower.charAt(index)
    text += digest.charAt(index) >= '8' ? letter.toUpperCase() : letter
  }
  return `0x${text}`
}
