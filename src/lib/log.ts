import type { Json } from './json.ts'
import { loggableFields } from './log-fields.ts'

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

export interface LoggerOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel
  /** The `logger` of lines from the logger that is returned; default `chainwarden`. */
  readonly name?: string
  readonly write: (line: LogLine) => void
  /** Wall time, milliseconds UTC. */
  readonly now: () => number
}

/** A logger that never throws: what cannot be shown of a field is said in its place, what cannot be written is lost. */
export function createLogger(options: LoggerOptions): Logger {
  const { write, now } = options
  const lowest = LOG_LEVELS.indexOf(options.level)

  function under(name: string, inherited: LogFields): Logger {
    const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(level) < lowest) return
      try {
        const all = loggableFields({ ...inherited, ...fields })
        write({ timestampMs: now(), level, message, logger: name, fields: all })
      } catch {
        // A log that fails must not take down what it tells about; the sinks say themselves what they could not write.
      }
    }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (childName, fields) => under(childName, { ...inherited, ...fields }),
    }
  }

  return under(options.name ?? 'chainwarden', {})
}
