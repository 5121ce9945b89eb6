import { compareText, type Labels, METRIC_NAME } from '../core/labels.ts'
import { createMatcher, type Matcher } from '../core/matcher.ts'
import { createSlices, type Slices } from '../lib/slices.ts'
import type { SeriesRef } from '../promql/index.ts'
import type { OperationsPorts } from './ports.ts'

/** Which series are asked for: those that all matchers of one of the selectors match; with no selector, all. */
export interface SeriesFilter {
  readonly selectors: readonly (readonly Matcher[])[]
  /** Milliseconds UTC, both inclusive; infinite where they are open. */
  readonly fromMs: number
  readonly toMs: number
}

/** Where the series of the store come from: label by label, how many there are. */
export interface Cardinality {
  readonly series: number
  readonly labelPairs: number
  /** When the newest samples of the series that are being written were taken, milliseconds UTC; 0 where there is none. */
  readonly oldestAt: number
  readonly newestAt: number
  /** The largest first; as many as were asked for. */
  readonly seriesByMetric: readonly Count[]
  readonly valuesByLabel: readonly Count[]
  readonly bytesByLabel: readonly Count[]
  readonly seriesByPair: readonly Count[]
}

interface Count {
  readonly name: string
  readonly value: number
}

type CatalogPorts = Pick<OperationsPorts, 'series' | 'current' | 'now' | 'clock'>

/**
 * How much may be read to find out which of the doubtful series have a sample in the window: the milliseconds that are
 * looked through, times the series. 500 hours of one series, at most some million samples.
 */
const LOOK_MAX = 500 * 3_600_000
/** Series between two looks at the clock. */
const STEP = 200

/**
 * The labels of every series with a sample in the window, each once. Where finding that out would read a lot (many series
 * that are not written now, over long), those in doubt are among them: Prometheus' own answer is as coarse as its blocks.
 */
export async function findSeries(
  ports: CatalogPorts,
  filter: SeriesFilter,
  signal: AbortSignal,
): Promise<readonly Labels[]> {
  const slices = createSlices(ports.clock, signal)
  const chosen = choose(ports, filter)
  if (slices.isOver()) await slices.pause()
  const { fromMs, toMs } = filter
  if (fromMs === -Infinity && toMs >= ports.now()) return chosen.map(({ labels }) => labels)
  const seen = await seenWithin(ports, filter, slices)
  const doubtful = chosen.filter(({ labels }) => !seen.has(labels))
  const found = new Set(await withSamples(ports, doubtful, { filter, signal }))
  return chosen.filter((series) => seen.has(series.labels) || found.has(series)).map(({ labels }) => labels)
}

function choose({ series }: CatalogPorts, { selectors }: SeriesFilter): readonly SeriesRef[] {
  const [first, ...more] = selectors.map((matchers) => series.select(matchers))
  if (first === undefined) return series.select([])
  // The store gives the same object for the same series.
  return more.length === 0 ? first : [...new Set([...first, ...more.flat()])]
}

/** Series whose newest sample lies in the window: nothing needs to be read for them. */
async function seenWithin(
  { current }: CatalogPorts,
  { fromMs, toMs }: SeriesFilter,
  slices: Slices,
): Promise<ReadonlySet<Labels>> {
  const seen = new Set<Labels>()
  // Taken at once: rounds go on while it is looked through.
  for (const { labels, time } of Array.from(current())) {
    if (time >= fromMs && time <= toMs) seen.add(labels)
    if (slices.isOver()) await slices.pause()
  }
  if (slices.isOver()) await slices.pause()
  return seen
}

async function withSamples(
  { series, now }: CatalogPorts,
  doubtful: readonly SeriesRef[],
  { filter, signal }: { readonly filter: SeriesFilter; readonly signal: AbortSignal },
): Promise<readonly SeriesRef[]> {
  const fromMs = filter.fromMs
  const toMs = Math.min(filter.toMs, now())
  if (doubtful.length === 0 || toMs < fromMs) return []
  if ((toMs - fromMs) * doubtful.length > LOOK_MAX) return doubtful
  const loaded = await series.load(doubtful, fromMs - 1, toMs, signal)
  return doubtful.filter((_, index) => {
    const { times, start, end } = loaded.points(index)
    for (let point = start; point < end; point += 1) {
      const time = times[point] ?? 0
      if (time >= fromMs && time <= toMs) return true
    }
    return false
  })
}

/** The names of all labels of the series asked for, sorted. */
export async function findLabelNames(
  ports: CatalogPorts,
  filter: SeriesFilter,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (isEverything(filter)) return ports.series.labelNames()
  const names = new Set<string>()
  await forEachSeries(ports, await findSeries(ports, filter, signal), (labels) => {
    for (const name of Object.keys(labels)) names.add(name)
  })
  return [...names].toSorted(compareText)
}

/** The values of one label of the series asked for, sorted. */
export async function findLabelValues(
  ports: CatalogPorts,
  name: string,
  filter: SeriesFilter,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (isEverything(filter)) return ports.series.labelValues(name)
  const present = createMatcher(name, '!=', '')
  const selectors = filter.selectors.length === 0 ? [[]] : filter.selectors
  const narrowed = { ...filter, selectors: selectors.map((matchers) => matchers.concat(present)) }
  const values = new Set<string>()
  await forEachSeries(ports, await findSeries(ports, narrowed, signal), (labels) => {
    const value = labels[name]
    if (value !== undefined) values.add(value)
  })
  return [...values].toSorted(compareText)
}

function isEverything({ selectors, fromMs, toMs }: SeriesFilter): boolean {
  return selectors.length === 0 && fromMs === -Infinity && toMs === Infinity
}

async function forEachSeries(
  { clock }: Pick<CatalogPorts, 'clock'>,
  all: readonly Labels[],
  visit: (labels: Labels) => void,
): Promise<void> {
  const slices = createSlices(clock)
  for (const [index, labels] of all.entries()) {
    visit(labels)
    if (index % STEP === 0 && slices.isOver()) await slices.pause()
  }
}

/** Counts every series of the store by its labels. */
export async function measureCardinality(ports: CatalogPorts, limit: number): Promise<Cardinality> {
  const { series, current, clock } = ports
  const all = series.select([])
  const byMetric = new Map<string, number>()
  const byPair = new Map<string, number>()
  await forEachSeries(
    { clock },
    all.map(({ labels }) => labels),
    (labels) => {
      add(byMetric, labels[METRIC_NAME] ?? '', 1)
      for (const [name, value] of Object.entries(labels)) add(byPair, `${name}=${value}`, 1)
    },
  )
  const values = new Map<string, number>()
  const bytes = new Map<string, number>()
  for (const pair of byPair.keys()) {
    const [name = ''] = pair.split('=', 1)
    add(values, name, 1)
    add(bytes, name, pair.length - name.length - 1)
  }
  let oldestAt = Infinity
  let newestAt = 0
  for (const { time } of current()) {
    oldestAt = Math.min(oldestAt, time)
    newestAt = Math.max(newestAt, time)
  }
  return {
    series: all.length,
    labelPairs: byPair.size,
    oldestAt: newestAt === 0 ? 0 : oldestAt,
    newestAt,
    seriesByMetric: largest(byMetric, limit),
    valuesByLabel: largest(values, limit),
    bytesByLabel: largest(bytes, limit),
    seriesByPair: largest(byPair, limit),
  }
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}

function largest(counts: ReadonlyMap<string, number>, limit: number): readonly Count[] {
  return [...counts]
    .map(([name, value]) => ({ name, value }))
    .toSorted((a, b) => b.value - a.value || compareText(a.name, b.name))
    .slice(0, limit)
}
