import { messageOf } from '../errors.ts'
import { CallError, LimitError, TemplateError } from './errors.ts'
import { evaluatePipeline } from './expression.ts'
import { formatValue } from './format.ts'
import { type Branch, type List, type Node, nodeText, type Pipeline, type TemplateCall, type Tree } from './nodes.ts'
import { quote } from './quote.ts'
import { assign, errorAt, type Evaluation, type Run, type State, step, write } from './state.ts'
import { intOf, isTrue, keysOf, kindOf, listOf, typeName, valueAt } from './value.ts'

/** What a `break` or `continue` asks of the loop around it. */
type Signal = 'break' | 'continue' | undefined

export interface Execution {
  readonly tree: Tree
  readonly dot: unknown
  readonly depth: number
  readonly variables: Readonly<Record<string, unknown>>
}

/** Writes the template to the run's output. Throws `TemplateError` and nothing else. */
export function* executeTree(run: Run, { tree, dot, depth, variables }: Execution): Evaluation<void> {
  const named = Object.entries(variables).map(([name, value]) => ({ name, value }))
  const state: State = { run, tree, depth, variables: [{ name: '$', value: dot }, ...named], node: undefined }
  try {
    yield* walkList(state, dot, tree.nodes)
  } catch (error) {
    if (error instanceof TemplateError) throw error
    throw errorAt(state, messageOf(error), error)
  }
}

function* walkList(state: State, dot: unknown, nodes: List): Evaluation<Signal> {
  for (const node of nodes) {
    const signal = yield* walk(state, dot, node)
    if (signal !== undefined) return signal
  }
  return undefined
}

function* walk(state: State, dot: unknown, node: Node): Evaluation<Signal> {
  step(state, node)
  switch (node.kind) {
    case 'text':
      write(state, node.text)
      return undefined
    case 'action':
      yield* walkAction(state, dot, node.pipeline)
      return undefined
    case 'break':
    case 'continue':
      return node.kind
    case 'template':
      yield* walkTemplate(state, dot, node)
      return undefined
    case 'if':
    case 'with':
      return yield* scoped(state, walkCondition(state, dot, node))
    case 'range':
      yield* scoped(state, walkRange(state, dot, node))
      return undefined
  }
}

/** Variables declared inside end with it. */
function* scoped<T>(state: State, inner: Evaluation<T>): Evaluation<T> {
  const mark = state.variables.length
  const result = yield* inner
  state.variables.length = mark
  return result
}

function* walkAction(state: State, dot: unknown, pipeline: Pipeline): Evaluation<void> {
  const value = yield* evaluatePipeline(state, dot, pipeline)
  if (pipeline.declares.length > 0) return
  state.node = pipeline
  const kind = kindOf(value)
  if (kind === 'func') throw new CallError(`can't print ${nodeText(pipeline)} of type ${typeName(value)}`)
  write(state, kind === 'nil' ? '<no value>' : formatValue(value))
}

function* walkCondition(state: State, dot: unknown, node: Branch): Evaluation<Signal> {
  const value = yield* evaluatePipeline(state, dot, node.pipeline)
  if (isTrue(value)) return yield* walkList(state, node.kind === 'with' ? value : dot, node.body)
  return node.otherwise === undefined ? undefined : yield* walkList(state, dot, node.otherwise)
}

function* walkTemplate(state: State, dot: unknown, node: TemplateCall): Evaluation<void> {
  const { run } = state
  const tree = run.findTemplate(node.name)
  if (tree === undefined) throw new CallError(`template ${quote(node.name)} not defined`)
  if (state.depth >= run.limits.depth) {
    throw new LimitError(`exceeded maximum template depth (${run.limits.depth})`)
  }
  const value = node.pipeline === undefined ? undefined : yield* evaluatePipeline(state, dot, node.pipeline)
  yield* executeTree(run, { tree, dot: value, depth: state.depth + 1, variables: {} })
}

function* walkRange(state: State, dot: unknown, node: Branch): Evaluation<void> {
  const value = yield* evaluatePipeline(state, dot, node.pipeline)
  state.node = node
  const mark = state.variables.length
  let turns = 0
  for (const [index, item] of itemsOf(state, value, node)) {
    turns += 1
    step(state, node)
    bindLoop(state, node.pipeline, index, item)
    const signal = yield* walkList(state, item, node.body)
    state.variables.length = mark
    if (signal === 'break') return
  }
  if (turns === 0 && node.otherwise !== undefined) yield* walkList(state, dot, node.otherwise)
}

function* itemsOf(state: State, value: unknown, node: Branch): Generator<readonly [unknown, unknown]> {
  switch (kindOf(value)) {
    case 'nil':
      return
    case 'list':
      for (const [index, item] of listOf(value).entries()) yield [BigInt(index), item]
      return
    case 'map':
      for (const key of keysOf(value)) yield [key, valueAt(value, key)]
      return
    case 'int':
      if (node.pipeline.declares.length > 1) {
        throw new CallError(`can't use ${formatValue(value)} to iterate over more than one variable`)
      }
      for (let index = 0n; index < intOf(value); index += 1n) yield [index, index]
      return
    case 'bool':
    case 'string':
    case 'float':
    case 'struct':
    case 'func':
      state.node = node
      throw new CallError(`range can't iterate over ${formatValue(value)}`)
  }
}

/** `$item` gets the element; `$index, $item` both. Their declaration lies right below the body's variables. */
function bindLoop(state: State, { declares }: Pipeline, index: unknown, item: unknown): void {
  const [first, second] = declares
  if (first !== undefined) assign(state, first, second === undefined ? item : index)
  if (second !== undefined) assign(state, second, item)
}
