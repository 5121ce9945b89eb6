import { describe, expect, test } from 'vitest'

import { createFolder, runChainwarden } from '../support/chainwarden.ts'

const ADDRESS = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const ABI = JSON.stringify([
  { type: 'event', name: 'Sent', inputs: [{ name: 'id', type: 'uint256', indexed: true }], anonymous: false },
])

const CONTRACT = `targets:
  - type: evm-contract
    name: c
    rpc_urls: [http://127.0.0.1:8545]
    chain_id: 1
    abi: ./abi.json
`

/** A document, and what must be said about it: each line begins with the file and the line of the fault. */
const DOCUMENTS: readonly {
  readonly is: string
  readonly text: string
  readonly says: readonly (string | RegExp)[]
}[] = [
  {
    is: 'no YAML',
    text: 'targets:\n  - type: host\n   name: here\n',
    says: [/^chainwarden\.yaml:3: this is no YAML: /],
  },
  {
    is: 'a list',
    text: '- type: host\n',
    says: ['chainwarden.yaml:1: this must be a map of keys'],
  },
  {
    is: 'with keys that nobody knows, at any depth',
    text: `server: { lisen: 127.0.0.1:9095 }\ntarget: []\ntargets:\n  - { type: host, name: here, intervall: 3s }\n`,
    says: [
      'chainwarden.yaml:1: server.lisen: this key is not known here',
      'chainwarden.yaml:2: target: this key is not known here',
      'chainwarden.yaml:4: targets[0].intervall: this key is not known here',
    ],
  },
  {
    is: 'with a key twice',
    text: 'log: { level: info }\nlog: { level: warn }\n',
    says: ['chainwarden.yaml:2: this key stands twice in the same place'],
  },
  {
    is: 'with an address whose checksum is wrong',
    text: `${CONTRACT}    address: "${ADDRESS.replace('Fb', 'FB')}"\n`,
    says: [
      /^chainwarden\.yaml:7: targets\[0\]\.address: 0x5FBDB2315678\S+ has a wrong checksum, .* it is written 0x5FbDB2315678/,
    ],
  },
  {
    is: 'with an address that is no address',
    text: `${CONTRACT}    address: "0x1234"\n`,
    says: ['chainwarden.yaml:7: targets[0].address: an address is 0x and 40 hexadecimal digits, in quotes'],
  },
  {
    is: 'with an address without quotes',
    text: `${CONTRACT}    address: ${ADDRESS}\n`,
    says: ['chainwarden.yaml:7: targets[0].address: put 0x5FbDB231... in quotes: YAML reads it as a number'],
  },
  {
    is: 'with names that the ABI does not have',
    text: `${CONTRACT}    address: "${ADDRESS}"
    events: [Sent, Lost]
    reads: [owner]
    journeys: [{ name: way, key: number, start: Sent, ends: { done: Arrived } }]
`,
    says: [
      'chainwarden.yaml:8: targets[0].events[1]: the ABI has no event Lost',
      'chainwarden.yaml:9: targets[0].reads[0]: the ABI has no function owner',
      'chainwarden.yaml:10: targets[0].journeys[0].key: Sent(uint256) has no argument number',
      'chainwarden.yaml:10: targets[0].journeys[0].ends.done: the ABI has no event Arrived',
    ],
  },
  {
    is: 'whose ABI is not there, and whose ABI is none',
    text: `${CONTRACT.replace('abi.json', 'nowhere.json')}    address: "${ADDRESS}"
  - { type: evm-contract, name: d, rpc_urls: ['http://127.0.0.1:1'], abi: ./no-abi.json, address: "${ADDRESS}" }
`,
    says: [
      /^chainwarden\.yaml:6: targets\[0\]\.abi: the file \.\/nowhere\.json cannot be read: /,
      /^chainwarden\.yaml:8: targets\[1\]\.abi: \.\/no-abi\.json is no ABI: /,
    ],
  },
  {
    is: 'with variables and files that are not there',
    text: `server: { listen: '127.0.0.1:\${LISTEN_PORT}' }\nstorage:\n  path: \${STORAGE}\n  url: \${file:./password}\n`,
    says: [
      'chainwarden.yaml:1: server.listen: the environment variable LISTEN_PORT is not set',
      'chainwarden.yaml:3: storage.path: the environment variable STORAGE is not set',
      /^chainwarden\.yaml:4: storage\.url: the file \.\/password cannot be read: /,
    ],
  },
  {
    is: 'with what stands in documents as an example',
    text: `${CONTRACT}    address: "0x..."
    owner: <your team>
alerting:
  route: { receiver: me }
  receivers: [{ name: me, slack_configs: [{ api_url: 'https://hooks.slack.com/services/...' }] }]
`,
    says: [
      "chainwarden.yaml:7: targets[0].address: this is still the example's 0x...: put your own here",
      "chainwarden.yaml:8: targets[0].owner: this is still the example's <your team>: put your own here",
      /^chainwarden\.yaml:11: alerting\.receivers\[0\]\.slack_configs\[0\]\.api_url: this is still the example's /,
    ],
  },
  {
    is: 'with faults everywhere',
    text: `server: { listen: 0.0.0.0:9095 }
targets:
  - { type: host, name: here, interval: soon }
  - { type: hoost, name: there }
  - { type: host, name: twin }
  - { type: host, name: twin, depends_on: [ghost] }
rules: { files: [missing.yml, broken.yml] }
event_rules:
  - { alert: X, on: evm.log, where: 'event.name ==' }
  - { alert: Y, on: evm.lug }
alerting:
  route: { receiver: nobody }
  receivers: [{ name: me, webhook_configs: [{}] }]
`,
    says: [
      'chainwarden.yaml:1: server.listen: 0.0.0.0:9095 can be reached from outside: set server.tokens, or server.open: true to let anyone read',
      'chainwarden.yaml:3: targets[0].interval: this is no duration: write it as 500ms, 10s, 5m, 1h30m or 7d',
      'chainwarden.yaml:4: targets[1].type: there is no type "hoost"; there are: evm-contract, host',
      'chainwarden.yaml:6: targets[3].name: another target is called twin already',
      'chainwarden.yaml:6: targets[3].depends_on: there is no target ghost',
      /^chainwarden\.yaml:9: event_rules\[0\]\.where: /,
      /^chainwarden\.yaml:10: event_rules\[1\]\.on: there is no event of type evm\.lug/,
      'chainwarden.yaml:12: alerting.route.receiver: there is no receiver named "nobody"',
      /^chainwarden\.yaml:13: alerting\.receivers\[0\]\.webhook_configs\[0\]\.url: this is needed/,
      /^missing\.yml: the rule file cannot be read: /,
      /^broken\.yml:5: .*expr/,
    ],
  },
]

const BROKEN_RULES = `groups:
  - name: g
    rules:
      - alert: A
        expr: up ==
`

describe.concurrent('a configuration', { timeout: 60_000 }, () => {
  test.each(DOCUMENTS)('$is is refused with every fault at its line', async ({ text, says }) => {
    using folder = createFolder()
    folder.write('chainwarden.yaml', text)
    folder.write('abi.json', ABI)
    folder.write('no-abi.json', '{ "name": "none" }')
    folder.write('broken.yml', BROKEN_RULES)

    const ended = await runChainwarden(['run', '--config', 'chainwarden.yaml'], { folder: folder.path })
    const { code, stdout, stderr } = ended
    const lines = stderr.trimEnd().split('\n')
    const isSaid = (sentence: string | RegExp) =>
      lines.some((line) => (typeof sentence === 'string' ? line === sentence : sentence.test(line)))
    expect({ stderr, missing: says.filter((sentence) => !isSaid(sentence)) }).toEqual({ stderr, missing: [] })
    // Several are counted at the end.
    expect(lines).toHaveLength(says.length === 1 ? 1 : says.length + 1)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })
})

test('check says what run says', { timeout: 60_000 }, async () => {
  using folder = createFolder()
  folder.write('chainwarden.yaml', 'targets: [{ type: host, name: here, interval: soon }]\nlog: { level: loud }\n')
  const ended = await runChainwarden(['run'], { folder: folder.path })

  expect(ended.stderr).toContain('2 faults')
  expect(await runChainwarden(['check'], { folder: folder.path })).toEqual(ended)
})

describe.concurrent('a command line', { timeout: 60_000 }, () => {
  test.each([
    [['run', '--config', 'nowhere.yaml'], 'nowhere.yaml: there is no such file; `chainwarden init` writes one'],
    [['run', '--env-file', 'nowhere.env'], 'nowhere.env: the environment file cannot be read'],
    [['rnu'], "error: unknown command 'rnu'"],
    [['run', '--colour'], "error: unknown option '--colour'"],
    [['run', '--preset', 'none'], 'there is no preset none; there are: tesseract'],
    [['run', '--preset', 'tesseract'], 'RPC_URL: this environment variable is needed'],
    [['run', '--preset', 'tesseract'], 'CONTRACT_ADDRESS: this environment variable is needed'],
    [['events', '--limit', 'many'], '--limit: '],
    [['query', 'rate('], 'nothing runs'],
  ])('%j is refused: %s', async (args, sentence) => {
    using folder = createFolder()
    const { code, stderr } = await runChainwarden(args, { folder: folder.path })

    expect(stderr).toContain(sentence)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(code).toBe(1)
  })
})
