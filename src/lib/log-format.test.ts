import { expect, test } from 'vitest'

import type { Json } from './json.ts'
import { formatJsonLine, formatPrettyLine } from './log-format.ts'
import type { LogLine } from './log.ts'

function line(fields: Readonly<Record<string, Json>>, message = 'buffered'): LogLine {
  return { timestampMs: 1_767_225_600_123, level: 'warn', message, logger: 'evm', fields }
}

test('JSON has the four names first, the time in UTC, and fields at the top level', () => {
  expect(formatJsonLine(line({ tx_id: '0xab', target: 'tesseract' }))).toBe(
    '{"timestamp":"2026-01-01T00:00:00.123Z","level":"warn","message":"buffered","logger":"evm","tx_id":"0xab","target":"tesseract"}',
  )
})

test('a field by one of the four names gets a suffix, and none is lost', () => {
  const shown: unknown = JSON.parse(formatJsonLine(line({ level: 'x', level_: 'y', message: 'z' })))

  expect(shown).toMatchObject({ level: 'warn', level__: 'x', level_: 'y', message: 'buffered', message_: 'z' })
})

test('one JSON line is one line, whatever is in it', () => {
  expect(formatJsonLine(line({ text: 'a\nb\r\n' }, 'm\n{"level":"error"}'))).not.toContain('\n')
})

test('a time that no calendar knows does not cost the line', () => {
  expect(formatJsonLine({ ...line({}), timestampMs: Number.NaN })).toContain('"message":"buffered"')
})

test('a terminal shows time, level, message, logger and fields', () => {
  expect(formatPrettyLine(line({ a: 1, b: 'two words', c: 'plain' }), { color: false })).toBe(
    '00:00:00.123Z WARN  buffered  evm a=1 b="two words" c=plain',
  )
})

test('colours are there only when asked for', () => {
  const escape = '\u001B['

  expect(formatPrettyLine(line({}), { color: true })).toContain(`${escape}33mWARN`)
  expect(formatPrettyLine(line({}), { color: false })).not.toContain(escape)
})

test('what comes from outside cannot steer the terminal', () => {
  const shown = formatPrettyLine(line({ said: '\u001B[2J\u009B\u202E' }, 'clear\u001B[2Jed'), { color: false })

  expect(shown).not.toMatch(/\p{C}/u)
  expect(shown).toContain('clear\\u001b[2Jed')
})
