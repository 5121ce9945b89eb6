import type { EvmView } from '../../chains/evm/index.ts'
import type { Json } from '../../lib/json.ts'
import type { Cursor } from './cursor.ts'
import type { ReadOutcome, ReadValue } from './reads.ts'

/** Shown for every contract, whatever is configured. */
const STANDARD = ['owner', 'paused', 'transaction_count']

/** What a round knows about one thing: the value, or why there is none. */
export type Known = { readonly value: Json } | { readonly reason: string }

export interface StatusInput {
  readonly at: number
  readonly view: EvmView
  readonly cursor: Cursor
  readonly exists: Known
  /** Undefined: why nothing could be read is in `unread`. */
  readonly reads: readonly ReadOutcome[] | undefined
  readonly unread: string
  readonly remaining: number
  readonly notes: readonly string[]
}

/** What `status --json` shows of a contract. What could not be seen is null, and `reasons` says why. */
export function statusOf(input: StatusInput): Readonly<Record<string, Json>> {
  const { view, cursor } = input
  const { head } = view
  const known: Readonly<Record<string, Known>> = {
    contract_exists: input.exists,
    block_number: head === undefined ? { reason: unseen(view) } : { value: head.number },
    ...Object.fromEntries(STANDARD.map((name) => [name, standard(name, input)])),
    ...readings(input.reads ?? []),
    last_block:
      cursor.position === undefined ? { reason: 'following has not begun' } : { value: cursor.position.number },
  }
  const entries = Object.entries(known)
  return {
    timestamp: new Date(input.at).toISOString(),
    connected: head !== undefined,
    ...Object.fromEntries(entries.map(([name, item]) => [name, 'value' in item ? item.value : null])),
    backfill_remaining_blocks: input.remaining,
    reorgs: cursor.reorgs,
    chain_id: view.chainId ?? null,
    endpoints: view.endpoints.map((health) => ({
      name: health.name,
      up: health.isUp,
      head_block: health.headNumber ?? null,
      detail: health.failure?.message ?? health.suspicion ?? '',
    })),
    notes: input.notes,
    reasons: {
      ...(head === undefined ? { connected: unseen(view) } : {}),
      ...Object.fromEntries(entries.flatMap(([name, item]) => ('reason' in item ? [[name, item.reason]] : []))),
    },
  }
}

/** Why there is no head. */
function unseen(view: EvmView): string {
  return view.failure?.message ?? 'no endpoint answered'
}

function standard(name: string, { reads, unread }: StatusInput): Known {
  if (reads === undefined) return { reason: unread }
  return { reason: `the ABI has no view function ${name}() without arguments` }
}

function readings(outcomes: readonly ReadOutcome[]): Readonly<Record<string, Known>> {
  return Object.fromEntries(
    outcomes.flatMap((outcome): readonly (readonly [string, Known])[] => {
      if (outcome.kind === 'values') return outcome.values.map((value) => [value.label, { value: json(value) }])
      const word = outcome.kind === 'unsupported' ? 'not supported by the contract' : 'could not be read'
      return [[outcome.read.label, { reason: `${word}: ${outcome.detail}` }]]
    }),
  )
}

/** Numbers past 2^53 stay text: as JSON numbers they would lose digits. */
function json(value: ReadValue): Json {
  if (value.kind === 'truth') return value.value === 1
  if (value.kind === 'text') return value.text
  return String(value.value) === value.text && (Number.isSafeInteger(value.value) || value.text.includes('.'))
    ? value.value
    : value.text
}
