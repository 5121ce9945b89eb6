import { messageOf } from '../errors.ts'
import { CallError, LimitError } from './errors.ts'
import { type Command, type Located, nodeText, type Operand, type Pipeline } from './nodes.ts'
import { checkArity, literal, validate } from './parameters.ts'
import { quote } from './quote.ts'
import { assign, type Evaluation, type State, step } from './state.ts'
import { type GoFunction, hasKey, isTrue, kindOf, type ParameterType, shapeOf, typeName, valueAt } from './value.ts'

const NOTHING = Symbol('no value came through the pipe')

/** The value of the last command; variables that it declares live on. */
export function* evaluatePipeline(state: State, dot: unknown, pipeline: Pipeline): Evaluation<unknown> {
  step(state, pipeline)
  let value: unknown = NOTHING
  for (const command of pipeline.commands) value = yield* evaluateCommand(state, dot, command, value)
  for (const name of pipeline.declares) {
    if (pipeline.isAssignment) assign(state, name, value)
    else state.variables.push({ name, value })
  }
  return value
}

/** What stands behind a name: arguments written there, and the value that came through the pipe. */
interface Given {
  readonly command: Located
  readonly args: readonly Operand[]
  readonly piped: unknown
}

function* evaluateCommand(state: State, dot: unknown, command: Command, piped: unknown): Evaluation<unknown> {
  const { head, args } = command
  const given: Given = { command, args, piped }
  switch (head.kind) {
    case 'field':
    case 'chain':
    case 'function':
      return yield* evaluateOperand(state, dot, head, given)
    case 'variable':
      if (head.names.length > 0) return yield* evaluateOperand(state, dot, head, given)
      break
    case 'nil':
      step(state, head)
      throw new CallError('nil is not a command')
    case 'bool':
    case 'string':
    case 'number':
    case 'dot':
    case 'pipeline':
      break
  }
  step(state, head)
  if (args.length > 0 || piped !== NOTHING) {
    throw new CallError(`can't give argument to non-function ${nodeText(head)}`)
  }
  return yield* evaluateOperand(state, dot, head, given)
}

function* evaluateOperand(state: State, dot: unknown, operand: Operand, given: Given): Evaluation<unknown> {
  step(state, operand)
  switch (operand.kind) {
    case 'bool':
    case 'string':
    case 'number':
      return operand.value
    case 'nil':
      return undefined
    case 'dot':
      return dot
    case 'pipeline':
      return yield* evaluatePipeline(state, dot, operand)
    case 'function':
      return yield* evaluateFunction(state, dot, operand.name, given)
    case 'field':
      return yield* evaluateFields(state, dot, { receiver: dot, node: operand, names: operand.names }, given)
    case 'variable': {
      const variable = state.variables.findLast((known) => known.name === operand.name)
      if (variable === undefined) throw new CallError(`undefined variable: ${operand.name}`)
      return yield* evaluateFields(state, dot, { receiver: variable.value, node: operand, names: operand.names }, given)
    }
    case 'chain': {
      const receiver = yield* evaluateOperand(state, dot, operand.of, { command: operand.of, args: [], piped: NOTHING })
      return yield* evaluateFields(state, dot, { receiver, node: operand, names: operand.names }, given)
    }
  }
}

/** `.a.b.c` on a receiver: only the last name can take arguments. */
interface Fields {
  readonly receiver: unknown
  readonly node: Operand
  readonly names: readonly string[]
}

function* evaluateFields(state: State, dot: unknown, fields: Fields, given: Given): Evaluation<unknown> {
  let value = fields.receiver
  for (const [index, name] of fields.names.entries()) {
    state.node = fields.node
    const isLast = index === fields.names.length - 1
    const method = methodOf(value, name)
    const mine: Given = isLast ? given : { command: fields.node, args: [], piped: NOTHING }
    if (method === undefined) value = fieldOf(state, value, name, mine)
    else value = yield* callFunction(state, dot, { name, definition: method }, { ...mine, command: fields.node })
  }
  return value
}

function methodOf(value: unknown, name: string): GoFunction | undefined {
  const methods = shapeOf(value)?.methods
  return methods !== undefined && Object.hasOwn(methods, name) ? methods[name] : undefined
}

function fieldOf(state: State, receiver: unknown, name: string, { args, piped }: Given): unknown {
  const { missingKey } = state.run
  if (receiver === undefined) {
    if (missingKey === 'error') throw new CallError(`nil data; no entry for key ${quote(name)}`)
    return undefined
  }
  if (receiver === null) throw new CallError(`nil pointer evaluating interface {}.${name}`)
  const kind = kindOf(receiver)
  const isKnown = (kind === 'map' || kind === 'struct') && hasKey(receiver, name)
  if (!isKnown && kind !== 'map') {
    throw new CallError(`can't evaluate field ${name} in type ${typeName(receiver)}`)
  }
  if (args.length > 0 || piped !== NOTHING) {
    throw new CallError(
      kind === 'map'
        ? `${name} is not a method but has arguments`
        : `${name} has arguments but cannot be invoked as function`,
    )
  }
  if (isKnown) return valueAt(receiver, name)
  if (missingKey === 'error') throw new CallError(`map has no entry for key ${quote(name)}`)
  // Without a type of its own the zero value is a nil interface: unlike nothing at all, asking it on is an error.
  return missingKey === 'zero' ? (shapeOf(receiver)?.zero ?? null) : undefined
}

function* evaluateFunction(state: State, dot: unknown, name: string, given: Given): Evaluation<unknown> {
  const found = state.run.findFunction(name)
  if (found === undefined) throw new CallError(`${quote(name)} is not a defined function`)
  if (found.isBuiltin && (name === 'and' || name === 'or') && given.args.length > 0) {
    return yield* shortCircuit(state, dot, name === 'or', given)
  }
  return yield* callFunction(state, dot, { name, definition: found.definition }, given)
}

/** `and` ends at the first false argument, `or` at the first true one; what stands behind is not evaluated. */
function* shortCircuit(state: State, dot: unknown, until: boolean, { args, piped }: Given): Evaluation<unknown> {
  let value: unknown
  for (const arg of args) {
    value = yield* evaluateArgument(state, dot, arg, 'any')
    if (isTrue(value) === until) return value
  }
  return piped === NOTHING ? value : piped
}

interface Callee {
  readonly name: string
  readonly definition: GoFunction
}

function* callFunction(state: State, dot: unknown, callee: Callee, given: Given): Evaluation<unknown> {
  const { name, definition } = callee
  const { args, piped, command } = given
  const isPiped = piped !== NOTHING
  checkArity(name, definition, args.length + (isPiped ? 1 : 0))
  const typeAt = (index: number): ParameterType => definition.params[index] ?? definition.variadic ?? 'any'
  const values: unknown[] = []
  for (const [index, arg] of args.entries()) values.push(yield* evaluateArgument(state, dot, arg, typeAt(index)))
  if (isPiped) values.push(validate(piped, typeAt(args.length)))
  let result: unknown
  try {
    result = definition.call(values)
    if (isPromiseLike(result)) result = yield result
  } catch (error) {
    state.node = command
    if (error instanceof LimitError) throw error
    throw new CallError(`error calling ${name}: ${messageOf(error)}`, { cause: error })
  }
  step(state, command, typeof result === 'string' ? 1 + Math.floor(result.length / 64) : 1)
  return result
}

function* evaluateArgument(state: State, dot: unknown, operand: Operand, type: ParameterType): Evaluation<unknown> {
  step(state, operand)
  switch (operand.kind) {
    case 'bool':
    case 'string':
    case 'number':
    case 'nil':
      return literal(operand, type)
    case 'dot':
    case 'field':
    case 'variable':
    case 'function':
    case 'chain':
    case 'pipeline': {
      const value = yield* evaluateOperand(state, dot, operand, { command: operand, args: [], piped: NOTHING })
      state.node = operand
      return validate(value, type)
    }
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
