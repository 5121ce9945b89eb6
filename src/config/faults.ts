import type { z } from 'zod'

import type { ConfigFault } from '../lib/errors.ts'
import type { ConfigDocument } from './document.ts'
import { pathText } from './path-text.ts'

type Issue = z.core.$ZodIssue

/** Every issue of a schema as a fault with its line, its path (below `above`) and a plain sentence. */
export function faultsOf(
  issues: readonly Issue[],
  document: ConfigDocument,
  file: string,
  above: readonly PropertyKey[] = [],
): readonly ConfigFault[] {
  return issues
    .flatMap((issue) => expand(issue, above))
    .map(({ path, message }) => faultAt(path, message, document, file))
}

export function faultAt(
  path: readonly PropertyKey[],
  message: string,
  document: ConfigDocument,
  file: string,
): ConfigFault {
  const line = document.lineOf(path)
  return { message, file, path: pathText(path), ...(line === undefined ? {} : { line }) }
}

/**
 * Faults without those that only follow from others: what cannot be read, or is still an example, need not also be said
 * to have the wrong shape.
 */
export function withoutFollowing(
  first: readonly ConfigFault[],
  others: readonly ConfigFault[],
): readonly ConfigFault[] {
  const broken = new Set(first.map((fault) => fault.path))
  return [...first, ...others.filter((fault) => fault.path === undefined || !broken.has(fault.path))]
}

/** The innermost issues: an unknown key each, and of a union the branch that came closest. */
function expand(
  issue: Issue,
  above: readonly PropertyKey[],
): readonly { path: readonly PropertyKey[]; message: string }[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'this key is not known here' }))
  }
  if (issue.code === 'invalid_union') return expandUnion(issue, path)
  return [{ path, message: sentenceOf(issue) }]
}

function expandUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: readonly PropertyKey[],
): readonly { path: readonly PropertyKey[]; message: string }[] {
  const branches = issue.errors.filter((branch) => branch.length > 0)
  const deep = branches.filter((branch) => branch.every((inner) => inner.path.length > 0 || inner.code === 'custom'))
  const closest = deep.toSorted((a, b) => a.length - b.length)[0]
  if (closest !== undefined) return closest.flatMap((inner) => expand(inner, path))
  const words = [...new Set(branches.flat().map((inner) => sentenceOf(inner)))]
  return [{ path, message: words.length === 0 ? issue.message : oneOf(words) }]
}

/** `this must be a number or "latest"`: alternatives that begin alike are one sentence. */
function oneOf(sentences: readonly string[]): string {
  const frame = [/^(this must be )(.*)()$/, /^(this is needed \()(.*)(\))$/].find((shape) =>
    sentences.every((sentence) => shape.test(sentence)),
  )
  if (frame === undefined) return sentences.join(', or ')
  const [, before = '', , after = ''] = frame.exec(sentences[0] ?? '') ?? []
  return `${before}${sentences.map((sentence) => frame.exec(sentence)?.[2]).join(' or ')}${after}`
}

function sentenceOf(issue: Issue): string {
  if (issue.code === 'invalid_type') {
    const isMissing = issue.message.includes('received undefined')
    return isMissing ? `this is needed (${article(issue.expected)})` : `this must be ${article(issue.expected)}`
  }
  if (issue.code === 'invalid_value') {
    return `this must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`
  }
  if (issue.code === 'too_small' && issue.origin === 'array') return 'at least one is needed'
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

function article(expected: string): string {
  return NOUNS[expected] ?? expected
}
