import { RE2JS } from 're2js'

import type { Labels } from './labels.ts'

export type MatchOperator = '=' | '!=' | '=~' | '!~'

/** One condition on a label. A label that is missing has the value `''`. Regular expressions are RE2 and anchored. */
export interface Matcher {
  readonly name: string
  readonly operator: MatchOperator
  readonly value: string
  matches(value: string): boolean
}

/**
 * Makes a matcher. Regular expressions run in linear time and remember what they said of a value, as label values repeat.
 *
 * @throws RE2JSSyntaxException when the expression is none
 */
export function createMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  return { name, operator, value, matches: testOf(operator, value) }
}

export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labels[matcher.name] ?? ''))
}

const REMEMBERED_MAX = 10_000

function testOf(operator: MatchOperator, expected: string): (value: string) => boolean {
  switch (operator) {
    case '=':
      return (value) => value === expected
    case '!=':
      return (value) => value !== expected
    case '=~':
      return regularExpression(expected)
    case '!~': {
      const test = regularExpression(expected)
      return (value) => !test(value)
    }
  }
}

function regularExpression(source: string): (value: string) => boolean {
  const pattern = RE2JS.compile(source, RE2JS.DOTALL)
  const remembered = new Map<string, boolean>()
  return (value) => {
    const known = remembered.get(value)
    if (known !== undefined) return known
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    const answer = pattern.matches(value)
    remembered.set(value, answer)
    return answer
  }
}
