import type { Hex } from './contract.ts'

/** What all endpoints of a pool must agree on. Shared by them: where nothing is configured, the first answer decides. */
export interface ChainIdentity {
  chainId: number | undefined
  /** Block 0 as first seen: a development chain that was started afresh keeps its id, and has another one. */
  genesis: Hex | undefined
}
