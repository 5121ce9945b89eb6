import { describe, expect, test } from 'vitest'

import { ConfigError } from '../../../../lib/errors.ts'
import { TESSERACT_PRESET } from './preset.ts'

const NEEDED = { RPC_URL: 'http://localhost:8545', CONTRACT_ADDRESS: '0x5FbDB2315678afecb367f032d93F642f64180aa3' }
const ALL = {
  ...NEEDED,
  ABI: './abi.json',
  SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/X',
  PAGERDUTY_KEY: 'abc',
  METRICS_PORT: '9000',
}

function faultsOf(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    TESSERACT_PRESET.fromEnvironment(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
}

describe('the environment of the script', () => {
  test('with what is needed is a target, metrics on port 8000, and no alerting', () => {
    expect(TESSERACT_PRESET.fromEnvironment(NEEDED)).toEqual({
      server: { listen: '127.0.0.1:8000' },
      targets: [
        {
          type: 'evm-contract',
          name: 'tesseract',
          preset: 'tesseract',
          rpc_urls: ['http://localhost:8545'],
          address: NEEDED.CONTRACT_ADDRESS,
        },
      ],
    })
  })

  test('tells Slack of everything and PagerDuty of what is critical', () => {
    expect(TESSERACT_PRESET.fromEnvironment(ALL)).toMatchObject({
      server: { listen: '127.0.0.1:9000' },
      targets: [{ abi: './abi.json' }],
      alerting: {
        route: {
          receiver: 'nobody',
          routes: [{ receiver: 'pagerduty', matchers: ['severity="critical"'], continue: true }, { receiver: 'slack' }],
        },
        receivers: [
          { name: 'nobody' },
          { name: 'slack', slack_configs: [{ api_url: ALL.SLACK_WEBHOOK_URL }] },
          { name: 'pagerduty', pagerduty_configs: [{ routing_key: 'abc', source: 'tesseract-monitor' }] },
        ],
      },
    })
  })

  test('may name several nodes', () => {
    const document = TESSERACT_PRESET.fromEnvironment({ ...NEEDED, RPC_URL: 'http://a:1, ws://b:2' })

    expect(document).toMatchObject({ targets: [{ rpc_urls: ['http://a:1', 'ws://b:2'] }] })
  })

  test.each([
    [{}, ['RPC_URL: this environment variable is needed', 'CONTRACT_ADDRESS: this environment variable is needed']],
    [
      { ...NEEDED, CONTRACT_ADDRESS: '0x...' },
      ["CONTRACT_ADDRESS: this is still the example's value: put your own here"],
    ],
    [
      { ...NEEDED, SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/...' },
      ["SLACK_WEBHOOK_URL: this is still the example's value: put your own here"],
    ],
    [{ ...NEEDED, METRICS_PORT: 'http' }, ['METRICS_PORT: this must be a port, from 1 to 65535']],
    [{ ...NEEDED, METRICS_PORT: '0' }, ['METRICS_PORT: this must be a port, from 1 to 65535']],
    [{ ...NEEDED, PAGERDUTY_KEY: '', ABI: ' ' }, []],
  ])('%o is told what is wrong with it', (environment, faults) => {
    expect(faultsOf(environment)).toEqual(faults)
  })
})
