import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { z } from 'zod'

import { startProcess } from '../app/process.ts'
import { loadText } from '../config/index.ts'
import { startDemoNode } from '../fakes/demo/node.ts'
import { createTraffic } from '../fakes/demo/traffic.ts'
import { serveFake } from '../fakes/serve.ts'
import { createWebhookSink } from '../fakes/webhook-sink.ts'
import type { Console } from './console.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { readVersion } from './version.ts'

const options = z.object({
  port: z.coerce.number().int().min(0).max(65_535),
  seconds: z.coerce.number().positive().optional(),
})

const SECOND_MS = 1_000

/** Ends what was begun, the last first. */
type Ending = () => Promise<void> | void

/**
 * `demo`: everything for real on this machine - a node, a contract, transactions, this host, a receiver - in a folder
 * that goes away at the end.
 */
export async function demo(context: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const endings: Ending[] = []
  const stopped = untilStopped(context, asked.seconds)
  try {
    await start(context, asked.port, endings)
    await stopped
    return EXIT.fine
  } finally {
    context.console.out('\nStopping.\n')
    for (const end of endings.toReversed()) await end()
    context.console.out('Nothing is left running.\n')
  }
}

async function start({ world, console }: CommandContext, port: number, endings: Ending[]): Promise<void> {
  const say = createNarrator(console)
  const folder = mkdtempSync(join(tmpdir(), 'chainwarden-demo-'))
  endings.push(() => rmSync(folder, { recursive: true, force: true }))

  say.step('starting a chain of its own (anvil, a block each second)')
  const node = await startDemoNode(world)
  endings.push(async () => node.stop())

  const traffic = await createTraffic(node, world)
  say.step(`deploying a contract that buffers transactions: ${traffic.address}`)
  endings.push(async () => traffic.stop())

  const sink = createWebhookSink()
  const receiver = await serveFake(sink.service)
  endings.push(async () => receiver.close())
  sink.onAccepted(({ body }) => say.message(body))

  say.step('starting Chainwarden: the contract, its node and this host')
  const text = demoDocument({ port, rpcUrl: node.url, address: traffic.address, receiverUrl: receiver.url })
  const config = await loadText(text, { file: join(folder, 'demo.yaml'), shownFile: undefined, environment: {} })
  const running = await startProcess({ config, load: async () => config, world, console, version: readVersion() })
  endings.push(async () => running.stop())

  console.out(`
  ${running.url}/metrics                  every series, as Prometheus reads them
  ${running.url}/api/status               what is watched, and what fires
  ${running.url}/api/v1/query?query=up    PromQL

  Transactions begin now; some fail, and after half a minute the contract is paused.
  Below is what a person would receive. Ctrl-C ends it all.

`)
  traffic.start((what) => say.happens(what))
}

interface DemoPlaces {
  readonly port: number
  readonly rpcUrl: string
  readonly address: string
  readonly receiverUrl: string
}

function demoDocument({ port, rpcUrl, address, receiverUrl }: DemoPlaces): string {
  return `
server: { listen: 127.0.0.1:${port} }
storage: { path: ./data }
log: { level: warn }
targets:
  - { type: host, name: this-host, interval: 5s }
  - type: evm-contract
    name: bridge
    preset: tesseract
    interval: 1s
    owner: the bridge team
    rpc_urls: ['${rpcUrl}']
    chain_id: 31337
    address: '${address}'
alerting:
  route: { receiver: person, group_by: [alertname, event_id], group_wait: 1s, group_interval: 5s }
  receivers:
    - name: person
      webhook_configs: [{ url: '${receiverUrl}/' }]
`
}

const messageSchema = z.object({
  alerts: z.array(
    z.object({
      status: z.string(),
      labels: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.string()),
    }),
  ),
})

interface Narrator {
  step(what: string): void
  happens(what: string): void
  message(body: unknown): void
}

/** Tells the story: what is done in grey, what happens on the chain in blue, what a person receives in red or green. */
function createNarrator({ out, hasColour }: Console): Narrator {
  const paint = (code: number, text: string) => (hasColour ? `\u001B[${code}m${text}\u001B[0m` : text)
  return {
    step: (what) => out(`${paint(90, '  ...')} ${what}\n`),
    happens: (what) => out(`${paint(34, 'chain ')} ${what}\n`),
    message(body) {
      const parsed = messageSchema.safeParse(body)
      for (const { status, labels, annotations } of parsed.success ? parsed.data.alerts : []) {
        const isOver = status === 'resolved'
        const head = isOver ? '[RESOLVED]' : `[${(labels['severity'] ?? 'alert').toUpperCase()}]`
        const text = annotations['summary'] ?? labels['alertname'] ?? ''
        out(`${paint(isOver ? 32 : 31, `you    ${head} ${text}`)}\n`)
      }
    },
  }
}

async function untilStopped({ world }: CommandContext, seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve())
    process.on('SIGTERM', () => resolve())
    if (seconds !== undefined) world.after(seconds * SECOND_MS, resolve)
  })
}
