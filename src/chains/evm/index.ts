export type * from './contract.ts'
export { AbiValueError } from './abi-encode.ts'
export type { AbiField, AbiType } from './abi-type.ts'
export {
  type AbiEvent,
  type AbiEventInput,
  type AbiFunction,
  type CompiledAbi,
  compileAbi,
  decodeResult,
  type Decoded,
  encodeCall,
  type EvmAbi,
  topicOf,
} from './abi.ts'
export { type ParsedAddress, parseAddress } from './address.ts'
export { eventDecoder, type LogContent } from './event-decoder.ts'
export { createEvmFollower, type FollowerOptions } from './follower.ts'
export { createEvmPool, type EvmPool } from './pool.ts'
