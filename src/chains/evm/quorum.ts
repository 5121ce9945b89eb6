import type { EvmBlock } from './contract.ts'

/*
 * Which head to believe.
 *
 * An endpoint whose head is at height n vouches for every height up to n. With three or more endpoints the served head
 * is the highest one a majority vouches for, so one endpoint alone - lagging, stuck, or lying far ahead - moves nothing.
 * Where the majority's endpoints show different blocks of that height, most votes win, then the block that continues
 * what was served before.
 *
 * Two endpoints have no majority. Lagging is what endpoints do every day, and inventing blocks is rare; so the higher one
 * is believed, unless it is implausible: ahead of the time that passed (twice as many blocks as the chain's pace allows,
 * and five), or with a timestamp in the future, while the other is neither. Then the lower one is.
 *
 * One endpoint has nobody to be compared with. An implausible advance is believed if it can show the blocks (the caller
 * asks for the proof), because a development chain may well mine a thousand blocks in a second.
 */

export interface HeadReport {
  readonly name: string
  readonly block: EvmBlock
}

export interface QuorumContext {
  readonly served: EvmBlock | undefined
  /** How many blocks the chain can have grown since the served head; Infinity where nothing is known. */
  readonly plausibleAdvance: number
  /** Wall time, milliseconds UTC. */
  readonly now: number
}

export interface HeadChoice {
  readonly report: HeadReport
  /** It stands alone, and is further ahead than is plausible. */
  readonly needsProof: boolean
}

/** Clocks of block producers and ours may differ by so much. */
const FUTURE_MS = 300_000

export function chooseHead(reports: readonly HeadReport[], context: QuorumContext): HeadChoice | undefined {
  const sorted = reports.toSorted((left, right) => right.block.number - left.block.number)
  const [first, second] = sorted
  if (first === undefined) return undefined
  if (second === undefined) return { report: first, needsProof: isTooFar(first, context) }
  if (sorted.length === 2) return { report: moreBelievable(first, second, context), needsProof: false }
  const majority = Math.floor(sorted.length / 2) + 1
  const height = sorted[majority - 1]?.block.number
  const atHeight = sorted.filter((report) => report.block.number === height)
  return { report: mostVotes(atHeight, context) ?? first, needsProof: false }
}

function moreBelievable(higher: HeadReport, lower: HeadReport, context: QuorumContext): HeadReport {
  if (higher.block.number === lower.block.number) return mostVotes([higher, lower], context) ?? higher
  const isDoubtful = (report: HeadReport) => isTooFar(report, context) || isInFuture(report, context)
  return isDoubtful(higher) && !isDoubtful(lower) ? lower : higher
}

function isTooFar({ block }: HeadReport, { served, plausibleAdvance }: QuorumContext): boolean {
  return served !== undefined && block.number > served.number + plausibleAdvance
}

function isInFuture({ block }: HeadReport, { now }: QuorumContext): boolean {
  return block.timeMs > now + FUTURE_MS
}

function mostVotes(reports: readonly HeadReport[], { served }: QuorumContext): HeadReport | undefined {
  const weight = (report: HeadReport) => {
    const votes = reports.filter((other) => other.block.hash === report.block.hash).length
    const continues = report.block.hash === served?.hash || report.block.parentHash === served?.hash
    return votes * 2 + (continues ? 1 : 0)
  }
  return reports.reduce<HeadReport | undefined>(
    (best, report) => (best === undefined || weight(report) > weight(best) ? report : best),
    undefined,
  )
}

/** Blocks an endpoint may be behind before it is worth a word: what a chain grows in two seconds, within 2 and 20. */
export function lagTolerance(blockTimeMs: number | undefined): number {
  return blockTimeMs === undefined ? 3 : Math.min(20, Math.max(2, Math.ceil(2000 / blockTimeMs)))
}

export interface Standing {
  readonly block: EvmBlock
  /** How long it has shown this block, in milliseconds. */
  readonly unchangedMs: number
}

/** In words, what is odd about an endpoint's head beside the one that is served; undefined: nothing. */
export function suspicionOf(standing: Standing, served: EvmBlock, tolerance: number): string | undefined {
  const { block, unchangedMs } = standing
  const behind = served.number - block.number
  if (behind > tolerance) {
    const stuck = unchangedMs > 30_000 ? ` and has shown it for ${Math.round(unchangedMs / 1000)} s` : ''
    return `it is ${behind} blocks behind: it shows block ${block.number}${stuck}, and block ${served.number} is known`
  }
  if (-behind > tolerance) {
    return `it claims block ${block.number}, ${-behind} ahead of block ${served.number}, which is as far as can be believed`
  }
  if (behind === 0 && block.hash !== served.hash) {
    return `it shows another block ${block.number} (${short(block.hash)}) than the others (${short(served.hash)})`
  }
  return undefined
}

function short(hash: string): string {
  return `${hash.slice(0, 10)}...`
}
