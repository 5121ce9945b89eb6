import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { z } from 'zod'

import { serveFake } from '../../src/fakes/serve.ts'
import { createWebhookSink } from '../../src/fakes/webhook-sink.ts'
import { type Anvil, startAnvil } from '../../test/support/anvil.ts'
import { deploy, type Deployed } from '../../test/support/deploy.ts'
import { startMeasured } from './chainwarden.ts'
import { type Benchmark, type BenchmarkOptions, type Figure, median, quantile } from './figure.ts'
import { until } from './until.ts'

const POLLING_MEDIAN_MS = 700
const HINT_MEDIAN_MS = 100
const HINT_P99_MS = 300
const TRIALS = { full: 100, quick: 10 }
const INTERVAL_MS = 1_000
/** Between trials: so that the group before has gone out, and every phase of the interval has its turn. */
const PAUSE_MIN_MS = 400
const PATIENCE_MS = 30_000

/**
 * From the moment before a block is sealed until the webhook has the alert about the log in it. Every log is an alert and
 * a group of its own.
 */
export const latency: Benchmark = {
  name: 'latency',
  async run(options) {
    const trials = options.isQuick ? TRIALS.quick : TRIALS.full
    const polled = await measure(options, trials, 'polling')
    const hinted = await measure(options, trials, 'hint')
    const how = `${trials} blocks`
    return [
      figure('latency-polling-median', 'block to webhook, polling each second, median', {
        value: median(polled),
        goal: POLLING_MEDIAN_MS,
        how: `${how}; p99 ${Math.round(quantile(polled, 0.99))} ms`,
      }),
      figure('latency-hint-median', 'block to webhook, with a WebSocket, median', {
        value: median(hinted),
        goal: HINT_MEDIAN_MS,
        how,
      }),
      figure('latency-hint-p99', 'block to webhook, with a WebSocket, p99', {
        value: quantile(hinted, 0.99),
        goal: HINT_P99_MS,
        how: `${how}; longest ${Math.round(Math.max(...hinted))} ms`,
      }),
    ]
  },
}

function figure(name: string, what: string, rest: Pick<Figure, 'value' | 'goal' | 'how'>): Figure {
  return { name, what, unit: 'ms', ...rest }
}

async function measure(
  options: BenchmarkOptions,
  trials: number,
  kind: 'polling' | 'hint',
): Promise<readonly number[]> {
  options.say(`${trials} blocks, ${kind === 'hint' ? 'with a WebSocket' : 'polling'}`)
  const folder = join(options.folder, kind)
  mkdirSync(folder)
  const anvil = await startAnvil()
  const sink = createWebhookSink()
  const receiver = await serveFake(sink.service)
  try {
    const contract = await deploy(anvil, 'counter')
    writeFileSync(join(folder, 'counter.abi.json'), JSON.stringify(contract.abi))
    const urls = kind === 'hint' ? [anvil.url, anvil.webSocketUrl] : [anvil.url]
    const process = await startMeasured({ folder, config: configOf(urls, contract.address, receiver.url) })
    try {
      await until(
        'the head is followed',
        async () => ((await process.value('evm_contract_last_block')) === undefined ? undefined : true),
        { everyMs: 50, patienceMs: PATIENCE_MS },
      )
      await anvil.rpc('evm_setAutomine', [false])
      const arrivals = new Map<string, (at: number) => void>()
      sink.onAccepted(({ body }) => {
        const at = performance.now()
        for (const note of notesIn(body)) arrivals.get(note)?.(at)
      })
      const latencies: number[] = []
      for (let trial = 1; trial <= trials; trial += 1) {
        await pause(PAUSE_MIN_MS + Math.random() * INTERVAL_MS)
        latencies.push(await once(anvil, contract, { note: `trial-${trial}`, arrivals }))
      }
      return latencies
    } finally {
      await process.kill('SIGTERM')
    }
  } finally {
    await receiver.close()
    await anvil.stop()
  }
}

async function once(
  anvil: Anvil,
  contract: Deployed,
  { note, arrivals }: { readonly note: string; readonly arrivals: Map<string, (at: number) => void> },
): Promise<number> {
  await anvil.rpc('eth_sendTransaction', [{ ...contract.raw('countTo', ['1', note]), gas: '0x100000' }])
  const arrived = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no webhook came for ${note}`)), PATIENCE_MS)
    arrivals.set(note, (at) => {
      clearTimeout(timer)
      resolve(at)
    })
  })
  const sealedAt = performance.now()
  const [at] = await Promise.all([arrived, anvil.rpc('evm_mine')])
  return at - sealedAt
}

const messageSchema = z.object({ alerts: z.array(z.object({ annotations: z.object({ summary: z.string() }) })) })

function notesIn(body: unknown): readonly string[] {
  return messageSchema.parse(body).alerts.map(({ annotations }) => annotations.summary)
}

function configOf(urls: readonly string[], address: string, receiver: string): string {
  return `
targets:
  - type: evm-contract
    name: counter
    interval: ${INTERVAL_MS}ms
    rpc_urls: [${urls.map((url) => `'${url}'`).join(', ')}]
    chain_id: 31337
    address: '${address}'
    abi: ./counter.abi.json
event_rules:
  - alert: Counted
    on: evm.log
    where: 'event.name == "Counted"'
    annotations: { summary: '{{ $event.args.note }}' }
alerting:
  route: { receiver: sink, group_by: [alertname, event_id] }
  receivers:
    - name: sink
      webhook_configs: [{ url: '${receiver}/' }]
`
}
