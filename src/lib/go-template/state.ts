import { lineOf } from './cursor.ts'
import { CallError, LimitError, TemplateError } from './errors.ts'
import { type Located, nodeText, type Tree } from './nodes.ts'
import { quote } from './quote.ts'
import type { GoFunction } from './value.ts'

/** What a template may cost at most. */
export interface TemplateLimits {
  /** Characters of the output, and of any text on the way to it. */
  readonly outputLength: number
  /** Nodes, operands, turns of loops, and 64 characters of text each. */
  readonly steps: number
  /** Templates within each other. */
  readonly depth: number
}

/** `default`: nil; `zero`: the zero value of the map's elements; `error`: an error. */
export type MissingKey = 'default' | 'zero' | 'error'

/** What all templates of one execution share. */
export interface Run {
  readonly limits: TemplateLimits
  readonly missingKey: MissingKey
  findFunction(name: string): { readonly definition: GoFunction; readonly isBuiltin: boolean } | undefined
  findTemplate(name: string): Tree | undefined
  readonly output: string[]
  outputLength: number
  steps: number
}

interface Variable {
  readonly name: string
  value: unknown
}

/** One template at work. */
export interface State {
  readonly run: Run
  readonly tree: Tree
  readonly depth: number
  readonly variables: Variable[]
  /** Where we are, for errors. */
  node: Located | undefined
}

/**
 * Evaluation is written as generators: what a function promises is yielded, and comes back settled. So a template whose
 * functions answer at once runs without a single promise, and one whose functions wait needs no second evaluator.
 */
export type Evaluation<T> = Generator<PromiseLike<unknown>, T, unknown>

/** What was thrown at the node at hand, as Go would say it. */
export function errorAt({ tree, node }: State, words: string, cause: unknown): TemplateError {
  const at = node?.at ?? 0
  const line = lineOf(tree.text, at)
  const column = Buffer.byteLength(tree.text.slice(tree.text.lastIndexOf('\n', at - 1) + 1, at))
  const place = `${tree.parseName}:${line}:${column}: executing ${quote(tree.name)}`
  const context = node === undefined ? '' : ` at <${nodeText(node)}>`
  return new TemplateError(`template: ${place}${context}: ${words}`, { template: tree.parseName, line, column }, cause)
}

/** Marks where we are, and counts it. */
export function step(state: State, node: Located, count = 1): void {
  state.node = node
  state.run.steps += count
  if (state.run.steps > state.run.limits.steps) {
    throw new LimitError(`the template takes more than ${state.run.limits.steps} steps`)
  }
}

export function write(state: State, text: string): void {
  const { run } = state
  run.outputLength += text.length
  if (run.outputLength > run.limits.outputLength) {
    throw new LimitError(`the output is longer than ${run.limits.outputLength} characters`)
  }
  run.output.push(text)
}

/** Overwrites the variable that was declared last by this name. */
export function assign(state: State, name: string, value: unknown): void {
  const variable = state.variables.findLast((known) => known.name === name)
  if (variable === undefined) throw new CallError(`undefined variable: ${name}`)
  variable.value = value
}
