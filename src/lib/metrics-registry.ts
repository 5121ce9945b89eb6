/** Label names to values of one series. */
type Labels = Readonly<Record<string, string>>

export interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Upper bounds of a histogram, ascending, without +Inf. */
  readonly buckets?: readonly number[]
}

/** One current value of one of our own metrics. */
export interface OwnSample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

/** What the program counts about itself. */
export interface MetricsRegistry {
  /** Adds to a counter; by 0 makes the series exist from the start. */
  add(name: string, by: number, labels?: Labels): void
  /** Sets a counter to a total that is counted elsewhere; it never goes down. */
  raise(name: string, total: number, labels?: Labels): void
  set(name: string, value: number, labels?: Labels): void
  observe(name: string, value: number, labels?: Labels): void
  /** Forgets every series with this label, when what it names is gone. */
  forget(label: string, value: string): void
  samples(): readonly OwnSample[]
}

interface Histogram {
  readonly labels: Labels
  readonly counts: number[]
  sum: number
}

/**
 * A registry for a fixed table of metrics: a name that is not in the table, or of another type, is our own mistake and
 * throws, so that every metric is documented.
 */
export function createMetricsRegistry(specs: readonly MetricSpec[]): MetricsRegistry {
  const byName = new Map(specs.map((spec) => [spec.name, spec]))
  const values = new Map<string, { readonly name: string; readonly labels: Labels; value: number }>()
  const histograms = new Map<string, { readonly spec: MetricSpec; readonly histogram: Histogram }>()

  function specOf(name: string, type: MetricSpec['type']): MetricSpec {
    const spec = byName.get(name)
    if (spec?.type !== type) throw new Error(`${name} is not declared as a ${type}`)
    return spec
  }

  function write(name: string, labels: Labels, next: (old: number) => number): void {
    const key = keyOf(name, labels)
    const held = values.get(key)
    if (held === undefined) values.set(key, { name, labels, value: next(0) })
    else held.value = next(held.value)
  }

  return {
    add(name, by, labels = {}) {
      specOf(name, 'counter')
      write(name, labels, (old) => old + by)
    },
    raise(name, total, labels = {}) {
      specOf(name, 'counter')
      write(name, labels, (old) => Math.max(old, total))
    },
    set(name, value, labels = {}) {
      specOf(name, 'gauge')
      write(name, labels, () => value)
    },
    observe(name, value, labels = {}) {
      const spec = specOf(name, 'histogram')
      const key = keyOf(name, labels)
      const held = histograms.get(key) ?? { spec, histogram: emptyHistogram(spec, labels) }
      histograms.set(key, held)
      const bounds = spec.buckets ?? []
      const index = bounds.findIndex((bound) => value <= bound)
      const bucket = index === -1 ? bounds.length : index
      held.histogram.counts[bucket] = (held.histogram.counts[bucket] ?? 0) + 1
      held.histogram.sum += value
    },
    forget(label, value) {
      for (const [key, held] of values) if (held.labels[label] === value) values.delete(key)
      for (const [key, held] of histograms) if (held.histogram.labels[label] === value) histograms.delete(key)
    },
    samples() {
      return [...values.values(), ...[...histograms.values()].flatMap(({ spec, histogram }) => expand(spec, histogram))]
    },
  }
}

function keyOf(name: string, labels: Labels): string {
  return `${name} ${JSON.stringify(labels)}`
}

function emptyHistogram(spec: MetricSpec, labels: Labels): Histogram {
  return { labels, counts: Array.from({ length: (spec.buckets ?? []).length + 1 }, () => 0), sum: 0 }
}

function expand(spec: MetricSpec, histogram: Histogram): readonly OwnSample[] {
  let total = 0
  const bounds = [...(spec.buckets ?? []).map(String), '+Inf']
  const buckets = bounds.map((le, index) => {
    total += histogram.counts[index] ?? 0
    return { name: `${spec.name}_bucket`, labels: { ...histogram.labels, le }, value: total }
  })
  return [
    ...buckets,
    { name: `${spec.name}_sum`, labels: histogram.labels, value: histogram.sum },
    { name: `${spec.name}_count`, labels: histogram.labels, value: total },
  ]
}
