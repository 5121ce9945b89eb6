import type { RangeHint } from './range-hints.ts'

/**
 * How many blocks to ask one endpoint for at once. It grows by half after each answer that came fast and small, up to
 * the limit the endpoint named; it shrinks when the endpoint refuses. A refusal without a number is about how much lay
 * in those blocks: growth stops below that size for a while, then tries again, because the next stretch may be emptier.
 */
export interface RangeLearner {
  size(): number
  /** An answer came. `load` is its number of logs. */
  onAnswer(blocks: number, tookMs: number, load: number): void
  /** The endpoint refused, or failed on, this many blocks. */
  onRefusal(blocks: number, hint: RangeHint): void
}

const START = 2_000
const MAX = 100_000
const GROWTH = 1.5
/** Below the start: a bad hour should not cost a day. */
const RECOVERY = 2
/** An answer slower than this is no invitation to ask for more. */
const FAST_MS = 1_000
/** Answers beyond this many logs (about 2 MB of JSON) hold the one thread up for longer than is polite. */
const LOGS_MAX = 3_000
/** So many good answers at a ceiling that was only guessed, and the next size above it is tried. */
const PATIENCE = 12

export function createRangeLearner(): RangeLearner {
  let size = START
  let limit = MAX
  let ceiling = MAX
  let goodAnswers = 0

  return {
    size: () => size,
    onAnswer(blocks, tookMs, load) {
      if (load > LOGS_MAX) {
        size = Math.max(1, Math.floor((blocks * LOGS_MAX) / load))
        return
      }
      if (tookMs > FAST_MS * 2) size = Math.max(1, Math.floor(Math.min(size, blocks) / GROWTH))
      // Less than the size was asked for: that says nothing about the size.
      if (tookMs > FAST_MS || blocks < size) return
      goodAnswers += 1
      if (goodAnswers >= PATIENCE && ceiling < limit) {
        ceiling = Math.min(limit, ceiling * 2)
        goodAnswers = 0
      }
      const wouldHold = load === 0 ? MAX : Math.floor((blocks * LOGS_MAX) / load)
      const grown = Math.ceil(size * (size < START ? RECOVERY : GROWTH))
      size = Math.max(size, Math.min(grown, limit, ceiling, wouldHold))
    },
    onRefusal(blocks, hint) {
      goodAnswers = 0
      if (hint.kind === 'limit') {
        limit = Math.min(limit, hint.blocks)
        // A limit that would have allowed the refused range is not the whole truth.
        size = hint.blocks < blocks ? hint.blocks : half(blocks)
      } else {
        size = hint.kind === 'try' && hint.blocks < blocks ? hint.blocks : half(blocks)
      }
      ceiling = Math.max(size, Math.min(ceiling, blocks - 1))
    },
  }
}

function half(blocks: number): number {
  return Math.max(1, Math.floor(blocks / 2))
}
