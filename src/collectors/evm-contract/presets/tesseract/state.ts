/**
 * How the contract numbers the states of a transaction. Its documents count 0, 1, 2, 3; what its compiler (Vyper 0.3.10)
 * makes of an enum are bit flags 1, 2, 4, 8, and 0 for what was never set.
 */
export type StateEncoding = 'ordinal' | 'flags'

const ORDINALS: Readonly<Record<string, string>> = {
  0: 'EMPTY',
  1: 'BUFFERED',
  2: 'READY',
  3: 'EXECUTED',
  4: 'FAILED',
}

const FLAGS: Readonly<Record<string, string>> = {
  0: 'EMPTY',
  1: 'EMPTY',
  2: 'BUFFERED',
  4: 'READY',
  8: 'EXECUTED',
  16: 'FAILED',
  32: 'EXPIRED',
  64: 'REFUNDED',
}

/**
 * The name of a state. Where the encoding is not known, a name only for what both mean alike or only one can mean;
 * undefined for what stays a number.
 */
export function stateName(value: string, encoding: StateEncoding | undefined): string | undefined {
  if (encoding === 'ordinal') return ORDINALS[value]
  if (encoding === 'flags') return FLAGS[value]
  const ordinal = ORDINALS[value]
  const flag = FLAGS[value]
  return ordinal === undefined || flag === undefined || ordinal === flag ? (ordinal ?? flag) : undefined
}

/** What the state of a transaction at the very block that buffered it says about the encoding. */
export function encodingOf(stateWhenBuffered: string): StateEncoding | undefined {
  if (stateWhenBuffered === '1') return 'ordinal'
  return stateWhenBuffered === '2' ? 'flags' : undefined
}
