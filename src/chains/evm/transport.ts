/** Limits of one exchange. */
export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** What is asked, for messages: a method, or `a batch`. */
  readonly what: string
}

/** Carries one JSON-RPC text to an endpoint and brings its answer back. */
export interface Transport {
  /** Rejects with an `OutsideError`; the caller's abort passes through. */
  exchange(body: string, ids: readonly number[], limits: ExchangeLimits): Promise<string>
  stop(): void
}

/** The largest answer that is read. A page of logs is kept far below; a full block's receipts may come near. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024
