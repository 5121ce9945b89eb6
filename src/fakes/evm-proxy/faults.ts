/** Which questions a fault concerns; undefined: all. */
interface Scope {
  readonly methods?: readonly string[]
}

/** What the proxy does to a whole exchange instead of passing it on. */
export type ExchangeFault = Scope &
  (
    | {
        readonly kind: 'status'
        readonly status: number
        readonly body?: string
        readonly headers?: Readonly<Record<string, string>>
      }
    /** A page, as gateways and expired subscriptions send: with status 200. */
    | { readonly kind: 'html' }
    /** Takes the question and never answers. */
    | { readonly kind: 'hang' }
    /** Answers truly, a few bytes at a time. */
    | { readonly kind: 'slow'; readonly bytes: number; readonly everyMs: number }
    | { readonly kind: 'empty' }
    /** Valid JSON for as long as somebody reads, up to so many bytes. */
    | { readonly kind: 'huge'; readonly bytes: number }
    /** The true answer, cut in half. */
    | { readonly kind: 'truncated' }
    /** Closes the connection. */
    | { readonly kind: 'reset' }
    /** One error for any batch, as nodes without batches give. */
    | { readonly kind: 'no-batch' }
  )

/** What the proxy does to one answer. */
export type AnswerFault = Scope &
  (
    | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly data?: unknown }
    /** Any result at all in place of the true one. */
    | { readonly kind: 'result'; readonly result: unknown }
    | { readonly kind: 'wrong-id' }
    | { readonly kind: 'chain-id'; readonly chainId: number }
    /** The node stopped at this block: it knows none above it. */
    | { readonly kind: 'stale-head'; readonly number: number }
    /** The newest block's number is so much higher than it is. */
    | { readonly kind: 'boast'; readonly blocks: number }
    /** eth_getLogs has nothing for any block from this height on; by hash for none. */
    | { readonly kind: 'no-logs'; readonly fromBlock: number }
    /** eth_getLogs refuses more than so many blocks, in a provider's words. */
    | { readonly kind: 'range'; readonly maxBlocks: number; readonly code: number; readonly message: string }
  )

export type EvmFault = ExchangeFault | AnswerFault

const EXCHANGE_KINDS: ReadonlySet<string> = new Set([
  'status',
  'html',
  'hang',
  'slow',
  'empty',
  'huge',
  'truncated',
  'reset',
  'no-batch',
])

export function isExchangeFault(fault: EvmFault): fault is ExchangeFault {
  return EXCHANGE_KINDS.has(fault.kind)
}

export function concerns(fault: EvmFault, methods: readonly string[]): boolean {
  return fault.methods === undefined || fault.methods.some((method) => methods.includes(method))
}
