import type { Json } from './json.ts'
import type { LogLevel, LogLine } from './log.ts'

const OWN_NAMES = new Set(['timestamp', 'level', 'message', 'logger'])

/**
 * One JSON object without a line break: `timestamp` (ISO 8601, UTC), `level`, `message`, `logger`, then the fields. A
 * field by one of these four names gets a `_` behind its own.
 */
export function formatJsonLine(line: LogLine): string {
  const isTaken = (name: string) => OWN_NAMES.has(name) || Object.hasOwn(line.fields, name)
  const fields = Object.entries(line.fields).map(([name, value]): [string, Json] => [
    OWN_NAMES.has(name) ? freeName(name, isTaken) : name,
    value,
  ])
  return JSON.stringify({
    timestamp: isoTime(line.timestampMs),
    level: line.level,
    message: line.message,
    logger: line.logger,
    ...Object.fromEntries(fields),
  })
}

/** For a terminal: time (UTC), level, message, then the fields as `name=value` in grey. */
export function formatPrettyLine(line: LogLine, options: { readonly color: boolean }): string {
  const paint = (style: Style, text: string) => (options.color ? `${STYLES[style]}${text}${STYLES.reset}` : text)
  const fields = Object.entries(line.fields).map(([name, value]) => `${name}=${prettyValue(value)}`)
  const time = paint('quiet', isoTime(line.timestampMs).slice(11))
  const head = `${time} ${paint(line.level, line.level.toUpperCase().padEnd(5))} ${printable(line.message)}`
  return `${head}  ${paint('quiet', [line.logger, ...fields].join(' '))}`
}

const ESC = '\u001B'
const STYLES = {
  reset: `${ESC}[0m`,
  quiet: `${ESC}[90m`,
  debug: `${ESC}[90m`,
  info: `${ESC}[32m`,
  warn: `${ESC}[33m`,
  error: `${ESC}[31m`,
} as const satisfies Record<LogLevel | 'reset' | 'quiet', string>

type Style = Exclude<keyof typeof STYLES, 'reset'>

function freeName(name: string, isTaken: (name: string) => boolean): string {
  let free = name
  while (isTaken(free)) free += '_'
  return free
}

/** A clock that is out of a date's range must not cost the line. */
function isoTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? '1970-01-01T00:00:00.000Z' : date.toISOString()
}

const PLAIN = /^[^\s"=\p{C}]+$/u

function prettyValue(value: Json): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value
  return printable(JSON.stringify(value))
}

/** What comes from outside must not move the cursor or clear the screen: control characters are written as \\u. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}
