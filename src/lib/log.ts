import type { Json } from './json.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Fields go to the top level of the line. A `Secret` shows as `<secret>`, a bigint as a decimal string. */
export type LogFields = Readonly<Record<string, unknown>>

/** A static message and fields; what varies is a field. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same destination under another `logger` name, with `fields` on every line. */
  child(name: string, fields?: LogFields): Logger
}

/** One line as data, before it is written as JSON or for a terminal. */
export interface LogLine {
  readonly timestampMs: number
  readonly level: LogLevel
  readonly message: string
  readonly logger: string
  readonly fields: Readonly<Record<string, Json>>
}
