import type { Panel } from '../../core/panel.ts'
import type { EvmContractConfig } from './config.ts'
import { tesseractPanels } from './presets/tesseract/dashboard.ts'

/** Panels of one contract. A preset's own come first: they are what people look for. */
export function panelsOf(config: EvmContractConfig): readonly Panel[] {
  const on = `target=${JSON.stringify(config.name)}`
  return [...(config.preset === 'tesseract' ? tesseractPanels(config, on) : []), ...contractPanels(config, on)]
}

function contractPanels(config: EvmContractConfig, on: string): readonly Panel[] {
  return [
    {
      title: 'Events',
      kind: 'timeseries',
      unit: 'events/s',
      queries: [{ expr: `rate(evm_contract_events_total{${on}}[5m])`, legend: '{{event}}' }],
    },
    {
      title: 'Blocks behind the head',
      kind: 'timeseries',
      unit: 'blocks',
      queries: [{ expr: `evm_contract_backfill_remaining_blocks{${on}}`, legend: 'to read' }],
    },
    {
      title: 'Endpoint lag',
      kind: 'timeseries',
      unit: 'blocks',
      queries: [{ expr: `evm_endpoint_head_lag_blocks{${on}}`, legend: '{{endpoint}}' }],
      thresholds: [{ value: config.thresholds.head_lag_blocks, severity: 'warning' }],
    },
    {
      title: 'Endpoints',
      kind: 'table',
      unit: '',
      queries: [{ expr: `evm_endpoint_up{${on}}`, legend: '{{endpoint}}' }],
    },
    {
      title: 'View functions',
      kind: 'table',
      unit: '',
      queries: [
        { expr: `evm_contract_read{${on}}`, legend: '{{function}}' },
        { expr: `evm_contract_read_info{${on}}`, legend: '{{function}}: {{value}}' },
      ],
    },
    ...config.journeys.flatMap(({ name }) => journeyPanels(name, `${on},journey=${JSON.stringify(name)}`)),
  ]
}

function journeyPanels(name: string, on: string): readonly Panel[] {
  return [
    {
      title: `Journey ${name}: outcomes`,
      kind: 'timeseries',
      unit: 'journeys/s',
      queries: [{ expr: `rate(evm_contract_journeys_total{${on}}[5m])`, legend: '{{outcome}}' }],
    },
    {
      title: `Journey ${name}: duration (p95)`,
      kind: 'timeseries',
      unit: 'seconds',
      queries: [
        {
          expr: `histogram_quantile(0.95, rate(evm_contract_journey_duration_seconds_bucket{${on}}[10m]))`,
          legend: '{{outcome}}',
        },
      ],
    },
    {
      title: `Journey ${name}: in flight`,
      kind: 'timeseries',
      unit: 'journeys',
      queries: [{ expr: `evm_contract_journeys_in_flight{${on}}`, legend: 'in flight' }],
    },
  ]
}
