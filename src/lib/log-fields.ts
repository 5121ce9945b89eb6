import { ConfigError, messageOf, OutsideError } from './errors.ts'
import type { Json } from './json.ts'
import { redactUrl, Secret } from './secret.ts'

const STRING_MAX = 8_192
const ITEMS_MAX = 100
const DEPTH_MAX = 6
const VALUES_MAX = 1_000
const CAUSES_MAX = 8
const UNREADABLE = '<unreadable>'

/** How much of one line is left to fill, and what lies around the value at hand. */
interface Walk {
  values: number
  readonly around: Set<object>
}

/**
 * Fields as JSON, whatever they are, bounded in depth, length and number. Undefined and functions are left out. An error
 * becomes its message and those of its causes; beside it stands `reason` where somebody else failed, and `stack` where
 * nobody foresaw it.
 */
export function loggableFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, Json>> {
  const walk: Walk = { values: VALUES_MAX, around: new Set() }
  const shown = new Map<string, Json>()
  const beside = new Map<string, Json>()
  for (const [name, value] of Object.entries(fields)) {
    const json = toJson(value, walk)
    if (json !== undefined) shown.set(name, json)
    if (value instanceof OutsideError) beside.set('reason', value.reason)
    else if (value instanceof Error && !(value instanceof ConfigError) && value.stack !== undefined) {
      beside.set('stack', shorten(value.stack))
    }
  }
  for (const [name, said] of beside) if (!shown.has(name)) shown.set(name, said)
  return Object.fromEntries(shown)
}

function toJson(value: unknown, walk: Walk): Json | undefined {
  switch (typeof value) {
    case 'string':
      return shorten(value)
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return shorten(value.toString())
    case 'symbol':
      return String(value)
    case 'object':
      return value === null ? null : objectToJson(value, walk)
    case 'undefined':
    case 'function':
      return undefined
  }
}

function objectToJson(value: object, walk: Walk): Json | undefined {
  if (walk.around.has(value)) return '<circular>'
  if (walk.around.size >= DEPTH_MAX || walk.values <= 0) return '<more>'
  walk.values -= 1
  walk.around.add(value)
  try {
    return knownToJson(value) ?? otherToJson(value, walk)
  } catch {
    return UNREADABLE
  } finally {
    walk.around.delete(value)
  }
}

/** What has a short form of its own. */
function knownToJson(value: object): Json | undefined {
  if (value instanceof Secret) return value.toJSON()
  if (value instanceof Error) return shorten(describeError(value))
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (value instanceof URL) return redactUrl(value.href)
  if (value instanceof RegExp) return shorten(String(value))
  if (value instanceof Uint8Array) return shorten(`0x${Buffer.from(value.subarray(0, STRING_MAX)).toString('hex')}`)
  return undefined
}

function otherToJson(value: object, walk: Walk): Json | undefined {
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const asJson: unknown = Reflect.apply(value.toJSON, value, [])
    return toJson(asJson, walk)
  }
  if (Array.isArray(value) || value instanceof Set) return listToJson([...take(value)], walk)
  if (value instanceof Map) {
    return entriesToJson(
      [...take(value)].map(([key, held]: [unknown, unknown]) => [keyText(key), held]),
      value.size,
      walk,
    )
  }
  const names = Object.keys(value)
  const entries = names.slice(0, ITEMS_MAX).map((name): [string, unknown] => [name, read(value, name)])
  return entriesToJson(entries, names.length, walk)
}

function* take<T>(items: Iterable<T>): Generator<T> {
  let count = 0
  for (const item of items) {
    // One more than is shown tells that there are more.
    if (count > ITEMS_MAX) return
    count += 1
    yield item
  }
}

function listToJson(items: readonly unknown[], walk: Walk): Json {
  const shown = items.slice(0, ITEMS_MAX).map((item) => toJson(item, walk) ?? null)
  return items.length > ITEMS_MAX ? [...shown, '<more>'] : shown
}

function entriesToJson(entries: readonly [string, unknown][], size: number, walk: Walk): Json {
  const shown: [string, Json][] = []
  for (const [name, held] of entries.slice(0, ITEMS_MAX)) {
    const json = toJson(held, walk)
    if (json !== undefined) shown.push([shorten(name), json])
  }
  if (size > ITEMS_MAX) shown.push(['<more>', size - ITEMS_MAX])
  return Object.fromEntries(shown)
}

function keyText(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(toJson(key, { values: 1, around: new Set() }) ?? '')
}

function read(holder: object, name: string): unknown {
  try {
    const value: unknown = Reflect.get(holder, name)
    return value
  } catch {
    return UNREADABLE
  }
}

/** The messages of an error and its causes; a cause whose words are already there is not repeated. */
function describeError(error: Error): string {
  let text = ''
  let link: unknown = error
  for (let count = 0; count < CAUSES_MAX && link !== undefined && link !== null; count += 1) {
    const said = messageOf(link) || (link instanceof Error ? link.name : '')
    if (!text.includes(said)) text += text === '' ? said : `: ${said}`
    link = link instanceof Error ? link.cause : undefined
  }
  return text
}

function shorten(text: string): string {
  if (text.length <= STRING_MAX) return text
  return `${text.slice(0, STRING_MAX)}<${text.length - STRING_MAX} more characters>`
}
