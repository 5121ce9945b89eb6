import type { Panel, PanelThreshold } from '../../../../core/panel.ts'
import type { EvmContractConfig } from '../../config.ts'

/** Ends of the journey `transaction` within ten minutes, less those that were taken back. */
function ended(on: string, outcome: string): string {
  const which = `${on},journey="transaction"${outcome}`
  return (
    `(sum without (outcome) (increase(evm_contract_journeys_total{${which}}[10m]))` +
    ` - sum without (outcome) (increase(evm_contract_journeys_retracted_total{${which}}[10m])))`
  )
}

/** The panels people know by name, then five tiles that say in a glance how the bridge does. */
export function tesseractPanels({ thresholds }: EvmContractConfig, on: string): readonly Panel[] {
  const p95 = `histogram_quantile(0.95, rate(tesseract_resolution_time_seconds_bucket{${on}}[10m]))`
  const resolution = limit(thresholds.resolution / 1000, 'warning')
  return [
    {
      title: 'Transaction Rate',
      kind: 'timeseries',
      unit: 'transactions/s',
      queries: [
        { expr: `rate(tesseract_transactions_buffered_total{${on}}[5m])`, legend: 'Buffered' },
        { expr: `rate(tesseract_transactions_ready_total{${on}}[5m])`, legend: 'Ready' },
      ],
    },
    {
      title: 'Failed Transactions',
      kind: 'timeseries',
      unit: 'transactions',
      queries: [{ expr: `tesseract_transactions_failed_total{${on}}`, legend: 'Failed' }],
    },
    {
      title: 'Resolution Time (p99)',
      kind: 'timeseries',
      unit: 'seconds',
      queries: [
        { expr: `histogram_quantile(0.99, rate(tesseract_resolution_time_seconds_bucket{${on}}[10m]))`, legend: 'p99' },
      ],
      thresholds: resolution,
    },
    tile('Transactions/min', 'transactions/min', `60 * rate(tesseract_transactions_buffered_total{${on}}[5m])`, [
      { value: thresholds.transactions_per_minute, severity: 'warning' },
    ]),
    tile('Success rate', 'ratio', `${ended(on, ',outcome="ready"')} / (${ended(on, '')} > 0)`, [
      { value: thresholds.success_ratio, severity: 'warning' },
    ]),
    tile('p95 resolution', 'seconds', p95, resolution),
    tile(
      'Failed transactions',
      'transactions',
      `increase(tesseract_transactions_failed_total{${on}}[1h])`,
      limit(1, 'warning'),
    ),
    tile('Node status', 'up', `up{${on}}`, limit(1, 'critical')),
  ]
}

function tile(title: string, unit: string, expr: string, thresholds: readonly PanelThreshold[]): Panel {
  return { title, kind: 'tile', unit, queries: [{ expr, legend: title }], thresholds }
}

function limit(value: number, severity: PanelThreshold['severity']): readonly PanelThreshold[] {
  return [{ value, severity }]
}
