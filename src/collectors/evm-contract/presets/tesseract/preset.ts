import { ConfigError, type ConfigFault } from '../../../../lib/errors.ts'
import type { Json } from '../../../../lib/json.ts'
import type { Preset } from '../../../collector.ts'

type Environment = Readonly<Record<string, string | undefined>>

const METRICS_PORT = 8000
const PLACEHOLDER = /^(0x\.*|your[_ -].*|<.*>|\.\.\.|change[_-]?me|.*\/services\/\.\.\.)$/i

/** The environment of the Tesseract monitoring script as a configuration. */
export const TESSERACT_PRESET: Preset = {
  summary:
    'The Tesseract contract, from RPC_URL, CONTRACT_ADDRESS, ABI, SLACK_WEBHOOK_URL, PAGERDUTY_KEY, METRICS_PORT',
  fromEnvironment,
}

function fromEnvironment(environment: Environment): Json {
  const faults: ConfigFault[] = []
  const rpcUrl = needed(environment, 'RPC_URL', faults)
  const address = needed(environment, 'CONTRACT_ADDRESS', faults)
  const abi = optional(environment, 'ABI', faults)
  const slack = optional(environment, 'SLACK_WEBHOOK_URL', faults)
  const pagerDuty = optional(environment, 'PAGERDUTY_KEY', faults)
  const port = portOf(environment, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return {
    server: { listen: `127.0.0.1:${port}` },
    targets: [
      {
        type: 'evm-contract',
        name: 'tesseract',
        preset: 'tesseract',
        rpc_urls: rpcUrl.split(',').map((url) => url.trim()),
        address,
        ...(abi === undefined ? {} : { abi }),
      },
    ],
    ...(slack === undefined && pagerDuty === undefined ? {} : { alerting: alerting(slack, pagerDuty) }),
  }
}

/** Slack hears of everything, PagerDuty of what is critical. */
function alerting(slack: string | undefined, pagerDuty: string | undefined): Json {
  const receivers = [
    ...(slack === undefined ? [] : [{ name: 'slack', slack_configs: [{ api_url: slack, send_resolved: true }] }]),
    ...(pagerDuty === undefined
      ? []
      : [{ name: 'pagerduty', pagerduty_configs: [{ routing_key: pagerDuty, source: 'tesseract-monitor' }] }]),
  ]
  return {
    route: {
      receiver: 'nobody',
      group_by: ['alertname', 'target', 'event_id'],
      routes: [
        ...(pagerDuty === undefined
          ? []
          : [{ receiver: 'pagerduty', matchers: ['severity="critical"'], continue: true }]),
        ...(slack === undefined ? [] : [{ receiver: 'slack' }]),
      ],
    },
    receivers: [{ name: 'nobody' }, ...receivers],
  }
}

function needed(environment: Environment, name: string, faults: ConfigFault[]): string {
  const value = optional(environment, name, faults)
  if (value === undefined && faults.every((fault) => fault.path !== name)) {
    faults.push({ path: name, message: 'this environment variable is needed' })
  }
  return value ?? ''
}

function optional(environment: Environment, name: string, faults: ConfigFault[]): string | undefined {
  const value = environment[name]?.trim()
  if (value === undefined || value === '') return undefined
  if (!PLACEHOLDER.test(value)) return value
  faults.push({ path: name, message: "this is still the example's value: put your own here" })
  return undefined
}

function portOf(environment: Environment, faults: ConfigFault[]): number {
  const text = environment['METRICS_PORT']?.trim() ?? ''
  if (text === '') return METRICS_PORT
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  faults.push({ path: 'METRICS_PORT', message: 'this must be a port, from 1 to 65535' })
  return METRICS_PORT
}
