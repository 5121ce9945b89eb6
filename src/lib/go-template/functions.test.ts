import { describe, expect, test } from 'vitest'

import { commonFunctions, querySample } from './functions.ts'
import { parseTemplate } from './index.ts'
import { goDuration, goTime } from './time.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const FUNCTIONS = commonFunctions({ now: () => NOW, externalUrl: 'https://watch.example.org:9095/deep/path' })

const DATA = {
  start: goTime(Date.UTC(2026, 6, 5, 1, 2, 3)),
  early: goTime(NOW - 90_000),
  half: goDuration(1_500_000_000n),
  samples: [querySample({ job: 'b', __value__: '7' }, 7), querySample({ job: 'a' }, 1)],
  texts: ['a', 'b'],
  big: 10n ** 30n,
}

function render(text: string): string {
  const template = parseTemplate(text, { name: 't', functions: FUNCTIONS, missingKey: 'zero' })
  const result = template.execute(DATA)
  if (typeof result !== 'string') throw new Error('it waits, though no function does')
  return result
}

describe('numbers for people', () => {
  test.each([
    ['humanize 0.0', '0'],
    ['humanize 1.0', '1'],
    ['humanize 1234567.0', '1.235M'],
    ['humanize 999.9', '999.9'],
    ['humanize 1000', '1k'],
    ['humanize 1e27', '1000Y'],
    ['humanize 0.12', '120m'],
    ['humanize 1e-7', '100n'],
    ['humanize -1500', '-1.5k'],
    ['humanize "2048"', '2.048k'],
    ['humanize "NaN"', 'NaN'],
    ['humanize "+Inf"', '+Inf'],
    ['humanize .big', '1e+06Y'],
    ['humanize1024 0.5', '0.5'],
    ['humanize1024 1024', '1ki'],
    ['humanize1024 1536', '1.5ki'],
    ['humanize1024 1048576.0', '1Mi'],
    ['humanize1024 -1048576.0', '-1Mi'],
    ['humanizeDuration 0', '0s'],
    ['humanizeDuration 1', '1s'],
    ['humanizeDuration 59.5', '59.5s'],
    ['humanizeDuration 60', '1m 0s'],
    ['humanizeDuration 3661', '1h 1m 1s'],
    ['humanizeDuration 90061', '1d 1h 1m 1s'],
    ['humanizeDuration 86400', '1d 0h 0m 0s'],
    ['humanizeDuration -90061', '-1d 1h 1m 1s'],
    ['humanizeDuration 0.1', '100ms'],
    ['humanizeDuration 0.0001', '100us'],
    ['humanizeDuration .half', '1.5s'],
    ['humanizeDuration "+Inf"', '+Inf'],
    ['humanizePercentage 0.1234567', '12.35%'],
    ['humanizePercentage 1', '100%'],
    ['humanizeTimestamp 1435065584.128', '2015-06-23 13:19:44.128 +0000 UTC'],
    ['humanizeTimestamp 0', '1970-01-01 00:00:00 +0000 UTC'],
    ['humanizeTimestamp "NaN"', 'NaN'],
  ])('%s is %s', (expression, expected) => {
    expect(render(`{{ ${expression} }}`)).toBe(expected)
  })

  test('what is no number is an error', () => {
    expect(() => render('{{ humanize "abc" }}')).toThrow('error calling humanize: can\'t convert "abc" to float')
    expect(() => render('{{ humanize .texts }}')).toThrow("can't convert []interface {} to float")
  })
})

describe('texts', () => {
  test.each([
    ['toUpper "abc é"', 'ABC É'],
    ['toLower "ABC"', 'abc'],
    ['title "aa bb CC-dd_ee"', 'Aa Bb CC-Dd_ee'],
    ['trimSpace " a b\\n"', 'a b'],
    ['join ", " .texts', 'a, b'],
    ['stringSlice "x" "y" | join "-"', 'x-y'],
    ['match "^a.c$" "abc"', 'true'],
    ['match "b" "abc"', 'true'],
    ['match "^b" "abc"', 'false'],
    ['reReplaceAll "a(.)c" "<$1>" "abc adc"', '<b> <d>'],
    ['reReplaceAll "(?P<first>\\\\w+) (\\\\w+)" "${2} ${first}" "hello world"', 'world hello'],
    ['reReplaceAll "(a)" "$1x" "a"', ''],
    ['reReplaceAll "(a)" "${1}x$$" "a"', 'ax$'],
    ['reReplaceAll "x*" "-" "abc"', '-a-b-c-'],
    ['reReplaceAll ":.*" "" "host:9090"', 'host'],
    ['safeHtml "<b>"', '<b>'],
    ['(args 1 "x").arg1', 'x'],
    ['parseDuration "1h30m"', '5400'],
    ['parseDuration "-5m"', '-300'],
    ['stripPort "host:9090"', 'host'],
    ['stripPort "[::1]:9090"', '::1'],
    ['stripPort "::1"', '::1'],
    ['stripPort "host"', 'host'],
    ['stripDomain "host.example.org:9090"', 'host:9090'],
    ['stripDomain "host.example.org"', 'host'],
    ['stripDomain "192.0.2.1:9090"', '192.0.2.1:9090'],
    ['stripDomain "[2001:db8::1]:9090"', '[2001:db8::1]:9090'],
    ['urlQueryEscape "a b&c"', 'a+b%26c'],
    ['urlUnescape "a+b%26c"', 'a b&c'],
    ['externalURL', 'https://watch.example.org:9095/deep/path'],
    ['pathPrefix', '/deep/path'],
    ['toJson .texts', '["a","b"]'],
    [
      'toJson (args .big 1.5 "<b>" nil true)',
      '{"arg0":1000000000000000000000000000000,"arg1":1.5,"arg2":"\\u003cb\\u003e","arg3":null,"arg4":true}',
    ],
    ['toJson .start', '"2026-07-05T01:02:03Z"'],
  ])('%s is %s', (expression, expected) => {
    expect(render(`{{ ${expression} }}`)).toBe(expected)
  })

  test('a hostile pattern is refused, or linear', () => {
    expect(render(`{{ match "(a+)+$" "${'a'.repeat(5_000)}!" }}`)).toBe('false')
    expect(() => render('{{ match "((a{500}){500}){500}" "a" }}')).toThrow('error calling match')
    expect(() => render('{{ reReplaceAll "(" "" "a" }}')).toThrow('error calling reReplaceAll')
    expect(() => render(`{{ reReplaceAll "" "${'x'.repeat(4_000)}" "${'y'.repeat(4_000)}" }}`)).toThrow('longer than')
  })

  test('a join of what is no text is an error', () => {
    expect(() => render('{{ join "," .samples }}')).toThrow('error calling join')
  })
})

describe('samples of a query', () => {
  test.each([
    ['(first .samples).Value', '7'],
    ['.samples | first | value', '7'],
    ['.samples | first | label "job"', 'b'],
    ['.samples | first | label "nope"', ''],
    ['.samples | first | strvalue', '7'],
    ['(.samples | sortByLabel "job" | first).Labels.job', 'a'],
    ['(first .samples).Labels.nope', ''],
  ])('%s is %s', (expression, expected) => {
    expect(render(`{{ ${expression} }}`)).toBe(expected)
  })

  test('there is no first of none', () => {
    expect(() => render('{{ first nil }}')).toThrow('first() called on vector with no elements')
  })
})

describe('times', () => {
  test.each([
    ['now', '2026-01-02 03:04:05.678 +0000 UTC'],
    ['now.Unix', '1767323045'],
    ['now.Year', '2026'],
    ['now.Weekday', 'Friday'],
    ['since .early', '1m30s'],
    ['(since .early).Seconds', '90'],
    ['.start.Sub .early', '4413h59m27.322s'],
    ['.early.Before now', 'true'],
    ['date "2006-01-02 15:04:05" .start', '2026-07-05 01:02:03'],
    ['.start.Format "Mon Jan _2 3:04PM 06"', 'Sun Jul  5 1:02AM 26'],
    ['.start.Format "Monday, 02-January-2006 T03:04:05Z07:00"', 'Sunday, 05-July-2026 T01:02:03Z'],
    ['now.Format "15:04:05.000 05.99 05.000000"', '03:04:05.678 05.67 05.678000'],
    ['.start.Format "05.999"', '03'],
    ['.start.Format "002 __2"', '186 186'],
    ['tz "Europe/Paris" .start', '2026-07-05 03:02:03 +0200 CEST'],
    ['(tz "America/New_York" now).Format "2006-01-02T15:04:05-07:00 MST"', '2026-01-01T22:04:05-05:00 EST'],
    ['tz "Asia/Kolkata" .start | date "15:04 -0700"', '06:32 +0530'],
    ['(tz "Europe/Paris" .start).UTC', '2026-07-05 01:02:03 +0000 UTC'],
    ['toTime 1435065584.128', '2015-06-23 13:19:44.128 +0000 UTC'],
    ['(toTime 1435065584).Year', '2015'],
    ['toDuration 3725.5', '1h2m5.5s'],
    ['toDuration 0.0015', '1.5ms'],
    ['toDuration 0', '0s'],
    ['toDuration -61', '-1m1s'],
    ['(toDuration 90).Minutes', '1.5'],
    ['gt (toDuration 90) (toDuration 60)', 'true'],
    ['printf "%d %s" .half .half', '1500000000 1.5s'],
    ['(now.Add .half).Format "05.0"', '07.1'],
    ['.half.Round (toDuration 1)', '2s'],
  ])('%s is %s', (expression, expected) => {
    expect(render(`{{ ${expression} }}`)).toBe(expected)
  })

  test.each([
    ['tz "Mars/Base" now', 'unknown time zone Mars/Base'],
    ['toTime "NaN"', 'value is NaN or Inf'],
    ['toTime 1e12', 'overflows int64'],
    ['since 5', "can't handle 5 for arg of type time.Time"],
    ['since .texts', 'wrong type for value; expected time.Time; got []interface {}'],
  ])('%s is an error', (expression, expected) => {
    expect(() => render(`{{ ${expression} }}`)).toThrow(expected)
  })
})
