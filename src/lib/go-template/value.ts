import { CallError } from './errors.ts'

/*
 * Values in templates are JavaScript's, read as Go's:
 *
 *   undefined, null   nil: prints `<no value>`
 *   boolean           bool
 *   string            string
 *   number            float64, always: 3 prints `3`, 3000000 prints `3e+06`, and `eq 3 .x` is an error, as in Go
 *   bigint            int, of any size: chain integers lose no digit
 *   array             slice
 *   object, Map       map[string]interface {}, sorted by key wherever it is walked
 *
 * What has fields that must exist, methods, a type's name or a text of its own is made by `goStruct`, `goMap` and
 * `goList`. `fromJson` turns whole JSON numbers into ints.
 */

export type Kind = 'nil' | 'bool' | 'string' | 'int' | 'float' | 'list' | 'map' | 'struct' | 'func'

/** The type of a parameter, checked before the call; `any` takes everything, nil too. */
export type ParameterType = 'any' | 'string' | 'int' | 'float' | 'bool' | 'list' | 'map' | 'time' | 'func'

/** A function or method that templates can call. May throw `CallError`, and may answer later. */
export interface GoFunction {
  readonly params: readonly ParameterType[]
  /** The type of any further arguments; without it there may be none. */
  readonly variadic?: ParameterType
  readonly call: (args: readonly unknown[]) => unknown
}

export type GoFunctions = Readonly<Record<string, GoFunction>>

/** What a value is beyond its JavaScript type. */
export interface Shape {
  readonly kind: 'list' | 'map' | 'struct' | 'func'
  readonly typeName: string
  /** What a missing key is with `missingkey=zero`; a map of strings has ''. */
  readonly zero?: unknown
  readonly methods?: GoFunctions
  /** How it prints (Go's `String()`). */
  readonly text?: () => string
  readonly time?: { readonly ms: number; readonly zone: string }
  /** A time.Duration: an int that prints as `1m30s`. */
  readonly durationNs?: bigint
}

export type ShapeOptions = Partial<Omit<Shape, 'kind'>>

const SHAPE: unique symbol = Symbol('shape')

interface Shaped {
  readonly [SHAPE]: Shape
}

function isShaped(value: object): value is Shaped {
  return SHAPE in value
}

/** A struct: only these fields exist, any other is an error. */
export function goStruct(fields: Readonly<Record<string, unknown>>, options: ShapeOptions = {}): object {
  return { ...fields, [SHAPE]: { kind: 'struct', typeName: 'struct', ...options } satisfies Shape }
}

/**
 * A map with a zero value or methods.
 *
 * @public part of the language, for whoever brings data of its own
 */
export function goMap(entries: Readonly<Record<string, unknown>>, options: ShapeOptions = {}): object {
  return { ...entries, [SHAPE]: { kind: 'map', typeName: 'map[string]interface {}', ...options } satisfies Shape }
}

/** map[string]string, as labels are: with `missingkey=zero` a missing key is the empty string. */
export function stringMap(entries: Readonly<Record<string, string>>, options: ShapeOptions = {}): object {
  return goMap(entries, { typeName: 'map[string]string', zero: '', ...options })
}

/** A slice with methods. */
export function goList(items: readonly unknown[], options: ShapeOptions = {}): readonly unknown[] {
  const shape: Shape = { kind: 'list', typeName: '[]interface {}', ...options }
  return Object.assign([...items], { [SHAPE]: shape })
}

/**
 * A function as a value, for fields and `call`.
 *
 * @public part of the language, for whoever brings data of its own
 */
export function goFunction(definition: GoFunction): object {
  return { ...definition, [SHAPE]: { kind: 'func', typeName: 'func' } satisfies Shape }
}

/** JSON as a template sees it: whole numbers are ints. */
export function fromJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value !== 'object' || value === null || isShaped(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, fromJson(held)]))
}

export function shapeOf(value: unknown): Shape | undefined {
  return typeof value === 'object' && value !== null && isShaped(value) ? value[SHAPE] : undefined
}

export function isFunction(value: unknown): value is GoFunction {
  return shapeOf(value)?.kind === 'func'
}

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'undefined':
      return 'nil'
    case 'boolean':
      return 'bool'
    case 'string':
      return 'string'
    case 'number':
      return 'float'
    case 'bigint':
      return 'int'
    case 'object':
      return kindOfObject(value)
    case 'function':
    case 'symbol':
      throw new CallError(`a ${typeof value} is no value of a template`)
  }
}

function kindOfObject(value: object | null): Kind {
  if (value === null) return 'nil'
  const shape = shapeOf(value)
  if (shape?.durationNs !== undefined) return 'int'
  if (shape !== undefined) return shape.kind
  return Array.isArray(value) ? 'list' : 'map'
}

const TYPE_NAMES = {
  nil: '<nil>',
  bool: 'bool',
  string: 'string',
  int: 'int',
  float: 'float64',
  list: '[]interface {}',
  map: 'map[string]interface {}',
  struct: 'struct',
  func: 'func',
} as const satisfies Record<Kind, string>

/** Go's name of the type, for errors and `%T`. */
export function typeName(value: unknown): string {
  return shapeOf(value)?.typeName ?? TYPE_NAMES[kindOf(value)]
}

/** Go's truth: anything but the zero value of its type. A struct is always true. */
export function isTrue(value: unknown): boolean {
  switch (kindOf(value)) {
    case 'nil':
      return false
    case 'bool':
      return value === true
    case 'string':
      return value !== ''
    case 'int':
      return intOf(value) !== 0n
    case 'float':
      return value !== 0
    case 'list':
      return listOf(value).length > 0
    case 'map':
      return keysOf(value).length > 0
    case 'struct':
    case 'func':
      return true
  }
}

export function intOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  const duration = shapeOf(value)?.durationNs
  if (duration !== undefined) return duration
  throw new CallError(`expected int; got ${typeName(value)}`)
}

export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new CallError(`expected slice; got ${typeName(value)}`)
}

/** The keys of a map or the names of a struct's fields; those of a map in order. */
export function keysOf(value: unknown): readonly string[] {
  if (value instanceof Map) return [...value.keys()].map(String).toSorted(compareKeys)
  if (typeof value !== 'object' || value === null) throw new CallError(`expected map; got ${typeName(value)}`)
  const keys = Object.keys(value)
  return shapeOf(value)?.kind === 'struct' ? keys : keys.toSorted(compareKeys)
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Whether a map has this key, or a struct this field. Never looks at a prototype. */
export function hasKey(value: unknown, key: string): boolean {
  if (value instanceof Map) return value.has(key)
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}

export function valueAt(value: unknown, key: string): unknown {
  if (!hasKey(value, key)) return undefined
  if (value instanceof Map) return value.get(key)
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
