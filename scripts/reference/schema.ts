import { z } from 'zod'

/** As much of JSON Schema as zod writes for our configuration. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly minLength?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly $ref?: string
}

/** What zod wrote, as what it is. */
export function readSchema(value: unknown): JsonSchema {
  return z.custom<JsonSchema>((given) => typeof given === 'object' && given !== null).parse(value)
}

/** One key of the configuration as the reference shows it. */
export interface Key {
  /** From the section's start: `tls.cert`, `tokens[].name`, `overrides.<name>.for`. */
  readonly path: string
  readonly type: string
  /** JSON; empty where there is none. */
  readonly default: string
  readonly isNeeded: boolean
  readonly description: string
}

/** Every key of a section with the keys below it, in the order of the schema. */
export function keysOf(schema: JsonSchema, above = ''): readonly Key[] {
  const needed = new Set(schema.required)
  // A key that only says "not yet supported" has neither a type nor words.
  const served = Object.entries(schema.properties ?? {}).filter(([, value]) => Object.keys(value).length > 0)
  return served.flatMap(([name, value]) =>
    [keyOf(`${above}${name}`, value, needed.has(name))].concat(below(`${above}${name}`, value)),
  )
}

function keyOf(path: string, schema: JsonSchema, isNeeded: boolean): Key {
  return {
    path,
    type: typeOf(schema),
    default: defaultOf(schema),
    isNeeded,
    description: schema.description ?? '',
  }
}

function defaultOf({ default: value }: JsonSchema): string {
  if (value === undefined) return ''
  // An empty map means that the keys below have their own defaults.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? '' : JSON.stringify(value)
}

function below(path: string, schema: JsonSchema): readonly Key[] {
  return branchesOf(schema).flatMap((branch) => {
    const { items = {}, additionalProperties: rest } = branch
    const values = typeof rest === 'object' ? rest : {}
    return keysOf(branch, `${path}.`).concat(inside(`${path}[].`, items), inside(`${path}.<name>.`, values))
  })
}

/** An item, or a value of a map, has lines only through its keys. */
function inside(path: string, schema: JsonSchema): readonly Key[] {
  return branchesOf(schema).flatMap((branch) => keysOf(branch, path))
}

function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  return [schema, ...(schema.anyOf ?? [])]
}

/** What may be written, in words. */
export function typeOf(schema: JsonSchema): string {
  const known = knownType(schema)
  if (known !== undefined) return known
  const { anyOf, items, additionalProperties: rest } = schema
  if (anyOf !== undefined) return either(anyOf.map(typeOf))
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return either(schema.enum.map((value) => JSON.stringify(value)))
  if (typeof schema.type === 'object') return either(schema.type.map((type) => typeOf({ type })))
  if (schema.type === 'array') return items === undefined ? 'list' : `list of ${typeOf(items)}`
  if (schema.type === 'object') return isEmpty(rest) ? 'map' : `map of ${typeOf(rest)}`
  if (schema.$ref !== undefined) return 'list of routes'
  if (schema.format === 'uri') return 'URL'
  return NAMES[schema.type ?? ''] ?? 'anything'
}

function isEmpty(schema: JsonSchema | boolean | undefined): schema is boolean | undefined {
  return typeof schema !== 'object' || Object.keys(schema).length === 0
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'nothing',
}

/** The notations that `lib/schema.ts` reads, by the shape that zod gives them. */
function knownType({ anyOf, type }: JsonSchema): string | undefined {
  const shape = JSON.stringify(anyOf ?? type)
  return {
    '[{"type":"string"},{"type":"number","const":0}]': 'duration',
    '[{"type":"string","minLength":1},{"type":"number"}]': 'secret',
    '["string","number","boolean"]': 'text',
    '["string","number"]': 'size',
  }[shape]
}

function either(types: readonly string[]): string {
  return [...new Set(types.filter((type) => type !== 'nothing'))].join(' or ')
}
