/** Where a node starts, as an index into the text. */
interface At {
  readonly at: number
}

interface NumberNode extends At {
  readonly kind: 'number'
  readonly text: string
  /** What it is where nothing says what it should be: digits alone are an int. */
  readonly value: bigint | number
}

export type Operand =
  | NumberNode
  | (At & { readonly kind: 'bool'; readonly value: boolean })
  | (At & { readonly kind: 'string'; readonly value: string; readonly text: string })
  | (At & { readonly kind: 'nil' })
  | (At & { readonly kind: 'dot' })
  | (At & { readonly kind: 'field'; readonly names: readonly string[] })
  | (At & { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] })
  | (At & { readonly kind: 'function'; readonly name: string })
  | (At & { readonly kind: 'chain'; readonly of: Operand; readonly names: readonly string[] })
  | Pipeline

export interface Command extends At {
  readonly kind: 'command'
  /** What is called or shown. */
  readonly head: Operand
  readonly args: readonly Operand[]
}

export interface Pipeline extends At {
  readonly kind: 'pipeline'
  readonly declares: readonly string[]
  readonly isAssignment: boolean
  readonly commands: readonly Command[]
}

export interface Branch extends At {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipeline: Pipeline
  readonly body: List
  readonly otherwise: List | undefined
}

export interface TemplateCall extends At {
  readonly kind: 'template'
  readonly name: string
  readonly pipeline: Pipeline | undefined
}

export type Node =
  | (At & { readonly kind: 'text'; readonly text: string })
  | (At & { readonly kind: 'action'; readonly pipeline: Pipeline })
  | (At & { readonly kind: 'break' | 'continue' })
  | Branch
  | TemplateCall

export type List = readonly Node[]

/** A parsed template and the text it stands in, which errors point into. */
export interface Tree {
  readonly name: string
  /** The name of the text: a file holds several templates. */
  readonly parseName: string
  readonly text: string
  readonly nodes: List
}

/** What errors call by `at <...>`: anything with a place. */
export type Located = Node | Operand | Command

/** The node written as Go would write it. */
export function nodeText(node: Located): string {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'text':
      return node.text
    case 'bool':
      return String(node.value)
    case 'nil':
    case 'break':
    case 'continue':
      return node.kind
    case 'dot':
      return '.'
    case 'function':
      return node.name
    case 'field':
      return fieldsText(node.names)
    case 'variable':
      return node.name + fieldsText(node.names)
    case 'chain':
      return `${argumentText(node.of)}${fieldsText(node.names)}`
    case 'command':
      return [node.head, ...node.args].map(argumentText).join(' ')
    case 'pipeline':
      return pipelineText(node)
    case 'action':
      return `{{${pipelineText(node.pipeline)}}}`
    case 'if':
    case 'with':
    case 'range':
      return `{{${node.kind} ${pipelineText(node.pipeline)}}}`
    case 'template':
      return `{{template ${JSON.stringify(node.name)}${node.pipeline === undefined ? '' : ` ${pipelineText(node.pipeline)}`}}}`
  }
}

function fieldsText(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join('')
}

function argumentText(operand: Operand): string {
  return operand.kind === 'pipeline' ? `(${pipelineText(operand)})` : nodeText(operand)
}

function pipelineText({ declares, isAssignment, commands }: Pipeline): string {
  const shown = commands.map(nodeText).join(' | ')
  return declares.length === 0 ? shown : `${declares.join(', ')} ${isAssignment ? '=' : ':='} ${shown}`
}

/** Whether the nodes show nothing but white space: such a definition does not replace another. */
export function isBlank(nodes: List): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
}
