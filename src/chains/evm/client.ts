import { OutsideError } from '../../lib/errors.ts'
import { createBatcher } from './batcher.ts'
import { decodeAnswer, decodeBatch, encodeQuestions, type NumberedQuestion, type RpcOutcome } from './json-rpc.ts'
import { createRedactor } from './redact.ts'
import type { RpcQuestion } from './rpc-errors.ts'
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

export function createClient({ name, url, transport, timeoutMs }: ClientOptions): RpcClient {
  const redacted = createRedactor(url)
  let lastId = 0

  function number(question: RpcQuestion): NumberedQuestion {
    lastId += 1
    return { id: lastId, question }
  }

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

  async function ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown> {
    const asked = number(question)
    return exchange([asked], signal, (body) => {
      const outcome = decodeAnswer(name, asked, body)
      if (outcome.kind === 'failed') throw outcome.error
      return outcome.result
    })
  }

  async function askTogether(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]> {
    const asked = questions.map(number)
    const outcomes = await exchange(asked, signal, (body) => decodeBatch(name, asked, body))
    return outcomes.map((outcome) =>
      outcome.kind === 'failed' ? { kind: 'failed', error: redacted(outcome.error) } : outcome,
    )
  }

  const batcher = createBatcher({ ask, askTogether })
  return { name, ask, ...batcher, stop: () => transport.stop() }
}
