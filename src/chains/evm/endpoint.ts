import { messageOf, OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import { createClient } from './client.ts'
import type { EvmBlock } from './contract.ts'
import { createTransport } from './either-transport.ts'
import type { ChainIdentity } from './identity.ts'
import { malformed, type RpcOutcome } from './json-rpc.ts'
import { createRangeLearner, type RangeLearner } from './range-learner.ts'
import { NodeError, type RpcQuestion } from './rpc-errors.ts'
import { blockSchema, quantitySchema } from './wire.ts'

/** Something an endpoint can or cannot do; undefined until it was tried. */
export interface Abilities {
  /** eth_getLogs with `blockHash` (EIP-234). */
  logsByHash: boolean | undefined
  /** eth_call and eth_getCode at a block's hash (EIP-1898). */
  stateByHash: boolean | undefined
  receipts: boolean | undefined
}

/** What an endpoint said of its newest block: when it was last asked, and when it last changed its answer. */
export interface HeadReading {
  readonly block: EvmBlock
  readonly at: number
  readonly changedAt: number
}

/** One endpoint with its health. All times are the world's monotonic milliseconds. */
export interface Endpoint {
  readonly name: string
  readonly abilities: Abilities
  readonly ranges: RangeLearner
  /** Its newest block, as it last said. */
  head(): HeadReading | undefined
  /** It answered its last question. */
  isUp(): boolean
  failure(): OutsideError | undefined
  latencyMs(): number | undefined
  /** Whether it may be asked now; a failing one is left alone for a while, `restMaxMs` at the longest. */
  isReady(restMaxMs: number): boolean
  ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown>
  askAll(questions: readonly RpcQuestion[], signal: AbortSignal): Promise<readonly RpcOutcome[]>
  /** How many questions it takes in one exchange, as far as is known. */
  batchLimit(): number
  /** Asks for its newest block. */
  readHead(signal: AbortSignal): Promise<EvmBlock>
  /** Something it said was shown to be untrue: it is the last choice for a while. */
  suspect(why: string): void
  /** How its head looks beside the served one; undefined: fine. Holds until the next judgement. */
  judge(oddity: string | undefined): void
  suspicion(): string | undefined
  stop(): void
}

export interface EndpointOptions {
  readonly world: World
  readonly name: string
  readonly url: string
  readonly timeoutMs: number
  readonly identity: ChainIdentity
}

const REST_FIRST_MS = 250
const REST_MAX_MS = 60_000
/** Providers ask for an hour at most in good faith. */
const RETRY_AFTER_MAX_MS = 3_600_000
/** How long an answer about the chain's id holds. */
const IDENTITY_MS = 600_000
const SUSPICION_MS = 60_000
/** Weight of the newest answer in the moving average of latency. */
const LATENCY_WEIGHT = 0.2

export function createEndpoint({ world, name, url, timeoutMs, identity }: EndpointOptions): Endpoint {
  const client = createClient({ name, url, transport: createTransport(world, name, url), timeoutMs })
  const life = new AbortController()
  let head: HeadReading | undefined
  let latencyMs: number | undefined
  let failure: OutsideError | undefined
  let hasAnswered = false
  let failuresInRow = 0
  let restUntil = 0
  let askedAt = Number.NEGATIVE_INFINITY
  let identifiedAt: number | undefined
  let identifying: Promise<void> | undefined
  let oddity: string | undefined
  let suspected: { readonly why: string; readonly until: number } | undefined

  function onAnswer(startedAt: number): void {
    const took = world.monotonic() - startedAt
    latencyMs = latencyMs === undefined ? took : latencyMs + (took - latencyMs) * LATENCY_WEIGHT
    failure = undefined
    failuresInRow = 0
    restUntil = 0
    hasAnswered = true
  }

  /** Only what speaks against the endpoint as a whole: an error of the node about one question is an answer. */
  function onFailure(error: OutsideError): void {
    failure = error
    failuresInRow += 1
    const backoffMs = Math.min(REST_MAX_MS, REST_FIRST_MS * 2 ** (failuresInRow - 1)) * (0.8 + 0.4 * world.random())
    const askedForMs = Math.min(error.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS)
    restUntil = world.monotonic() + Math.max(backoffMs, askedForMs)
    // Whoever answers at this address after a failure may be another node.
    if (error.reason !== 'rate-limited') identifiedAt = undefined
  }

  async function measured<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = world.monotonic()
    askedAt = startedAt
    try {
      const result = await work()
      onAnswer(startedAt)
      return result
    } catch (error) {
      if (error instanceof OutsideError) {
        if (isAgainstEndpoint(error)) onFailure(error)
        else onAnswer(startedAt)
      }
      throw error
    }
  }

  async function identify(signal: AbortSignal): Promise<void> {
    if (identifiedAt !== undefined && world.monotonic() - identifiedAt < IDENTITY_MS) return
    // The check is shared, so it runs under no single caller's signal; the timeout bounds it.
    identifying ??= checkIdentity(life.signal).finally(() => {
      identifying = undefined
    })
    await identifying
    signal.throwIfAborted()
  }

  async function checkIdentity(signal: AbortSignal): Promise<void> {
    await measured(async () => {
      const answer = await client.ask({ method: 'eth_chainId', params: [] }, signal)
      const parsed = quantitySchema.safeParse(answer)
      if (!parsed.success) throw malformed(name, 'eth_chainId', 'something that is no number')
      identity.chainId ??= parsed.data
      if (parsed.data !== identity.chainId) {
        head = undefined
        const message = `${name} answers for chain ${parsed.data}, and chain ${identity.chainId} is expected`
        throw new OutsideError('wrong-chain', message, { retry: false })
      }
    })
    identifiedAt = world.monotonic()
  }

  async function ask(question: RpcQuestion, signal: AbortSignal): Promise<unknown> {
    await identify(signal)
    return measured(async () => client.ask(question, signal))
  }

  return {
    name,
    abilities: { logsByHash: undefined, stateByHash: undefined, receipts: undefined },
    ranges: createRangeLearner(),
    head: () => head,
    isUp: () => hasAnswered && failure === undefined,
    failure: () => failure,
    latencyMs: () => latencyMs,
    isReady: (restMaxMs) => world.monotonic() >= Math.min(restUntil, askedAt + restMaxMs),
    ask,
    async askAll(questions, signal) {
      await identify(signal)
      return measured(async () => refusedAsOne(await client.askAll(questions, signal)))
    },
    batchLimit: () => client.batchLimit(),
    async readHead(signal) {
      const answer = await ask({ method: 'eth_getBlockByNumber', params: ['latest', false] }, signal)
      const parsed = blockSchema.safeParse(answer)
      if (!parsed.success) {
        const error = malformed(name, 'eth_getBlockByNumber', `no block: ${messageOf(parsed.error.issues[0]?.message)}`)
        onFailure(error)
        throw error
      }
      const now = world.monotonic()
      const isSame = head?.block.hash === parsed.data.hash
      head = { block: parsed.data, at: now, changedAt: isSame ? (head?.changedAt ?? now) : now }
      return parsed.data
    },
    suspect(why) {
      suspected = { why, until: world.monotonic() + SUSPICION_MS }
    },
    judge(found) {
      oddity = found
    },
    suspicion: () => (suspected !== undefined && world.monotonic() < suspected.until ? suspected.why : oddity),
    stop() {
      life.abort(new Error(`${name} is no longer needed`))
      client.stop()
    },
  }
}

/** A batch whose every answer is "too many requests" or "who are you" is a refusal by the endpoint, not an answer. */
function refusedAsOne(outcomes: readonly RpcOutcome[]): readonly RpcOutcome[] {
  const [first] = outcomes
  const isRefused = outcomes.every((outcome) => outcome.kind === 'failed' && isAgainstEndpoint(outcome.error))
  if (isRefused && first?.kind === 'failed') throw first.error
  return outcomes
}

/** Whether a failure concerns every question to this endpoint, and not only the one that was asked. */
function isAgainstEndpoint(error: OutsideError): boolean {
  if (!(error instanceof NodeError)) return error.reason !== 'too-large'
  return error.reason === 'rate-limited' || error.reason === 'auth'
}
