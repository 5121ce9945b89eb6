import { OutsideError } from '../../lib/errors.ts'
import { decodeAnswer, decodeBatch, encodeQuestions, type NumberedQuestion, type RpcOutcome } from './json-rpc.ts'
import { createRedactor } from './redact.ts'
import { NodeError, type RpcQuestion } from './rpc-errors.ts'
import type { Transport } from './transport.ts'

/** Asks one endpoint. Keeps no health: what came of a question is all it tells. */
export interface RpcClient {
  readonly name: string
  /** The result. Rejects with an `OutsideError`. */
  ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown>
  /**
   * Several questions, in as few exchanges as the endpoint takes, each with its own outcome, in order. Rejects when the
   * endpoint as a whole does not answer.
   */
  askAll(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]>
  /** How many questions it takes in one exchange, as far as is known. */
  batchLimit(): number
  stop(): void
}

export interface ClientOptions {
  readonly name: string
  readonly url: string
  readonly transport: Transport
  readonly timeoutMs: number
}

/** Polygon's zkevm-node takes 20 by default, and no one takes fewer but those who take none. */
const BATCH_MAX = 20
/** Questions at once where batches are not taken. */
const PARALLEL_MAX = 4

export function createClient({ name, url, transport, timeoutMs }: ClientOptions): RpcClient {
  const redacted = createRedactor(url)
  let lastId = 0
  let batchLimit = BATCH_MAX

  async function exchange<T>(
    asked: readonly NumberedQuestion[],
    signal: AbortSignal,
    read: (body: string) => T,
  ): Promise<T> {
    const [only] = asked
    const what = asked.length === 1 && only !== undefined ? only.question.method : 'a batch'
    const ids = asked.map(({ id }) => id)
    try {
      return read(await transport.exchange(encodeQuestions(asked), ids, { timeoutMs, signal, what }))
    } catch (error) {
      throw error instanceof OutsideError ? redacted(error) : error
    }
  }

  function number(question: RpcQuestion): NumberedQuestion {
    lastId += 1
    return { id: lastId, question }
  }

  async function ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown> {
    const asked = number(question)
    return exchange([asked], signal, (body) => {
      const outcome = decodeAnswer(name, asked, body)
      if (outcome.kind === 'failed') throw outcome.error
      return outcome.result
    })
  }

  async function askOne(question: RpcQuestion, signal: AbortSignal): Promise<RpcOutcome> {
    try {
      return { kind: 'result', result: await ask(question, signal) }
    } catch (error) {
      if (error instanceof NodeError) return { kind: 'failed', error }
      throw error
    }
  }

  async function askTogether(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]> {
    const asked = questions.map(number)
    const outcomes = await exchange(asked, signal, (body) => decodeBatch(name, asked, body))
    return outcomes.map((outcome) =>
      outcome.kind === 'failed' ? { kind: 'failed', error: redacted(outcome.error) } : outcome,
    )
  }

  /** One group. A refusal of the batch as such is tried again in smaller ones, and remembered if those are taken. */
  async function askGroup(
    questions: readonly RpcQuestion[],
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly RpcOutcome[]> {
    if (limit <= 1 || questions.length <= 1) {
      return Promise.all(questions.map(async (question) => askOne(question, signal)))
    }
    try {
      return await askTogether(questions, signal)
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
    name,
    ask,
    askAll: async (questions, signal) => askGroups(questions, batchLimit, signal),
    batchLimit: () => batchLimit,
    stop: () => transport.stop(),
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
  return isRefusal ? Math.floor(size / 2) : undefined
}
