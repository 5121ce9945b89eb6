/**
 * A query that cannot be answered: it is malformed, its types do not fit, its data contradicts it, or it would take too
 * much. The message is one plain sentence without the place; the place stands beside it.
 */
export class PromqlError extends Error {
  override readonly name = 'PromqlError'
  /** Where in the text, counted in UTF-16 units from 0; undefined when no single place is to blame. */
  readonly position: number | undefined
  /** `parse`: the text is wrong. `execution`: the data or a limit says no. `timeout`, `canceled`: time or a signal did. */
  readonly reason: PromqlErrorReason

  constructor(message: string, options: { readonly position?: number; readonly reason?: PromqlErrorReason } = {}) {
    super(message)
    this.position = options.position
    this.reason = options.reason ?? 'execution'
  }
}

export type PromqlErrorReason = 'parse' | 'execution' | 'timeout' | 'canceled'

/** Line and column, both from 1, as Prometheus counts them: `3:14`. */
export function placeOf(text: string, position: number): string {
  const before = text.slice(0, position)
  const lineStart = before.lastIndexOf('\n') + 1
  return `${before.split('\n').length}:${position - lineStart + 1}`
}
