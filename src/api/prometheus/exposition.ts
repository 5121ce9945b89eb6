import { compareText, METRIC_NAME } from '../../core/labels.ts'
import type { MetricDefinition, MetricTable } from '../../core/metric.ts'
import type { CurrentSample } from '../../operations/index.ts'
import { formatValue } from './value.ts'

/** Samples between two pieces: well under a millisecond. */
const SAMPLES_A_PIECE = 200
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
/** What stands where it may not: a digit at the front, or a letter of no name. */
const FOREIGN_IN_METRIC = /^[0-9]|[^a-zA-Z0-9_:]/gu
const FOREIGN_IN_LABEL = /^[0-9]|[^a-zA-Z0-9_]/gu
const BUCKET_LABEL = 'le'

export interface ExpositionFormat {
  readonly isOpenMetrics: boolean
  /** The reader said that it takes names of any letters, in quotes. Others get underscores. */
  readonly takesUtf8?: boolean
}

/**
 * Series in Prometheus' text format 0.0.4 or in OpenMetrics 1.0, in pieces, some of them empty: family by family, and
 * within a histogram series by series, with the buckets in ascending order before sum and count. Series whose metric is
 * in no table come without a type.
 */
export function* exposition(
  samples: readonly CurrentSample[],
  table: MetricTable,
  { isOpenMetrics, takesUtf8 = false }: ExpositionFormat,
): Generator<string, void, undefined> {
  const families = yield* groupByFamily(samples, table)
  const names = createNames(takesUtf8)
  for (const [family, members] of families) {
    const definition = table[family]
    yield headOf(names.metric(family), definition, isOpenMetrics)
    const ordered = definition?.type === 'histogram' ? yield* inHistogramOrder(members, family) : members
    for (let start = 0; start < ordered.length; start += SAMPLES_A_PIECE) {
      const some = ordered.slice(start, start + SAMPLES_A_PIECE)
      yield some.map((sample) => `${seriesText(sample, names)} ${formatValue(sample.value)}\n`).join('')
    }
  }
  if (isOpenMetrics) yield '# EOF\n'
}

type Families = readonly (readonly [string, readonly CurrentSample[]])[]

function* groupByFamily(samples: readonly CurrentSample[], table: MetricTable): Generator<string, Families, undefined> {
  const families = new Map<string, CurrentSample[]>()
  const familyByName = new Map<string, string>()
  for (const [index, sample] of samples.entries()) {
    const name = sample.labels[METRIC_NAME] ?? ''
    const family = familyByName.get(name) ?? familyOf(name, table)
    familyByName.set(name, family)
    const members = families.get(family)
    if (members === undefined) families.set(family, [sample])
    else members.push(sample)
    if (index % SAMPLES_A_PIECE === 0) yield ''
  }
  return [...families].toSorted(([a], [b]) => compareText(a, b))
}

/** `x_bucket`, `x_sum` and `x_count` belong to the histogram `x`. */
export function familyOf(name: string, table: MetricTable): string {
  if (table[name] !== undefined) return name
  const base = name.replace(/_(?:bucket|sum|count)$/, '')
  return table[base]?.type === 'histogram' ? base : name
}

function* inHistogramOrder(
  members: readonly CurrentSample[],
  family: string,
): Generator<string, readonly CurrentSample[], undefined> {
  const places: { readonly sample: CurrentSample; readonly series: string; readonly place: number }[] = []
  for (const [index, sample] of members.entries()) {
    places.push({ sample, series: seriesWithoutBound(sample), place: placeInHistogram(sample, family) })
    if (index % SAMPLES_A_PIECE === 0) yield ''
  }
  const series = Map.groupBy(places, (entry) => entry.series)
  return [...series.values()].flatMap((parts) =>
    parts.toSorted((a, b) => a.place - b.place).map(({ sample }) => sample),
  )
}

function seriesWithoutBound({ labels }: CurrentSample): string {
  let key = ''
  for (const name of Object.keys(labels)) {
    if (name !== METRIC_NAME && name !== BUCKET_LABEL) key += `${name}\u0001${labels[name] ?? ''}\u0002`
  }
  return key
}

/** Buckets stand by their bound, sum and count after the last of them. */
function placeInHistogram({ labels }: CurrentSample, family: string): number {
  const part = labels[METRIC_NAME]?.slice(family.length)
  if (part === '_sum') return Number.MAX_VALUE
  if (part === '_count') return Infinity
  const bound = labels[BUCKET_LABEL] ?? ''
  // Just before sum and count, but after every finite bound.
  return bound === '+Inf' ? Number.MAX_VALUE / 2 : Number(bound)
}

function headOf(family: string, definition: MetricDefinition | undefined, isOpenMetrics: boolean): string {
  const isCounter = definition?.type === 'counter'
  const name = isOpenMetrics && isCounter ? family.replace(/_total("?)$/, '$1') : family
  const unknown = isOpenMetrics ? 'unknown' : 'untyped'
  if (definition === undefined) return `# TYPE ${name} ${unknown}\n`
  // In OpenMetrics every sample of a counter ends in _total; one that does not can only be called unknown.
  const type = isOpenMetrics && isCounter && name === family ? unknown : definition.type
  const help = isOpenMetrics ? escapeValue(definition.help) : escapeHelp(definition.help)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

function seriesText({ labels }: CurrentSample, names: Names): string {
  const name = names.metric(labels[METRIC_NAME] ?? '')
  const isQuoted = name.startsWith('"')
  let pairs = isQuoted ? name : ''
  for (const label of Object.keys(labels)) {
    if (label === METRIC_NAME) continue
    pairs += `${pairs === '' ? '' : ','}${names.label(label)}="${escapeValue(labels[label] ?? '')}"`
  }
  if (isQuoted) return `{${pairs}}`
  return pairs === '' ? name : `${name}{${pairs}}`
}

/** Names as they are printed. */
interface Names {
  metric(name: string): string
  label(name: string): string
}

function createNames(takesUtf8: boolean): Names {
  const print = (name: string, legacy: RegExp, foreign: RegExp): string => {
    if (legacy.test(name)) return name
    return takesUtf8 ? `"${escapeValue(name)}"` : name.replaceAll(foreign, '_')
  }
  return {
    metric: remembering((name) => print(name, LEGACY_METRIC, FOREIGN_IN_METRIC)),
    label: remembering((name) => print(name, LEGACY_LABEL, FOREIGN_IN_LABEL)),
  }
}

/** The same few names come thousands of times. */
function remembering(print: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>()
  return (name) => {
    const text = known.get(name) ?? print(name)
    known.set(name, text)
    return text
  }
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  // Nearly no value has anything to escape.
  return /["\\\n]/.test(text) ? escapeAll(text) : text
}

function escapeAll(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
