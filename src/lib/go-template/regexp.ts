import { RE2JS } from 're2js'

import { messageOf } from '../errors.ts'
import { CallError, LimitError } from './errors.ts'
import { TEXT_MAX } from './format.ts'

const PATTERN_MAX = 4_096

/** Compiles in Go's own syntax (RE2): linear in time, whatever the pattern. Throws `CallError` where it is none. */
function compile(pattern: string): RE2JS {
  if (pattern.length > PATTERN_MAX) throw new CallError(`a pattern has at most ${PATTERN_MAX} characters`)
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    throw new CallError(messageOf(error), { cause: error })
  }
}

/** Whether the pattern is anywhere in the text. */
export function matches(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find()
}

/** Every match replaced, with `$1`, `${1}` and `${name}` for what groups matched (Go's `ReplaceAllString`). */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  const matcher = compile(pattern).matcher(text)
  const pieces = templateOf(replacement)
  let result = ''
  let from = 0
  while (matcher.find()) {
    result += text.slice(from, matcher.start())
    for (const piece of pieces) result += typeof piece === 'string' ? piece : groupOf(matcher, piece.group)
    from = matcher.end()
    if (result.length > TEXT_MAX) throw new LimitError(`a text is longer than ${TEXT_MAX} characters`)
  }
  return result + text.slice(from)
}

type Piece = string | { readonly group: string }

/** `$name` takes as many letters, digits and `_` as there are: `$1x` is the group `1x`. */
function templateOf(replacement: string): readonly Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of replacement.matchAll(/\$(?:\$|\{(\w+)\}|(\w+))/g)) {
    pieces.push(replacement.slice(from, match.index))
    const group = match[1] ?? match[2]
    pieces.push(group === undefined ? '$' : { group })
    from = match.index + match[0].length
  }
  return [...pieces, replacement.slice(from)]
}

/** What a group matched; nothing, where there is no such group or it took no part. */
function groupOf(matcher: ReturnType<RE2JS['matcher']>, name: string): string {
  if (!/^\d+$/.test(name)) {
    return Object.hasOwn(matcher.namedGroups, name) ? (matcher.group(name) ?? '') : ''
  }
  return Number(name) <= matcher.groupCount() ? (matcher.group(Number(name)) ?? '') : ''
}
