import { OutsideError } from '../../lib/errors.ts'
import type { RpcOutcome } from './json-rpc.ts'
import { NodeError, type RpcQuestion } from './rpc-errors.ts'

/** How one endpoint is asked: one question, or several in one exchange. */
export interface Asker {
  ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown>
  askTogether(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]>
}

export interface Batcher {
  askAll(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]>
  batchLimit(): number
}

/** Polygon's zkevm-node takes 20 by default, and no one takes fewer but those who take none. */
const BATCH_MAX = 20
/** Questions at once where batches are not taken. */
const PARALLEL_MAX = 4

/**
 * Asks many questions in batches, and learns how large a batch the endpoint takes: one that is refused as such is asked
 * again in smaller ones, down to single questions, and the size that worked is remembered.
 */
export function createBatcher(asker: Asker): Batcher {
  let batchLimit = BATCH_MAX

  async function askOne(question: RpcQuestion, signal: AbortSignal): Promise<RpcOutcome> {
    try {
      return { kind: 'result', result: await asker.ask(question, signal) }
    } catch (error) {
      if (error instanceof NodeError) return { kind: 'failed', error }
      throw error
    }
  }

  async function askGroup(
    questions: readonly RpcQuestion[],
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly RpcOutcome[]> {
    if (limit <= 1 || questions.length <= 1) {
      return Promise.all(questions.map(async (question) => askOne(question, signal)))
    }
    try {
      return await asker.askTogether(questions, signal)
    } catch (error) {
      const smaller = limitAfter(error, questions.length)
      if (smaller === undefined) throw error
      const outcomes = await askGroups(questions, smaller, signal)
      batchLimit = Math.min(batchLimit, smaller)
      return outcomes
    }
  }

  async function askGroups(
    questions: readonly RpcQuestion[],
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly RpcOutcome[]> {
    const outcomes: RpcOutcome[] = []
    while (outcomes.length < questions.length) {
      const size = limit > 1 ? limit : PARALLEL_MAX
      const group = questions.slice(outcomes.length, outcomes.length + size)
      outcomes.push(...(await askGroup(group, limit, signal)))
    }
    return outcomes
  }

  return {
    askAll: async (questions, signal) => askGroups(questions, batchLimit, signal),
    batchLimit: () => batchLimit,
  }
}

/**
 * The size to try after a batch failed as a whole; undefined: batches are not what is wrong. Endpoints that take none
 * answer with one error, with 400, or with something that is no answer to a batch.
 */
function limitAfter(error: unknown, size: number): number | undefined {
  if (!(error instanceof OutsideError)) return undefined
  if (error.reason === 'malformed') return 1
  const isRefusal =
    error instanceof NodeError
      ? error.reason !== 'rate-limited' && error.reason !== 'auth'
      : error.reason === 'rejected' || error.reason === 'too-large'
  return isRefusal ? Math.max(1, Math.floor(size / 2)) : undefined
}
