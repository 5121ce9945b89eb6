import { compareText, METRIC_NAME } from '../../core/labels.ts'
import type { MetricDefinition, MetricTable } from '../../core/metric.ts'
import type { CurrentSample } from '../../operations/index.ts'
import { formatValue } from './value.ts'

const FAMILIES_A_PIECE = 50

/**
 * Series in Prometheus' text format 0.0.4 or in OpenMetrics 1.0, family by family, in pieces. Series whose metric is in
 * no table come without a type.
 */
export function* exposition(
  samples: readonly CurrentSample[],
  table: MetricTable,
  isOpenMetrics: boolean,
): Generator<string> {
  const families = groupByFamily(samples, table)
  let piece = ''
  let count = 0
  for (const [family, members] of families) {
    piece += familyText(family, members, table[family], isOpenMetrics)
    count += 1
    if (count % FAMILIES_A_PIECE !== 0) continue
    yield piece
    piece = ''
  }
  yield isOpenMetrics ? `${piece}# EOF\n` : piece
}

function groupByFamily(
  samples: readonly CurrentSample[],
  table: MetricTable,
): readonly (readonly [string, readonly CurrentSample[]])[] {
  const families = Map.groupBy(samples, (sample) => familyOf(sample.labels[METRIC_NAME] ?? '', table))
  return [...families].toSorted(([a], [b]) => compareText(a, b))
}

/** `x_bucket`, `x_sum` and `x_count` belong to the histogram `x`. */
function familyOf(name: string, table: MetricTable): string {
  if (table[name] !== undefined) return name
  const base = name.replace(/_(?:bucket|sum|count)$/, '')
  return table[base]?.type === 'histogram' ? base : name
}

function familyText(
  family: string,
  members: readonly CurrentSample[],
  definition: MetricDefinition | undefined,
  isOpenMetrics: boolean,
): string {
  const name = isOpenMetrics && definition?.type === 'counter' ? family.replace(/_total$/, '') : family
  const head =
    definition === undefined
      ? `# TYPE ${name} ${isOpenMetrics ? 'unknown' : 'untyped'}\n`
      : `# HELP ${name} ${escapeHelp(definition.help)}\n# TYPE ${name} ${definition.type}\n`
  const lines = members.map((sample) => ({ text: seriesText(sample), value: formatValue(sample.value) }))
  return head + lines.map(({ text, value }) => `${text} ${value}\n`).join('')
}

function seriesText({ labels }: CurrentSample): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => name !== METRIC_NAME)
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
  const name = labels[METRIC_NAME] ?? ''
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
