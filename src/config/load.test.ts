import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { ConfigError } from '../lib/errors.ts'
import { type Config, loadConfig, storagePlaceOf } from './load.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainwarden-config-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

async function load(text: string, environment: Readonly<Record<string, string>> = {}): Promise<Config> {
  const file = join(folder, 'chainwarden.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, environment })
}

/** Every fault of a text, as `line path: message`. */
async function faultsOf(text: string): Promise<readonly string[]> {
  try {
    await load(text)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ line, path, message }) => `${line ?? '?'} ${path ?? ''}: ${message}`)
  }
}

const ABI = JSON.stringify([
  { type: 'event', name: 'Failed', inputs: [{ name: 'id', type: 'uint256', indexed: true }], anonymous: false },
])
const ADDRESS = '0x5FbDB2315678afecb367f032d93F642f64180aa3'

describe('defaults', () => {
  test('an empty file listens on loopback only, and tells the console', async () => {
    const config = await load('')

    expect(config.server.listen).toEqual([{ host: '127.0.0.1', port: 9095 }])
    expect(config.storage.path).toBe(join(folder, 'data'))
    expect(config.storage.retention.duties).toBe(400 * 86_400_000)
    expect(config.alerting.receivers.map(({ name }) => name)).toEqual(['console'])
  })

  test('the configuration is frozen all the way down', async () => {
    const config = await load('targets: [{ type: host, name: here, labels: { a: b } }]')

    expect(Object.isFrozen(config.targets[0]?.config.labels)).toBe(true)
  })

  test('labels of a target are its own, its name, its job and its instance', async () => {
    const config = await load('targets: [{ type: host, name: here, labels: { team: core } }]')

    expect(config.targets[0]?.labels).toEqual({ team: 'core', target: 'here', job: 'host', instance: 'here' })
  })

  test('the environment stands in for keys that a target leaves out, and a key wins', async () => {
    const text = 'targets: [{ type: host, name: a }, { type: host, name: b, proc: /p }]'
    const config = await load(text, { HOST_PROC: '/host/proc' })

    expect(config.targets.map((target) => target.definition.subject(target.config))).toEqual([
      'host:/host/proc:/',
      'host:/p:/',
    ])
  })
})

describe('faults', () => {
  test('all are reported at once, each with its line and its path', async () => {
    const faults = await faultsOf(`
server: { listen: nowhere, colour: blue }
targets:
  - { type: host, name: here, interval: soon }
  - { type: hoost, name: there }
  - { type: host, name: here }
event_rules:
  - { alert: X, on: evm.log, where: 'event.name ==' }
alerting:
  route: { receiver: nobody }
  receivers: [{ name: me, webhook_configs: [{}] }]
`)
    expect(faults).toEqual(
      expect.arrayContaining([
        '2 server.listen: this must be host:port, as 127.0.0.1:9095',
        '2 server.colour: this key is not known here',
        '4 targets[0].interval: this is no duration: write it as 500ms, 10s, 5m, 1h30m or 7d',
        '5 targets[1].type: there is no type "hoost"; there are: evm-contract, host',
      ]),
    )
  })

  test('of every target, event rule and receiver, when the frame is sound', async () => {
    const faults = await faultsOf(`
targets:
  - { type: host, name: here, interval: soon }
  - { type: hoost, name: there }
  - { type: host, name: twin }
  - { type: host, name: twin, depends_on: [ghost] }
event_rules:
  - { alert: X, on: evm.log, where: 'event.name ==' }
alerting:
  route: { receiver: nobody }
  receivers: [{ name: me }]
`)

    expect(faults).toEqual(
      expect.arrayContaining([
        '3 targets[0].interval: this is no duration: write it as 500ms, 10s, 5m, 1h30m or 7d',
        '4 targets[1].type: there is no type "hoost"; there are: evm-contract, host',
        '6 targets[3].name: another target is called twin already',
        '6 targets[3].depends_on: there is no target ghost',
      ]),
    )
    expect(faults.some((fault) => fault.startsWith('8 event_rules[0].where: '))).toBe(true)
    expect(faults.some((fault) => fault.includes('alerting.route.receiver: '))).toBe(true)
  })

  test('a contract whose ABI lacks what is asked for says so at the place that asks', async () => {
    writeFileSync(join(folder, 'abi.json'), ABI)
    const faults = await faultsOf(`
targets:
  - type: evm-contract
    name: c
    rpc_urls: [http://127.0.0.1:8545]
    chain_id: 1
    address: '${ADDRESS}'
    abi: ./abi.json
    events: [Failed, Vanished]
    reads: [owner]
`)

    expect(faults).toHaveLength(2)
    expect(faults[0]).toMatch(/^9 targets\[0\]\.events\[1\]: .*Vanished/)
    expect(faults[1]).toMatch(/^10 targets\[0\]\.reads\[0\].*: .*owner/)
  })

  test('an address with a wrong checksum, and one without quotes', async () => {
    const wrong = `targets: [{ type: evm-contract, name: c, rpc_urls: ['http://x'], chain_id: 1, abi: [], address: '${ADDRESS.replace('F', 'f')}' }]`
    expect((await faultsOf(wrong)).join()).toContain(ADDRESS)

    expect(await faultsOf(`targets:\n  - { type: evm-contract, address: ${ADDRESS} }`)).toContain(
      '2 targets[0].address: put 0x5FbDB231... in quotes: YAML reads it as a number',
    )
  })

  test("an example's placeholder is named", async () => {
    const faults = await faultsOf('targets: [{ type: host, name: here, owner: YOUR_NAME }]')

    expect(faults).toEqual(["1 targets[0].owner: this is still the example's YOUR_NAME: put your own here"])
  })

  test('an address beyond loopback needs tokens, or the word open', async () => {
    const outside = 'server: { listen: 0.0.0.0:9095 }'
    expect((await faultsOf(outside))[0]).toContain('can be reached from outside')

    expect(await faultsOf('server: { listen: 0.0.0.0:9095, open: true }')).toEqual([])
    expect(
      await faultsOf('server: { listen: 0.0.0.0:9095, tokens: [{ name: me, role: viewer, token: abcdefghijklmnop }] }'),
    ).toEqual([])
  })

  test('a rule file with faults is reported with its own lines', async () => {
    mkdirSync(join(folder, 'rules'))
    writeFileSync(
      join(folder, 'rules/a.yml'),
      'groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up ==\n      - alert: B\n        expr: up\n        for: soon\n',
    )

    const faults = await faultsOf('rules: { files: [rules/*.yml] }')

    expect(faults).toHaveLength(2)
    expect(faults[0]).toMatch(/^5 /)
    expect(faults[1]).toMatch(/^8 /)
  })

  test('a pattern that finds no rule file, and a file that is not there', async () => {
    expect(await faultsOf('rules: { files: [none/*.yml, gone.yml] }')).toEqual([
      '? rules.files: no rule file is called none/*.yml',
      expect.stringContaining('the rule file cannot be read'),
    ])
  })
})

describe('secrets', () => {
  test('neither the configuration nor a fault shows one', async () => {
    const config = await load(
      "storage: { url: 'postgres://me:hunter2@db/x' }\nserver: { tokens: [{ name: a, role: admin, token: hunter2hunter2hunter2 }] }",
    )

    expect(JSON.stringify(config)).not.toContain('hunter2')
  })

  test('a receiver takes a secret from a file', async () => {
    writeFileSync(join(folder, 'key'), 'http://127.0.0.1:1/services/hunter2\n')
    const config = await load(
      'alerting:\n  route: { receiver: s }\n  receivers: [{ name: s, slack_configs: [{ api_url_file: key }] }]',
    )

    expect(config.alerting.receivers[0]?.destinations[0]?.name).toBe('s/slack/0')
    expect(JSON.stringify(config)).not.toContain('hunter2')
  })
})

test('an alertmanager.yml is read as it stands, and its faults carry its own name', async () => {
  writeFileSync(join(folder, 'am.yml'), 'route: { receiver: x }\nreceivers:\n  - name: ${y}\n')

  const error: unknown = await load('alerting: { file: am.yml }').catch((thrown: unknown) => thrown)

  expect(error).toBeInstanceOf(ConfigError)
  expect(error instanceof ConfigError && error.faults.every(({ file }) => file === 'am.yml')).toBe(true)
})

test('the storage folder is found even when the rest of the file is wrong', async () => {
  const file = join(folder, 'chainwarden.yaml')
  writeFileSync(file, 'storage: { path: ./here }\ntargets: [{ type: nothing }]\n')

  expect(storagePlaceOf(file, {}).path).toBe(join(folder, 'here'))
})

test('the storage folder is found without the environment that the process has', () => {
  const file = join(folder, 'chainwarden.yaml')
  writeFileSync(file, 'storage: { path: ./here }\nserver: { external_url: "${NOT_SET}" }\n')

  expect(storagePlaceOf(file, {}).path).toBe(join(folder, 'here'))
  expect(storagePlaceOf(file, {}).faults[0]?.message).toContain('NOT_SET')
  expect(storagePlaceOf(file, { NOT_SET: 'https://example.org' }).faults).toEqual([])
})

test('a storage folder that hangs on a variable is not guessed', () => {
  const file = join(folder, 'chainwarden.yaml')
  writeFileSync(file, 'storage: { path: "${NOT_SET}/data" }\n')

  expect(() => storagePlaceOf(file, {})).toThrow('NOT_SET')
})

test('a file that does not exist says how to get one', async () => {
  await expect(loadConfig({ file: join(folder, 'other.yaml'), environment: {} })).rejects.toThrow('chainwarden init')
})
