import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'

import type { ConfigFault } from '../lib/errors.ts'

/** A YAML text as plain data that still knows its lines. */
export interface YamlSource {
  readonly value: unknown
  readonly faults: readonly ConfigFault[]
  /** A fault at a path; the line is that of the nearest value around it. */
  faultAt(path: readonly PropertyKey[], message: string): ConfigFault
}

const TEXT_CHARACTERS_MAX = 10_000_000

/**
 * Reads a rule file.
 *
 * @param scalars `as-written` for Prometheus' files: Go reads `severity: 1.10` as the text `1.10`, where a YAML number
 *   would be 1.1. `typed` for our own
 */
export function readYaml(text: string, file: string, scalars: 'as-written' | 'typed' = 'as-written'): YamlSource {
  if (text.length > TEXT_CHARACTERS_MAX) {
    const message = `the file has more than ${TEXT_CHARACTERS_MAX} characters: split it`
    return { value: undefined, faults: [{ file, message }], faultAt: () => ({ file, message }) }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: scalars === 'typed' ? 'core' : 'failsafe',
    merge: true,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  })
  const faults = document.errors.map((error) => ({
    file,
    line: lines.linePos(error.pos[0]).line,
    message: sentenceOfYaml(error.code, error.message),
  }))
  const value: unknown = faults.length === 0 ? document.toJS() : undefined
  return {
    value,
    faults,
    faultAt(path, message) {
      const line = lines.linePos(offsetOf(document.contents, path)).line
      return { file, line, path: pathText(path), message }
    },
  }
}

function sentenceOfYaml(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same place'
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document begins here, and a rule file holds only one'
  return `no YAML: ${message}`
}

/** The issues of a schema as faults in plain sentences. */
export function faultsOfIssues(source: YamlSource, issues: readonly z.core.$ZodIssue[]): readonly ConfigFault[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => source.faultAt([...issue.path, key], 'this key is not known here'))
    }
    return [source.faultAt(issue.path, sentenceOf(issue))]
  })
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code !== 'invalid_type') return issue.message
  const noun = NOUNS[issue.expected] ?? issue.expected
  return issue.message.includes('received undefined') ? `this is needed (${noun})` : `this must be ${noun}`
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
}

/** `groups[0].rules[2].expr` */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

/** Where the value at a path begins; for a key of a map, where the key stands. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node = root
  let offset = startOf(root) ?? 0
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === String(key))
      if (pair === undefined) return offset
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(key)]
      if (item === undefined) return offset
      offset = startOf(item) ?? offset
      node = item
    } else return offset
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
