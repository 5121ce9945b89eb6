import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stderr } from 'node:process'

import { describe, expect, test } from 'vitest'

import { serveFake } from '../../src/fakes/serve.ts'
import { createFakeSlack } from '../../src/fakes/slack.ts'
import { hasPrometheus, promtool } from '../interop/peers.ts'
import { type Anvil, HAS_ANVIL, startAnvil } from '../support/anvil.ts'
import { type Chainwarden, createFolder, startChainwarden } from '../support/chainwarden.ts'
import { bytes32, deploy, type Deployed } from '../support/deploy.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startReceiver } from '../support/received.ts'
import { ROOT } from '../tidy/sources.ts'

/** What operators bring along; it lies beside the project, not in it. */
const RULES = join(ROOT, '../shared/fixtures/compat/tesseract.rules.yml')
const HAS_RULES = existsSync(RULES)
if (!HAS_RULES) stderr.write(`${RULES} is not there: operators' own rules are tested NOWHERE\n`)

const SERIES = [
  'tesseract_transactions_buffered_total',
  'tesseract_transactions_ready_total',
  'tesseract_transactions_failed_total',
  'tesseract_transaction_count',
  'tesseract_resolution_time_seconds_count',
]

interface Bridge extends AsyncDisposable {
  readonly anvil: Anvil
  readonly contract: Deployed
}

async function startBridge(): Promise<Bridge> {
  const anvil = await startAnvil()
  return { anvil, contract: await deploy(anvil, 'transaction-buffer'), [Symbol.asyncDispose]: async () => anvil.stop() }
}

/** Buffers as many transactions, makes the second ready and lets the third fail. */
async function useBridge({ contract }: Bridge, first: number): Promise<void> {
  await contract.send('bufferMany', [String(first), '3'])
  await contract.send('ready', [bytes32(first + 1)])
  await contract.send('fail', [bytes32(first + 2), 'Swap group timeout'])
}

function configOf({ anvil, contract }: Bridge, port: number): string {
  return `
server: { listen: 127.0.0.1:${port} }
targets:
  - { type: host, name: this-host }
  - type: evm-contract
    name: 'bridge / 1'
    labels: { team: core }
    preset: tesseract
    interval: 500ms
    rpc_urls: ['${anvil.url}']
    address: '${contract.address}'
`
}

async function valuesOf(chainwarden: Chainwarden): Promise<readonly (number | undefined)[]> {
  return Promise.all(SERIES.map(async (name) => chainwarden.value(name)))
}

describe.skipIf(!HAS_ANVIL).concurrent('the Tesseract preset', { timeout: 90_000 }, () => {
  test('runs from the environment of the script it replaces, and tells Slack in its words', async () => {
    await using bridge = await startBridge()
    await using stack = new AsyncDisposableStack()
    const slack = createFakeSlack(() => Date.now())
    const served = stack.adopt(await serveFake(slack.service), async (it) => it.close())
    using folder = createFolder()
    const port = await freePort()
    await using chainwarden = await startChainwarden({
      folder: folder.path,
      port,
      args: ['run', '--preset', 'tesseract'],
      env: {
        RPC_URL: bridge.anvil.url,
        CONTRACT_ADDRESS: bridge.contract.address,
        SLACK_WEBHOOK_URL: `${served.url}${slack.path}`,
        METRICS_PORT: String(port),
      },
    })
    expect((await chainwarden.get('/-/ready')).status).toBe(200)
    await eventually('counters are there before anything happened', async () => {
      expect(await valuesOf(chainwarden)).toEqual([0, 0, 0, 0, 0])
      return true
    })

    await useBridge(bridge, 1)
    await eventually('what happened is counted', async () => {
      expect(await valuesOf(chainwarden)).toEqual([3, 1, 1, 3, 1])
      return true
    })
    await eventually('Slack was told', () => slack.messages.length > 0)
    const said = JSON.stringify(slack.messages)
    expect(said).toMatch(/\[WARNING\] .*Swap group timeout/)
    await bridge.contract.send('setPaused', [true])
    await eventually('Slack hears that it is paused', () => JSON.stringify(slack.messages).includes('[CRITICAL]'))
    expect(await chainwarden.value('up{job="tesseract"}')).toBe(1)
    expect(await chainwarden.stop()).toMatchObject({ code: 0, stderr: '' })
    expect(chainwarden.output()).not.toContain(slack.path)
  })

  test.skipIf(!HAS_RULES)(
    'feeds the rules that operators have: each finds its series, and a dead node fires',
    async () => {
      await using bridge = await startBridge()
      await using receiver = await startReceiver('hook')
      using folder = createFolder()
      const port = await freePort()
      const theirs = readFileSync(RULES, 'utf8')
      writeFileSync(join(folder.path, 'theirs.rules.yml'), theirs)
      const sooner = theirs.replaceAll(/for: \d+m/g, 'for: 2s').replace('name: tesseract', 'name: sooner')
      writeFileSync(join(folder.path, 'sooner.rules.yml'), sooner)
      await using chainwarden = await startChainwarden({
        folder: folder.path,
        port,
        config: `
server: { listen: 127.0.0.1:${port} }
targets:
  - type: evm-contract
    name: bridge
    preset: tesseract
    interval: 500ms
    rpc_urls: ['${bridge.anvil.url}']
    address: '${bridge.contract.address}'
rules: { files: ['*.rules.yml'], defaults: false, interval: 1s }
alerting:
  route: { receiver: desk, group_by: [alertname], group_wait: 1s, group_interval: 1s }
  receivers: [{ name: desk, webhook_configs: [{ url: '${receiver.url}' }] }]
`,
      })
      await useBridge(bridge, 1)
      await useBridge(bridge, 4)
      const expressions = [
        'rate(tesseract_transactions_failed_total[5m]) >= 0',
        'histogram_quantile(0.95, tesseract_resolution_time_seconds_bucket) >= 0',
        'up{job="tesseract"} == 1',
      ]
      for (const expression of expressions) {
        expect(theirs).toContain(expression.replace(/ (?:>=|==) \d$/, ''))
        await eventually(`${expression} has a value`, async () => (await chainwarden.query(expression)).length === 1)
      }
      expect(receiver.alerts('TesseractNodeDisconnected')).toEqual([])

      await bridge.anvil.kill()
      await eventually('a dead node is told', () => receiver.alerts('TesseractNodeDisconnected').length > 0)
      expect(receiver.alerts('TesseractNodeDisconnected')[0]).toMatchObject({
        status: 'firing',
        labels: { severity: 'critical', job: 'tesseract', target: 'bridge', instance: new URL(bridge.anvil.url).host },
        annotations: { summary: 'Tesseract node disconnected' },
      })

      await using again = {
        anvil: await startAnvil({ port: bridge.anvil.port }),
        [Symbol.asyncDispose]: async () => again.anvil.stop(),
      }
      await eventually(
        'that it is back is told',
        () => receiver.alerts('TesseractNodeDisconnected').at(-1)?.status === 'resolved',
      )
    },
  )

  test('shows metrics that Prometheus reads, in both of its formats', async () => {
    await using bridge = await startBridge()
    using folder = createFolder()
    const port = await freePort()
    await using chainwarden = await startChainwarden({ folder: folder.path, port, config: configOf(bridge, port) })
    await useBridge(bridge, 1)
    await eventually('all is there', async () => (await valuesOf(chainwarden)).join() === '3,1,1,3,1')

    const [text, open] = await eventually('both formats show one moment', async () => {
      const first = await chainwarden.metrics()
      const second = await chainwarden.metrics('application/openmetrics-text; version=1.0.0')
      expect(seriesOf(second)).toEqual(seriesOf(first))
      return [first, second] as const
    })
    expect(text).toMatch(/^# TYPE tesseract_transactions_failed_total counter$/m)
    expect(text).toMatch(/^tesseract_transactions_failed_total\{[^}]*target="bridge \/ 1"[^}]*\} 1$/m)
    expect(open).toMatch(/^# TYPE tesseract_transactions_failed counter$/m)
    expect(open.endsWith('\n# EOF\n')).toBe(true)
    expect(linesOf(open).filter((line) => !isSample(line))).toEqual([])
    expect(linesOf(text).filter((line) => !isSample(line))).toEqual([])
  })

  test.skipIf(!hasPrometheus())(
    'shows metrics of which promtool has nothing to say, but for one name that others chose',
    async () => {
      await using bridge = await startBridge()
      using folder = createFolder()
      const port = await freePort()
      await using chainwarden = await startChainwarden({ folder: folder.path, port, config: configOf(bridge, port) })
      await useBridge(bridge, 1)
      await eventually('all is there', async () => (await valuesOf(chainwarden)).join() === '3,1,1,3,1')

      const { stdout, stderr: remarks } = await promtool(['check', 'metrics'], await chainwarden.metrics())
      const name = 'tesseract_transaction_count non-histogram and non-summary metrics should not have "_count" suffix'
      expect({ stdout, remarks }).toEqual({ stdout: '', remarks: `${name}\n` })
    },
  )
})

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

const SAMPLE =
  /^[a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (?:[+-]?(?:Inf|[\d.]+(?:e[+-]?\d+)?)|NaN)$/

function isSample(line: string): boolean {
  return SAMPLE.test(line)
}

function seriesOf(text: string): readonly string[] {
  return linesOf(text)
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .toSorted()
}
