import type { CollectorWorld } from '../collector.ts'
import type { EvmContractConfig } from './config.ts'
import { type Draft, undecodableCount } from './draft.ts'
import { UNDECODABLE } from './events.ts'
import type { FollowState } from './follow.ts'
import type { Known } from './status.ts'

const SAID_EVERY_MS = 10_000
/** Fewer blocks than this are caught up within a round or two: nothing to speak of. */
const WORTH_SAYING_BLOCKS = 200

export interface ProgressInput {
  readonly draft: Draft
  readonly remaining: number
  /** Undefined where following failed. */
  readonly state: FollowState | undefined
  readonly exists: Known
}

/** Says in the log what following is up to: progress now and then, surprises once when they begin. */
export interface Progress {
  /** @returns what `status` should say beside the values */
  note(input: ProgressInput): readonly string[]
}

export function createProgress(world: CollectorWorld, config: EvmContractConfig): Progress {
  const target = config.name
  let saidAt: number | undefined
  let noted: readonly string[] = []

  function sayBackfill({ draft, remaining }: ProgressInput): void {
    const block = draft.cursor.position?.number
    if (remaining < WORTH_SAYING_BLOCKS) {
      if (saidAt !== undefined && remaining === 0) world.log.info('backfill is done', { target, block })
      if (remaining === 0) saidAt = undefined
      return
    }
    if (saidAt !== undefined && world.monotonic() - saidAt < SAID_EVERY_MS) return
    saidAt = world.monotonic()
    world.log.info('backfill', { target, block, remaining_blocks: remaining })
  }

  function sayUndecodable({ draft }: ProgressInput): void {
    const found = draft.events.filter((event) => event.type === UNDECODABLE)
    const [first] = found
    if (first === undefined) return
    const total = undecodableCount(draft.cursor)
    world.log.warn('logs do not fit the ABI', { target, count: found.length, total, event_id: first.id, ...first.args })
  }

  return {
    note(input) {
      sayBackfill(input)
      sayUndecodable(input)
      const notes = notesOf(input, config)
      for (const note of notes) if (!noted.includes(note)) world.log.warn('following', { target, note })
      noted = notes
      return notes
    },
  }
}

function notesOf({ state, exists }: ProgressInput, config: EvmContractConfig): readonly string[] {
  const notes: string[] = []
  if (state?.kind === 'before-start') notes.push(`start_block ${config.start_block} is above the head: waiting for it`)
  if (state?.kind === 'disputed') {
    const { orphan } = state.fork
    notes.push(`an endpoint says that final block ${orphan.number} was replaced, and no other confirms it: waiting`)
  }
  if ('value' in exists && exists.value === false) notes.push(`there is no contract at ${config.address}`)
  return notes
}
