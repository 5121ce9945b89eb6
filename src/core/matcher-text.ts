import { messageOf } from '../lib/errors.ts'
import { createMatcher, type Matcher, type MatchOperator } from './matcher.ts'

/*
 * Alertmanager reads matchers in two ways: the classic one, lenient about values, and the UTF-8 one, in which names may
 * be quoted. Where both succeed the classic reading counts, so that no file changes its meaning (`matcher/compat`).
 */

const OPERATOR = /^(=~|!=|!~|=)/
const CLASSIC = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!=|!~|=)\s*([\s\S]*?)\s*$/
const UNQUOTED = /^[^\s{}!=~,\\"'`]+/u
const QUOTED = /^"(?:[^"\\\n]|\\.)*"/u

/**
 * Reads matchers as Alertmanager does: `severity="critical"`, `{team=~"a|b", env!=test}`, `"my label"="x"`.
 *
 * @throws Error with a sentence when the text is none
 */
export function parseMatchers(text: string): readonly Matcher[] {
  try {
    return parseClassic(text)
  } catch (classic) {
    try {
      return parseUtf8(text)
    } catch {
      throw classic
    }
  }
}

function parseClassic(text: string): readonly Matcher[] {
  const inner = text.replace(/^\{/, '').replace(/\}$/, '')
  return splitOutsideQuotes(inner).map((part) => {
    const match = CLASSIC.exec(part)
    if (match === null) throw new Error(`this is no matcher: ${part.trim()}; write it as name="value"`)
    return makeMatcher(match[1] ?? '', match[2] ?? '', classicValue(match[3] ?? ''))
  })
}

function splitOutsideQuotes(text: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  let isEscaped = false
  for (const character of text) {
    if (character === ',' && !isQuoted) {
      parts.push(part)
      part = ''
      continue
    }
    if (character === '"' && !isEscaped) isQuoted = !isQuoted
    isEscaped = character === '\\' && !isEscaped
    part += character
  }
  if (part.trim() !== '') parts.push(part)
  return parts
}

const CLASSIC_ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

function classicValue(raw: string): string {
  const isQuoted = raw.startsWith('"')
  const inner = isQuoted ? raw.slice(1) : raw
  const body = isQuoted && /(?:^|[^\\])(?:\\\\)*"$/.test(inner) ? inner.slice(0, -1) : inner
  const isClosed = !isQuoted || body.length < inner.length
  if (!isClosed || /(?:^|[^\\])(?:\\\\)*"/.test(body)) {
    throw new Error(`the quotes of the matcher value ${raw} do not fit together`)
  }
  return body.replaceAll(/\\[\s\S]/g, (escape) => CLASSIC_ESCAPES[escape] ?? escape)
}

function parseUtf8(text: string): readonly Matcher[] {
  let rest = text.trim()
  const isBraced = rest.startsWith('{')
  if (isBraced !== rest.endsWith('}')) throw new Error(`the braces of ${text} do not fit together`)
  if (isBraced) rest = rest.slice(1, -1).trim()
  const matchers: Matcher[] = []
  while (rest !== '') {
    const name = take(rest)
    const operator = OPERATOR.exec(name.rest)?.[0]
    if (operator === undefined) throw new Error(`there is no =, !=, =~ or !~ after ${name.token}`)
    const value = take(name.rest.slice(operator.length).trim())
    matchers.push(makeMatcher(name.token, operator, value.token))
    if (value.rest !== '' && !value.rest.startsWith(',')) throw new Error(`there is no comma before ${value.rest}`)
    rest = value.rest.slice(1).trim()
  }
  return matchers
}

function take(text: string): { readonly token: string; readonly rest: string } {
  const found = QUOTED.exec(text)?.[0] ?? UNQUOTED.exec(text)?.[0]
  if (found === undefined) throw new Error(`a name or value is missing before ${text === '' ? 'the end' : text}`)
  const token = found.startsWith('"') ? unquote(found) : found
  return { token, rest: text.slice(found.length).trim() }
}

/** JSON's escapes are the ones of Go's that operators write. */
function unquote(text: string): string {
  const value: unknown = JSON.parse(text)
  return String(value)
}

function makeMatcher(name: string, operator: string, value: string): Matcher {
  if (!isOperator(operator)) throw new Error(`${operator} is none of =, !=, =~, !~`)
  try {
    return createMatcher(name, operator, value)
  } catch (error) {
    throw new Error(`${value} is no regular expression: ${messageOf(error)}`, { cause: error })
  }
}

function isOperator(text: string): text is MatchOperator {
  return text === '=' || text === '!=' || text === '=~' || text === '!~'
}
