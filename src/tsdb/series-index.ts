import { compareText, type Labels } from '../core/labels.ts'
import { type Matcher, matchesAll } from '../core/matcher.ts'
import { equalLabels, hashLabels, Series } from './series.ts'

/** One series, or several: most label values belong to one series only, and an array each would cost more than they do. */
type Postings = Series | Series[]

const BEYOND_LATIN1 = /[^\p{ASCII}\u0080-\u00ff]/u

/** Every series of the store, by its labels and by each label value. In memory. */
export class SeriesIndex {
  /** Grows whenever a series appears or goes. */
  generation = 1
  readonly #byHash = new Map<number, Postings>()
  readonly #byLabel = new Map<string, Map<string, Postings>>()
  readonly #all = new Map<number, Series>()
  readonly #interned = new Map<string, string>()
  #nextId = 1

  get size(): number {
    return this.#all.size
  }

  byId(id: number): Series | undefined {
    return this.#all.get(id)
  }

  all(): Iterable<Series> {
    return this.#all.values()
  }

  /** @param labels canonical */
  find(labels: Labels): Series | undefined {
    const found = this.#byHash.get(hashLabels(labels))
    if (found === undefined) return undefined
    return listOf(found).find((series) => equalLabels(series.labels, labels))
  }

  /** Makes the series of labels that no series has yet. */
  create(labels: Labels, scope: number): Series {
    return this.restore(this.#nextId, labels, scope)
  }

  /** Puts a series back as it was stored. */
  restore(id: number, labels: Labels, scope: number): Series {
    const series = new Series(id, this.#intern(labels), scope)
    this.#nextId = Math.max(this.#nextId, id + 1)
    this.#all.set(id, series)
    add(this.#byHash, hashLabels(series.labels), series)
    for (const [name, value] of Object.entries(series.labels)) add(this.#valuesOf(name), value, series)
    this.generation++
    return series
  }

  /** Takes series out, many at once, because each posting list they are in is written anew. */
  remove(gone: ReadonlySet<Series>): void {
    if (gone.size === 0) return
    const touched = new Map<string, Set<string>>()
    for (const series of gone) {
      this.#all.delete(series.id)
      removeFrom(this.#byHash, hashLabels(series.labels), gone)
      for (const [name, value] of Object.entries(series.labels)) {
        const values = touched.get(name) ?? new Set()
        touched.set(name, values.add(value))
      }
    }
    for (const [name, values] of touched) {
      const postings = this.#valuesOf(name)
      for (const value of values) {
        removeFrom(postings, value, gone)
        // Another label may have the same value: it keeps its copy, and only the sharing ends.
        if (!postings.has(value)) this.#interned.delete(value)
      }
      if (postings.size === 0) this.#byLabel.delete(name)
    }
    this.generation++
  }

  labelNames(): readonly string[] {
    return [...this.#byLabel.keys()].toSorted(compareText)
  }

  labelValues(name: string): readonly string[] {
    return [...(this.#byLabel.get(name)?.keys() ?? [])].toSorted(compareText)
  }

  select(matchers: readonly Matcher[]): readonly Series[] {
    let best: { readonly size: number; readonly lists: readonly Postings[]; readonly matcher: Matcher } | undefined
    for (const matcher of matchers) {
      // A matcher that a missing label satisfies cannot be answered from the values that exist.
      if (matcher.matches('')) continue
      const lists = this.#listsOf(matcher)
      const size = lists.reduce((sum, list) => sum + (Array.isArray(list) ? list.length : 1), 0)
      if (best === undefined || size < best.size) best = { size, lists, matcher }
      if (size === 0) return []
    }
    if (best === undefined) return [...this.#all.values()].filter((series) => matchesAll(matchers, series.labels))
    const rest = matchers.filter((matcher) => matcher !== best.matcher)
    const selected: Series[] = []
    for (const list of best.lists) {
      for (const series of listOf(list)) if (matchesAll(rest, series.labels)) selected.push(series)
    }
    return selected
  }

  #listsOf(matcher: Matcher): readonly Postings[] {
    const postings = this.#byLabel.get(matcher.name)
    if (postings === undefined) return []
    if (matcher.operator === '=') {
      const found = postings.get(matcher.value)
      return found === undefined ? [] : [found]
    }
    const lists: Postings[] = []
    for (const [value, list] of postings) if (matcher.matches(value)) lists.push(list)
    return lists
  }

  #valuesOf(name: string): Map<string, Postings> {
    const known = this.#byLabel.get(name)
    if (known !== undefined) return known
    const values = new Map<string, Postings>()
    this.#byLabel.set(name, values)
    return values
  }

  #intern(labels: Labels): Labels {
    return Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [this.#internText(name), this.#internText(value)]),
    )
  }

  /** One text for all equal ones, and a copy: what a collector cut out of an answer would keep the whole answer alive. */
  #internText(text: string): string {
    const known = this.#interned.get(text)
    if (known !== undefined) return known
    const encoding = BEYOND_LATIN1.test(text) ? 'utf16le' : 'latin1'
    const copy = Buffer.from(text, encoding).toString(encoding)
    this.#interned.set(copy, copy)
    return copy
  }
}

function listOf(postings: Postings): readonly Series[] {
  return Array.isArray(postings) ? postings : [postings]
}

function add<Key>(lists: Map<Key, Postings>, key: Key, series: Series): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, series)
  else if (Array.isArray(list)) list.push(series)
  else lists.set(key, [list, series])
}

function removeFrom<Key>(lists: Map<Key, Postings>, key: Key, gone: ReadonlySet<Series>): void {
  const list = lists.get(key)
  if (list === undefined) return
  const rest = listOf(list).filter((series) => !gone.has(series))
  const only = rest.length === 1 ? rest[0] : undefined
  if (rest.length === 0) lists.delete(key)
  else lists.set(key, only ?? rest)
}
