import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parse, parseDocument, Scalar, visit } from 'yaml'

import { type ConfigFault, messageOf } from '../lib/errors.ts'
import type { Environment } from './environment.ts'
import { pathText } from './path-text.ts'

/** A YAML document as plain data, which still knows on which line each value stands. */
export interface ConfigDocument {
  /**
   * undefined where the text is no YAML. A value with a fault of its own stands here as a text of some kind, so that
   * everything else can be checked all the same.
   */
  readonly value: unknown
  readonly faults: readonly ConfigFault[]
  /** The line of the value at a path; of the nearest value around it where there is none. */
  lineOf(path: readonly PropertyKey[]): number | undefined
}

export interface DocumentSource {
  readonly file: string
  readonly text: string
  /** Where relative paths of `${file:...}` start. */
  readonly folder: string
  /** Where `${NAME}` is looked up; `keep` leaves references as they stand, as in files of Prometheus and Alertmanager. */
  readonly references: Environment | 'keep'
}

const REFERENCE = /\$\$\{|\$\{(?:file:([^}]+)|([A-Za-z_]\w*))\}/g
const ONE_REFERENCE = /^\$\{(?:file:[^}]+|[A-Za-z_]\w*)\}$/
const HEXADECIMAL = /^0x[0-9a-fA-F]*$/
const FILE_BYTES_MAX = 1_000_000

/**
 * Reads a configuration document: `${NAME}` and `${file:path}` are replaced in its values, and a value that is one
 * unquoted reference is read again as YAML, so that `${PORT}` can be a number. Faults are collected, never thrown.
 */
export function readDocument(source: DocumentSource): ConfigDocument {
  const lines = new LineCounter()
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const faults: ConfigFault[] = document.errors.map((error) => ({
    file: source.file,
    line: lines.linePos(error.pos[0]).line,
    message: sentenceOfYaml(error.code, error.message),
  }))
  const isYaml = faults.length === 0
  if (isYaml && source.references !== 'keep') {
    const environment = source.references
    visit(document, {
      Pair(_, pair) {
        return isScalar(pair.key) && pair.value === null ? visit.SKIP : undefined
      },
      Scalar(key, node, ancestors) {
        if (key === 'key') return
        const found = replaceReferences(node, { folder: source.folder, environment })
        const line = lines.linePos(node.range?.[0] ?? 0).line
        const path = pathText(pathOf(node, ancestors))
        faults.push(...found.map((message) => ({ file: source.file, line, path, message })))
      },
    })
  }
  return {
    value: isYaml ? document.toJS() : undefined,
    faults,
    lineOf: (path) => lineOfPath(document.contents, path, lines),
  }
}

function sentenceOfYaml(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same place'
  return `this is no YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

/** Keys and places from the root down to a value. */
function pathOf(node: Scalar, ancestors: readonly unknown[]): readonly PropertyKey[] {
  return ancestors.flatMap((ancestor, index): readonly PropertyKey[] => {
    if (isPair(ancestor)) return isScalar(ancestor.key) ? [String(ancestor.key.value)] : []
    if (!isSeq(ancestor)) return []
    const child = ancestors[index + 1] ?? node
    return [ancestor.items.indexOf(child)]
  })
}

/** Replaces what a value refers to, in place; sentences about what cannot be. */
function replaceReferences(
  node: Scalar,
  source: { readonly folder: string; readonly environment: Environment },
): readonly string[] {
  const isPlain = node.type === Scalar.PLAIN
  if (isPlain && node.source !== undefined && HEXADECIMAL.test(node.source)) {
    node.value = node.source
    return [`put ${shorten(node.source)} in quotes: YAML reads it as a number`]
  }
  if (typeof node.value !== 'string' || !node.value.includes('${')) return []
  const faults: string[] = []
  const isOneReference = isPlain && ONE_REFERENCE.test(node.value)
  const replaced = node.value.replaceAll(REFERENCE, (whole: string, path?: string, name?: string) => {
    if (whole === '$${') return '${'
    try {
      return path === undefined ? variable(name ?? '', source.environment) : fileText(path, source.folder)
    } catch (error) {
      faults.push(messageOf(error))
      return ''
    }
  })
  node.value = isOneReference && faults.length === 0 ? readAgain(replaced) : replaced
  return faults
}

/** A replaced value as YAML would read it; a text that is no plain scalar stays a text. */
function readAgain(text: string): unknown {
  if (HEXADECIMAL.test(text)) return text
  try {
    const value: unknown = parse(text)
    return typeof value === 'object' && value !== null ? text : value
  } catch {
    return text
  }
}

function variable(name: string, environment: Environment): string {
  const value = environment[name]
  if (value === undefined) throw new Error(`the environment variable ${name} is not set`)
  return value
}

function fileText(path: string, folder: string): string {
  let text: string
  try {
    text = readFileSync(resolve(folder, path), 'utf8')
  } catch (error) {
    throw new Error(`the file ${path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  if (text.length > FILE_BYTES_MAX) throw new Error(`the file ${path} is larger than ${FILE_BYTES_MAX} bytes`)
  return text.replace(/\r?\n$/, '')
}

function shorten(text: string): string {
  return text.length <= 16 ? text : `${text.slice(0, 10)}...`
}

function lineOfPath(root: Node | null, path: readonly PropertyKey[], lines: LineCounter): number | undefined {
  let node: unknown = root
  let offset = root?.range?.[0]
  for (const key of path) {
    const next = childOf(node, key)
    if (next === undefined) break
    node = next.node
    offset = next.offset ?? offset
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function childOf(
  node: unknown,
  key: PropertyKey,
): { readonly node: unknown; readonly offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key))
    if (pair === undefined) return undefined
    return { node: pair.value, offset: isScalar(pair.key) ? pair.key.range?.[0] : undefined }
  }
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return undefined
  const item: unknown = node.items[Number(key)]
  if (typeof item !== 'object' || item === null) return undefined
  const range = 'range' in item && Array.isArray(item.range) ? item.range : undefined
  const offset: unknown = range?.[0]
  return { node: item, offset: typeof offset === 'number' ? offset : undefined }
}
