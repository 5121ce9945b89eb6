import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'

import { z } from 'zod'

import { checkTargets, lookAtChain } from '../app/check.ts'
import { loadText, readEnvironment } from '../config/index.ts'
import { ConfigError } from '../lib/errors.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { type InitAnswers, type InitContract, initDocument } from './init-document.ts'
import { parseOptions } from './options.ts'
import { askAtTerminal, type Questions, takeDefaults } from './questions.ts'

const options = z.object({
  output: z.string(),
  force: z.boolean().default(false),
  rpcUrl: z.string().optional(),
  address: z.string().optional(),
  abi: z.string().optional(),
  preset: z.string().optional(),
  webhookUrl: z.string().optional(),
  yes: z.boolean().default(false),
})

type InitOptions = z.output<typeof options>

/** `init`: asks, looks at the node, and writes a commented file that passes `check`. */
export async function init(context: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const { console, world } = context
  if (existsSync(asked.output) && !asked.force) {
    console.error(`${asked.output} exists already; --force writes over it.\n`)
    return EXIT.mustChange
  }
  const questions = asked.yes || !console.isTerminal ? takeDefaults() : await askAtTerminal()
  const answers = await collect(context, asked, questions)
  if (answers === undefined) return EXIT.mustChange
  const text = initDocument(answers)
  const config = await loadText(text, { file: asked.output, shownFile: asked.output, environment: readEnvironment() })
  for (const { target, probes } of await checkTargets(config, world)) {
    const lines = probes.map(({ ok, what, detail }) => `${ok ? 'ok   ' : 'FAILS'} ${target}: ${what}: ${detail}\n`)
    console.out(lines.join(''))
  }
  writeFileSync(asked.output, text, { mode: 0o600 })
  console.out(`\n${asked.output} is written. Now: chainwarden run --config ${asked.output}\n`)
  return EXIT.fine
}

async function collect(
  context: CommandContext,
  asked: InitOptions,
  questions: Questions,
): Promise<InitAnswers | undefined> {
  const isHostOnly = asked.yes && asked.rpcUrl === undefined
  const receiver = async () => askReceiver(asked, questions)
  if (isHostOnly) return { rpcUrls: [], chainId: 0, contract: undefined, receiver: await receiver() }
  const url = asked.rpcUrl ?? (await questions.text('The RPC endpoint of your node', 'http://127.0.0.1:8545'))
  const chain = await lookAtChain([url], context.world)
  if (chain.chainId === undefined) {
    context.console.error(`${chain.problem}\n`)
    return undefined
  }
  context.console.out(`chain ${chain.chainId}, head at block ${chain.head}\n`)
  const contract = await askContract(asked, questions)
  return { rpcUrls: [url], chainId: chain.chainId, contract, receiver: await receiver() }
}

async function askContract(asked: InitOptions, questions: Questions): Promise<InitContract | undefined> {
  const address = asked.address ?? (await questions.text('The address of the contract (empty: none)', ''))
  if (address === '') return undefined
  const preset = asked.preset ?? (asked.abi === undefined ? await askPreset(questions) : undefined)
  if (preset !== undefined) return { name: preset, address, abi: undefined, preset }
  const file = asked.abi ?? (await questions.text('Its ABI, a JSON file', './abi.json'))
  if (!existsSync(file)) throw new ConfigError([{ file, message: 'there is no such file' }])
  const abi = `./${relative(dirname(resolve(asked.output)), resolve(file))}`
  const name = basename(file).replace(/(?:\.abi)?\.json$/, '')
  return { name: asked.yes ? name : await questions.text('A name for it', name), address, abi, preset: undefined }
}

async function askPreset(questions: Questions): Promise<string | undefined> {
  const choice = await questions.select('What contract is it?', [
    { value: 'own', label: 'One of our own, with an ABI file' },
    { value: 'tesseract', label: 'Tesseract' },
  ])
  return choice === 'own' ? undefined : choice
}

async function askReceiver(asked: InitOptions, questions: Questions): Promise<InitAnswers['receiver']> {
  if (asked.webhookUrl !== undefined) return { kind: 'webhook', value: asked.webhookUrl }
  const kind = await questions.select('Where do alerts go?', [
    { value: 'console', label: 'The console' },
    { value: 'webhook', label: 'A webhook (Alertmanager’s JSON)' },
    { value: 'slack', label: 'Slack' },
    { value: 'pagerduty', label: 'PagerDuty' },
  ])
  if (kind !== 'webhook' && kind !== 'slack' && kind !== 'pagerduty') return undefined
  const words = { webhook: 'Its URL', slack: 'The incoming webhook’s URL', pagerduty: 'The routing key (Events v2)' }
  return { kind, value: await questions.text(`${words[kind]}; or a reference as \${NAME}`, '') }
}
