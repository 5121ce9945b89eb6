import { METRIC_NAME, type Labels } from '../core/labels.ts'
import { invariantParts } from './analyze.ts'
import type { Place, Selection } from './evaluate/run.ts'
import type { SeriesRef, SeriesSource } from './source.ts'
import type { Expr, ParsedExpr, VectorSelector } from './syntax/ast.ts'

/**
 * What an expression knows of its series: what its selectors chose, and what follows from their labels alone (groups,
 * matches, names dropped). All of it is thrown away when a series appears or goes.
 */
export interface Plan {
  readonly text: string | undefined
  readonly invariants: ReadonlySet<Expr>
  /** Forgets everything if the source has other series than before. */
  refresh(): void
  /** The series of a selector, or only those of one target. */
  select(selector: VectorSelector, target: string | undefined): Selection
  /** What `select` gave since the last `refresh`, by selector. */
  selections(target: string | undefined): readonly (readonly SeriesRef[])[]
  /** Where what follows from a node and an array of labels is kept. */
  place(expr: Expr, key: readonly Labels[]): Place
}

interface Selected {
  readonly all: Selection
  /** By the label `target`; made when first asked for. */
  byTarget: ReadonlyMap<string, Selection> | undefined
}

const NOTHING: Selection = { refs: [], labels: [], distinct: true }

export function createPlan(expr: Expr | ParsedExpr, source: SeriesSource): Plan {
  let generation: number | undefined
  // Made when first needed: thousands of rules are prepared, and most remember little.
  let selected: Map<VectorSelector, Selected> | undefined
  let remembered: WeakMap<readonly Labels[], Map<Expr, Place>> | undefined

  function selectedBy(selector: VectorSelector): Selected {
    selected ??= new Map()
    const known = selected.get(selector)
    if (known !== undefined) return known
    const made: Selected = { all: selectionOf(source.select(selector.matchers)), byTarget: undefined }
    selected.set(selector, made)
    return made
  }

  function select(selector: VectorSelector, target: string | undefined): Selection {
    const found = selectedBy(selector)
    if (target === undefined) return found.all
    found.byTarget ??= splitByTarget(found.all.refs)
    return found.byTarget.get(target) ?? NOTHING
  }

  return {
    text: 'text' in expr ? expr.text : undefined,
    invariants: invariantParts(expr),
    refresh() {
      if (source.generation === generation) return
      generation = source.generation
      selected = undefined
      remembered = undefined
    },
    select,
    selections: (target) => [...(selected?.keys() ?? [])].map((selector) => select(selector, target).refs),
    place(part, key) {
      remembered ??= new WeakMap()
      let byPart = remembered.get(key)
      if (byPart === undefined) remembered.set(key, (byPart = new Map<Expr, Place>()))
      let place = byPart.get(part)
      if (place === undefined) byPart.set(part, (place = new Map()))
      return place
    },
  }
}

function selectionOf(refs: readonly SeriesRef[]): Selection {
  const first = refs[0]?.labels[METRIC_NAME]
  const labels = refs.map((ref) => ref.labels)
  return { refs, labels, distinct: labels.every((set) => set[METRIC_NAME] === first) }
}

function splitByTarget(refs: readonly SeriesRef[]): ReadonlyMap<string, Selection> {
  const byTarget = new Map<string, SeriesRef[]>()
  for (const ref of refs) {
    const target = ref.labels['target']
    if (target === undefined) continue
    const known = byTarget.get(target)
    if (known === undefined) byTarget.set(target, [ref])
    else known.push(ref)
  }
  return new Map([...byTarget].map(([target, own]) => [target, selectionOf(own)]))
}
