import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { buildLogChain, type LogChain } from './chain.ts'
import { startMeasured } from './chainwarden.ts'
import { type Benchmark, type BenchmarkOptions, median } from './figure.ts'
import { type Question, startRecorder } from './recorder.ts'
import { until } from './until.ts'

const FULL = { blocks: 20_000, logsPerBlock: 5, repetitions: 5 }
const QUICK = { blocks: 2_000, logsPerBlock: 5, repetitions: 1 }
const GOAL = 1.25
const POLL_MS = 10
const PATIENCE_MS = 120_000

/**
 * The real process reads a chain's history, against a bare loop that sends the same eth_getLogs questions to the same
 * node and only parses the JSON. The questions are recorded in a first run that is not measured; then both take turns.
 */
export const backfill: Benchmark = {
  name: 'backfill',
  async run(options) {
    const size = options.isQuick ? QUICK : FULL
    options.say(`sealing ${size.blocks} blocks with ${size.logsPerBlock} logs each`)
    const chain = await buildLogChain(size)
    try {
      const questions = await recordQuestions(options, chain)
      const bare: number[] = []
      const ours: number[] = []
      for (let turn = 1; turn <= size.repetitions; turn += 1) {
        bare.push(await bareLoop(chain, questions))
        ours.push(await chainwarden(options, chain, { name: `run-${turn}`, url: chain.anvil.url }))
        options.say(`turn ${turn}: ${Math.round(ours.at(-1) ?? 0)} ms against ${Math.round(bare.at(-1) ?? 0)} ms`)
      }
      const how = `${chain.logs} logs in ${size.blocks} blocks, ${questions.length} questions; ${seconds(ours)} against ${seconds(bare)}; medians of ${size.repetitions}`
      const what = 'backfill, against a bare loop of the same eth_getLogs'
      return [{ name: 'backfill', what, value: median(ours) / median(bare), goal: GOAL, unit: 'x', how }]
    } finally {
      await chain.anvil.stop()
    }
  },
}

function seconds(values: readonly number[]): string {
  return `${(median(values) / 1000).toFixed(2)} s`
}

async function recordQuestions(options: BenchmarkOptions, chain: LogChain): Promise<readonly Question[]> {
  const recorder = await startRecorder(chain.anvil.url, (method) => method === 'eth_getLogs')
  try {
    await chainwarden(options, chain, { name: 'recorded', url: recorder.url })
    return recorder.questions()
  } finally {
    await recorder.stop()
  }
}

const answerSchema = z.object({ result: z.array(z.unknown()) })

/** Milliseconds for all questions, one after the other. */
async function bareLoop({ anvil, logs }: LogChain, questions: readonly Question[]): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  for (const { params } of questions) {
    const response = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getLogs', params }),
    })
    count += answerSchema.parse(await response.json()).result.length
  }
  const tookMs = performance.now() - startedAt
  if (count < logs) throw new Error(`the bare loop saw ${count} logs of ${logs}`)
  return tookMs
}

/** Milliseconds from ready until every log is committed and counted. */
async function chainwarden(
  options: BenchmarkOptions,
  chain: LogChain,
  { name, url }: { readonly name: string; readonly url: string },
): Promise<number> {
  const folder = join(options.folder, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'counter.abi.json'), JSON.stringify(chain.contract.abi))
  const process = await startMeasured({
    folder,
    config: `
targets:
  - type: evm-contract
    name: counter
    rpc_urls: ['${url}']
    chain_id: 31337
    address: '${chain.contract.address}'
    abi: ./counter.abi.json
    start_block: 1
`,
  })
  try {
    const startedAt = performance.now()
    return await until(
      'every log is counted',
      async () => {
        const counted = await process.value('sum(evm_contract_events_total)')
        return counted === chain.logs ? performance.now() - startedAt : undefined
      },
      { everyMs: POLL_MS, patienceMs: PATIENCE_MS },
    )
  } finally {
    await process.kill('SIGTERM')
  }
}
