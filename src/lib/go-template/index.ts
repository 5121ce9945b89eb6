import { BUILTINS } from './builtins.ts'
import { TemplateError } from './errors.ts'
import { isBlank, type Tree } from './nodes.ts'
import { parse } from './parser.ts'
import { quote } from './quote.ts'
import type { Evaluation, MissingKey, Run, TemplateLimits } from './state.ts'
import type { GoFunctions } from './value.ts'
import { executeTree } from './walk.ts'

export { CallError } from './errors.ts'
export { commonFunctions, querySample } from './functions.ts'
export { fromJson, type GoFunctions, goList, goStruct, stringMap } from './value.ts'

/*
 * Go's text/template, whole: what operators know from Prometheus, Alertmanager and Helm. `value.ts` says how JavaScript's
 * values are read; complex numbers and channels are the only parts of the language that are missing.
 */

export interface TemplateSettings {
  /** Beside Go's own; where both have a name, these win. */
  readonly functions?: GoFunctions
  /** What a missing key of a map is; Prometheus and Alertmanager use `zero`. */
  readonly missingKey?: MissingKey
  readonly limits?: Partial<TemplateLimits>
}

export interface TemplateOptions extends TemplateSettings {
  /** What errors call it. */
  readonly name: string
  /** Variables that `execute` gives a value, with their `$`, as `$labels`. Templates that this one calls have none. */
  readonly variables?: readonly string[]
}

/** Parsed once, executed as often as needed. */
export interface Template {
  readonly name: string
  /**
   * The template with `data` as its dot: at once where every function answers at once, else a promise.
   *
   * @throws TemplateError and nothing else; so does the promise
   */
  execute(data: unknown, variables?: Readonly<Record<string, unknown>>): string | Promise<string>
}

const LIMITS: TemplateLimits = { outputLength: 1024 * 1024, steps: 1_000_000, depth: 100 }

/** @throws TemplateError for a fault of syntax, an unknown function, an unknown variable */
export function parseTemplate(text: string, options: TemplateOptions): Template {
  return createTemplateSet(options).template(text, options)
}

/** Templates that call each other, from several files. */
export interface TemplateSet {
  /** Adds what the text defines, and the text itself under this name. What has a name already is replaced. */
  add(text: string, name: string): void
  has(name: string): boolean
  /** A text that can call the set's templates and adds nothing to it, as the texts in `alertmanager.yml` do. */
  template(text: string, options: Pick<TemplateOptions, 'name' | 'variables'>): Template
  /** One of the set's own. */
  execute(name: string, data: unknown): string | Promise<string>
}

/**
 * Templates that call each other, over several files.
 *
 * @public part of the language: `templates` of an `alertmanager.yml` are such a set
 */
export function createTemplateSet(settings: TemplateSettings = {}): TemplateSet {
  const own = settings.functions ?? {}
  const shared = new Map<string, Tree>()
  const findFunction: Run['findFunction'] = (name) => {
    if (Object.hasOwn(own, name)) return found(own[name], false)
    return Object.hasOwn(BUILTINS, name) ? found(BUILTINS[name], true) : undefined
  }
  const hasFunction = (name: string) => findFunction(name) !== undefined

  function start(tree: Tree, dot: unknown, more: Starting): string | Promise<string> {
    const run: Run = {
      limits: { ...LIMITS, ...settings.limits },
      missingKey: settings.missingKey ?? 'default',
      findFunction,
      findTemplate: (name) => more.defined.get(name) ?? shared.get(name),
      output: [],
      outputLength: 0,
      steps: 0,
    }
    return drive(run, executeTree(run, { tree, dot, depth: 0, variables: more.variables }))
  }

  return {
    add(text, name) {
      const { main, defined } = parse(text, { name, hasFunction, variables: [] })
      for (const [key, tree] of collect([...defined, main])) {
        if (!isBlank(tree.nodes) || !shared.has(key)) shared.set(key, tree)
      }
    },
    has: (name) => shared.has(name),
    template(text, { name, variables = [] }) {
      const { main, defined } = parse(text, { name, hasFunction, variables })
      const mine = collect(defined)
      return {
        name,
        execute: (data, values = {}) => start(main, data, { defined: mine, variables: picked(variables, values) }),
      }
    },
    execute(name, data) {
      const tree = shared.get(name)
      if (tree !== undefined) return start(tree, data, { defined: shared, variables: {} })
      throw new TemplateError(`template: no template ${quote(name)} is defined`, { template: name, line: 1 })
    },
  }
}

interface Starting {
  readonly defined: ReadonlyMap<string, Tree>
  readonly variables: Readonly<Record<string, unknown>>
}

function found(definition: GoFunctions[string] | undefined, isBuiltin: boolean): ReturnType<Run['findFunction']> {
  return definition === undefined ? undefined : { definition, isBuiltin }
}

/** By name. In one text a name has one definition; one that is blank is no second. */
function collect(trees: readonly Tree[]): ReadonlyMap<string, Tree> {
  const byName = new Map<string, Tree>()
  for (const tree of trees) {
    const known = byName.get(tree.name)
    if (known !== undefined && !isBlank(known.nodes) && !isBlank(tree.nodes)) {
      const words = `template: ${tree.parseName}: multiple definition of template ${quote(tree.name)}`
      throw new TemplateError(words, { template: tree.parseName, line: 1 })
    }
    if (known === undefined || isBlank(known.nodes)) byName.set(tree.name, tree)
  }
  return byName
}

/** Every declared variable has a value, nil where none was given: a name that is not declared cannot be used. */
function picked(
  names: readonly string[],
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, values[name]]))
}

/** Runs on for as long as nothing has to be waited for. */
function drive(run: Run, evaluation: Evaluation<void>): string | Promise<string> {
  const result = evaluation.next()
  return result.done === true ? run.output.join('') : wait(run, evaluation, result.value)
}

async function wait(run: Run, evaluation: Evaluation<void>, first: PromiseLike<unknown>): Promise<string> {
  let promised = first
  for (;;) {
    const resume = await promised.then(
      (value) => () => evaluation.next(value),
      (error: unknown) => () => evaluation.throw(error),
    )
    const result = resume()
    if (result.done === true) return run.output.join('')
    promised = result.value
  }
}
