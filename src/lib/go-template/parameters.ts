import { CallError } from './errors.ts'
import { nodeText, type Operand } from './nodes.ts'
import { type GoFunction, kindOf, type ParameterType, shapeOf, typeName } from './value.ts'

/** Go's names of the parameter types, for errors. */
const GO_NAMES = {
  any: 'interface {}',
  string: 'string',
  int: 'int',
  float: 'float64',
  bool: 'bool',
  list: '[]interface {}',
  map: 'map[string]interface {}',
  time: 'time.Time',
  func: 'func',
} as const satisfies Record<ParameterType, string>

export function checkArity(name: string, { params, variadic }: GoFunction, count: number): void {
  const want = params.length
  if (variadic !== undefined && count < want) {
    throw new CallError(`wrong number of args for ${name}: want at least ${want} got ${count}`)
  }
  if (variadic === undefined && count !== want) {
    throw new CallError(`wrong number of args for ${name}: want ${want} got ${count}`)
  }
}

/** The value, where the type takes it. Nothing is converted; nil is an empty list or map where one is asked for. */
export function validate(value: unknown, type: ParameterType): unknown {
  if (type === 'any') return value
  const kind = kindOf(value)
  if (kind === 'nil') return nilAs(type)
  const isRight = type === 'time' ? shapeOf(value)?.time !== undefined : kind === type
  if (!isRight) throw new CallError(`wrong type for value; expected ${GO_NAMES[type]}; got ${typeName(value)}`)
  return value
}

function nilAs(type: ParameterType): unknown {
  if (type === 'list') return []
  if (type === 'map') return {}
  throw new CallError(`invalid value; expected ${GO_NAMES[type]}`)
}

type Literal = Extract<Operand, { readonly kind: 'bool' | 'string' | 'number' | 'nil' }>

/** A constant as an argument: a number is what the parameter asks for, where it can be. */
export function literal(node: Literal, type: ParameterType): unknown {
  if (node.kind === 'nil') {
    if (type === 'any') return undefined
    if (type === 'list' || type === 'map') return nilAs(type)
    throw new CallError(`cannot assign nil to ${GO_NAMES[type]}`)
  }
  if (type === 'any') return node.value
  if (node.kind === 'number') return numberAs(node.value, type, nodeText(node))
  if (node.kind !== type) throw new CallError(wrongLiteral(type, nodeText(node)))
  return node.value
}

function numberAs(value: bigint | number, type: ParameterType, text: string): bigint | number {
  if (type === 'float') return Number(value)
  if (type === 'int' && (typeof value === 'bigint' || Number.isInteger(value))) return BigInt(value)
  throw new CallError(wrongLiteral(type, text))
}

function wrongLiteral(type: ParameterType, text: string): string {
  if (type === 'list' || type === 'map' || type === 'time' || type === 'func') {
    return `can't handle ${text} for arg of type ${GO_NAMES[type]}`
  }
  return `expected ${type === 'int' ? 'integer' : type}; found ${text}`
}
