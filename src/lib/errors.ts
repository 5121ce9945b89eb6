/**
 * Why something outside failed: a closed set, because it is a metric label and each has its entry in
 * `docs/troubleshooting.md`.
 */
export const FAILURE_REASONS = [
  'unreachable', // no connection: refused, reset, no such host
  'timeout', // connected, or not, but no whole answer in time
  'tls', // the certificate was not accepted
  'auth', // 401, 403, or the service's own word for it
  'rate-limited', // 429, or the service's own word for it
  'not-found', // 404, 410
  'rejected', // any other 4xx: the request itself is refused
  'server-error', // 5xx
  'malformed', // not the format, or not the shape, that was promised
  'too-large', // the answer is larger than we read
  'unsupported', // the method or function does not exist there
  'reverted', // a contract call ended in a revert
  'range-too-large', // eth_getLogs wants a smaller range
  'behind', // the endpoint does not have that block yet
  'unknown-block', // the endpoint does not know that block hash: a reorg, or it lags
  'wrong-chain', // another chain than configured
  'local', // this machine refused: a file, a disk, a permission
] as const

export type FailureReason = (typeof FAILURE_REASONS)[number]

export interface OutsideErrorOptions {
  /** Whether the same request may succeed later. */
  readonly retry: boolean
  /** What the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** Somebody else failed. The message says what was attempted and on what, and holds no secret and no credentials. */
export class OutsideError extends Error {
  override readonly name = 'OutsideError'
  readonly reason: FailureReason
  readonly retry: boolean
  readonly retryAfterMs: number | undefined

  constructor(reason: FailureReason, message: string, options: OutsideErrorOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.reason = reason
    this.retry = options.retry
    this.retryAfterMs = options.retryAfterMs
  }
}

/** One fault that the operator can mend. `path` is the place in the document, as `targets[0].rpc_urls`. */
export interface ConfigFault {
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly path?: string
}

/** The operator can mend it. Holds every fault that was found, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(describeFault).join('\n'))
    this.faults = faults
  }
}

/** Another process is at work on the same state: nothing is wrong, and later it may be free. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning'
}

/** `chainwarden.yaml:12: targets[0].address: ...` */
export function describeFault(fault: ConfigFault): string {
  const place = fault.file === undefined ? '' : `${fault.file}${fault.line === undefined ? '' : `:${fault.line}`}: `
  return `${place}${fault.path === undefined || fault.path === '' ? '' : `${fault.path}: `}${fault.message}`
}

/** Our own mistake: the program contradicts itself. Never used for input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Chainwarden contradicts itself: ${message}. Please report this.`)
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
