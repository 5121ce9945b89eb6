import { expect, test } from 'vitest'

import { ConfigError } from '../lib/errors.ts'
import { loadText } from './load.ts'

/** Every fault of a text, as `line path: message`. */
async function faultsOf(text: string): Promise<readonly string[]> {
  try {
    await loadText(text, { file: 'chainwarden.yaml', shownFile: undefined, environment: {} })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ line, path, message }) => `${line ?? '?'} ${path ?? ''}: ${message}`)
  }
}

test('what cannot be read does not hide what is wrong beside it, and is not said to be of the wrong shape too', async () => {
  const faults = await faultsOf(`
server: { listen: "\${HOST_AND_PORT}", colour: blue }
targets:
  - type: evm-contract
    name: c
    rpc_urls: [YOUR_RPC_URL]
    address: 0x5FbDB2315678afecb367f032d93F642f64180aa3
    abi: []
    interval: soon
`)

  expect(faults).toEqual([
    '2 server.listen: the environment variable HOST_AND_PORT is not set',
    '2 server.colour: this key is not known here',
    "6 targets[0].rpc_urls[0]: this is still the example's YOUR_RPC_URL: put your own here",
    '7 targets[0].address: put 0x5FbDB231... in quotes: YAML reads it as a number',
    '9 targets[0].interval: this is no duration: write it as 500ms, 10s, 5m, 1h30m or 7d',
  ])
})

test('an event rule that cannot be read does not hide what is wrong with the others', async () => {
  const faults = await faultsOf(`
event_rules:
  - { alert: A, on: evm.log, where: 'event.name ==' }
  - { alert: B, on: evm.nothing }
`)

  expect(faults).toHaveLength(2)
  expect(faults[0]).toMatch(/^3 event_rules\[0\]\.where: /)
  expect(faults[1]).toMatch(/^4 event_rules\[1\]\.on: there is no event of type evm\.nothing/)
})

test('what may be one of several things is said in one sentence', async () => {
  const faults = await faultsOf(`
targets:
  - { type: evm-contract, name: c, rpc_urls: ['http://x'], address: '0x1', start_block: new, abi: [] }
alerting: { route: { receiver: me }, receivers: [{ name: me, webhook_configs: [{}] }] }
`)

  expect(faults).toContain('3 targets[0].start_block: this must be a number or "latest"')
  expect(faults).toContain('4 alerting.receivers[0].webhook_configs[0].url: this is needed (a text or a number)')
})
