/**
 * A template is wrong, or could not be executed. The message is Go's: `template: name:line: ...` for syntax,
 * `template: name:line:column: executing "name" at <.Field>: ...` for execution.
 */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  /** The name under which the faulty text was parsed. */
  readonly template: string
  /** From 1. */
  readonly line: number
  /** In bytes from 0, as Go counts; undefined for errors of syntax. */
  readonly column: number | undefined

  constructor(message: string, place: TemplatePlace, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.template = place.template
    this.line = place.line
    this.column = place.column
  }
}

export interface TemplatePlace {
  readonly template: string
  readonly line: number
  readonly column?: number
}

/** What a function or an operator throws: the evaluator adds where, and makes it a `TemplateError`. */
export class CallError extends Error {
  override readonly name = 'CallError'
}

/** More text, steps or depth than the limits allow. It says so itself, wherever it was met. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
}
