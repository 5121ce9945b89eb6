import { createOwnMetrics } from '../../src/app/self-metrics.ts'
import { collectors } from '../../src/collectors/index.ts'
import type { MetricTable } from '../../src/core/metric.ts'
import { OUTBOX_METRICS } from '../../src/outbox/index.ts'
import { code, table, words } from './markdown.ts'

const INTRODUCTION = `# Metrics

What \`/metrics\` shows and PromQL can ask for. Every series of a target has the labels \`target\` (its name), \`job\` (its
\`job\`, else the preset's name, else the type) and \`instance\` (host:port of the first endpoint, else the name), and the
target's own \`labels\`. The labels below come on top of these.

Counters exist from the first round, at 0. What a reorg takes back is never subtracted: it adds to a counter of its own,
\`..._retracted_total\`. What could not be read has no sample, never 0. A histogram has the series \`_bucket\`, \`_sum\` and
\`_count\`.`

/** `metrics.md`, from the metric tables. */
export function metricsPage(): string {
  const own = `## Of Chainwarden, and of every target

Chainwarden's own series have \`job="chainwarden"\` and \`instance="chainwarden"\`. Those that are counted for a target have
its name in \`target\`.

${metricTable(createOwnMetrics(OUTBOX_METRICS).table)}`
  const types = collectors.map(
    ({ type, summary, metrics }) => `## ${type}\n\n${words(summary)}\n\n${metricTable(metrics)}`,
  )
  return [INTRODUCTION, own, ...types].join('\n\n')
}

function metricTable(metrics: MetricTable): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    Object.entries(metrics).map(([name, { type, labels = [], help }]) => [
      code(name),
      type,
      labels.map(code).join(', '),
      words(help),
    ]),
  )
}
