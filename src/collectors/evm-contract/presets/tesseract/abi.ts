import { readFile } from 'node:fs/promises'

import { z } from 'zod'

import { DURATION_BUCKETS, type EvmContractConfig, type JourneyConfig } from '../../config.ts'

const itemsSchema = z.array(z.record(z.string(), z.unknown()))

export type AbiItems = z.output<typeof itemsSchema>

/** Both generations of the contract: their events differ in their types, so each has topics of its own. */
const GENERATIONS = ['simple.abi.json', 'buffer.abi.json']

/**
 * An ABI and what the preset knows beside it. Of two functions or events that are called by the same bytes the first
 * stays: the operator's own, then the older generation's.
 */
export async function withTesseractAbi(own: AbiItems): Promise<AbiItems> {
  const texts = await Promise.all(GENERATIONS.map(async (file) => readFile(new URL(file, import.meta.url), 'utf8')))
  const known = texts.flatMap((text) => itemsSchema.parse(JSON.parse(text)))
  const seen = new Set(own.map(identity))
  const added = known.filter((item) => {
    const isNew = !seen.has(identity(item))
    seen.add(identity(item))
    return isNew
  })
  return [...own, ...added]
}

const parametersSchema = z.array(z.object({ type: z.string() })).catch([])

/** Kind, name and types: what the topic or the selector is made of. */
function identity(item: AbiItems[number]): string {
  const types = parametersSchema.parse(item['inputs']).map(({ type }) => type)
  return `${String(item['type'])} ${String(item['name'])}(${types.join(',')})`
}

/** What a Tesseract target follows and compares unless its configuration says otherwise. */
export function tesseractDefaults(): {
  readonly journeys: readonly JourneyConfig[]
  readonly selfCheck: Exclude<EvmContractConfig['self_check'], false | undefined>
  readonly reads: readonly string[]
} {
  return {
    journeys: [
      {
        name: 'transaction',
        key: 'tx_id',
        start: 'TransactionBuffered',
        ends: { ready: ['TransactionReady'], failed: ['TransactionFailed'] },
        // The contract takes at most 24 hours of delay and 300 seconds of window; most are over within a minute.
        deadline: 600_000,
        buckets: [...DURATION_BUCKETS],
      },
    ],
    selfCheck: { counter: 'transaction_count', event: 'TransactionBuffered' },
    reads: ['coordination_window', 'circuit_breaker_active'],
  }
}
