import { describe, expect, test } from 'vitest'

import { parseMatchers } from './matcher-text.ts'
import { matchersText } from './route.ts'

describe('matchers are read as Alertmanager reads them', () => {
  test.each([
    ['severity="critical"', '{severity="critical"}'],
    ['severity=critical', '{severity="critical"}'],
    [' foo  =~  "a|b" ', '{foo=~"a|b"}'],
    ['{foo = "bar", dings != "bums", }', '{dings!="bums",foo="bar"}'],
    ['foo=bar,dings!~bums', '{dings!~"bums",foo="bar"}'],
    [String.raw`{quote="She said: \"Hi, ladies!\""}`, String.raw`{quote="She said: \"Hi, ladies!\""}`],
    [String.raw`foo="a\nb\q"`, String.raw`{foo="a\nb\\q"}`],
    ['statuscode=~"5.."', '{statuscode=~"5.."}'],
    ['foo=', '{foo=""}'],
    ['"my label"="x"', '{"my label"="x"}'],
    ['{"my label"="x", other!=y}', '{"my label"="x",other!="y"}'],
    ['{}', '{}'],
    ['a:b="c"', '{a:b="c"}'],
  ])('%s', (text, written) => {
    expect(matchersText(parseMatchers(text))).toBe(written)
  })
})

describe('what is no matcher is refused with a sentence', () => {
  test.each([
    ['foo', 'this is no matcher'],
    ['=bar', 'this is no matcher'],
    ['foo="bar', 'do not fit together'],
    ['foo=b"ar', 'do not fit together'],
    ['foo="b"ar"', 'do not fit together'],
    ['foo=~"("', 'no regular expression'],
    ['a="b",,c="d"', 'this is no matcher'],
  ])('%s', (text, sentence) => {
    expect(() => parseMatchers(text)).toThrow(sentence)
  })
})

test('a regular expression must match the whole value', () => {
  const [matcher] = parseMatchers('team=~"bridge|rollup"')

  expect(matcher?.matches('bridge')).toBe(true)
  expect(matcher?.matches('the bridge')).toBe(false)
})
