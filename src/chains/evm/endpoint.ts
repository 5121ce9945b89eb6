import type { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import { createClient } from './client.ts'
import type { EvmBlock } from './contract.ts'
import { createTransport } from './either-transport.ts'
import { createEndpointHealth, type EndpointHealth, isAgainstEndpoint, type Weight } from './endpoint-health.ts'
import { type ChainIdentity, createIdentityCheck } from './identity.ts'
import { malformed, type RpcOutcome } from './json-rpc.ts'
import { createRangeLearner, type RangeLearner } from './range-learner.ts'
import type { RpcQuestion } from './rpc-errors.ts'
import { blockSchema } from './wire.ts'

/** Something an endpoint can or cannot do; undefined until it was tried. */
interface Abilities {
  /** eth_getLogs with `blockHash` (EIP-234). */
  logsByHash: boolean | undefined
  /** eth_call and eth_getCode at a block's hash (EIP-1898). */
  stateByHash: boolean | undefined
}

/** What an endpoint said of its newest block: when it was last asked, and when it last changed its answer. */
interface HeadReading {
  readonly block: EvmBlock
  readonly at: number
  readonly changedAt: number
}

/** One endpoint with its health. All times are the world's monotonic milliseconds. */
export interface Endpoint extends Omit<EndpointHealth, 'measured'> {
  readonly name: string
  readonly abilities: Abilities
  readonly ranges: RangeLearner
  /** Its newest block, as it last said. */
  head(): HeadReading | undefined
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

const SUSPICION_MS = 60_000

export function createEndpoint({ world, name, url, timeoutMs, identity }: EndpointOptions): Endpoint {
  const life = new AbortController()
  const client = createClient({ name, url, transport: createTransport(world, name, url), timeoutMs })
  const health = createEndpointHealth(world, onFailure)
  const identification = createIdentityCheck({ world, client, health, identity, life: life.signal })
  let head: HeadReading | undefined
  let oddity: string | undefined
  let suspected: { readonly why: string; readonly until: number } | undefined

  function onFailure(error: OutsideError): void {
    if (error.reason === 'wrong-chain') head = undefined
    if (error.reason !== 'rate-limited') identification.doubt()
  }

  async function askFor<T>(signal: AbortSignal, work: () => Promise<T>, weight: Weight = 'question'): Promise<T> {
    await identification.pass(signal)
    return health.measured(work, weight)
  }

  async function readHead(signal: AbortSignal): Promise<EvmBlock> {
    const question = { method: 'eth_getBlockByNumber', params: ['latest', false] }
    const block = await askFor(
      signal,
      async () => {
        const parsed = blockSchema.safeParse(await client.ask(question, signal))
        if (parsed.success) return parsed.data
        throw malformed(name, question.method, 'something that is no block', parsed.error)
      },
      'basics',
    )
    if (head !== undefined && !isContinuedBy(head.block, block)) {
      // Another node may have come to stand at this address, and its chain have blocks of any number.
      identification.doubt()
      await identification.pass(signal)
    }
    const now = world.monotonic()
    const changedAt = head?.block.hash === block.hash ? head.changedAt : now
    head = { block, at: now, changedAt }
    return block
  }

  return {
    name,
    abilities: { logsByHash: undefined, stateByHash: undefined },
    ranges: createRangeLearner(),
    isUp: () => health.isUp(),
    failure: () => health.failure(),
    latencyMs: () => health.latencyMs(),
    isReady: (restMaxMs) => health.isReady(restMaxMs),
    head: () => head,
    ask: async (question, signal) => askFor(signal, async () => client.ask(question, signal)),
    askAll: async (questions, signal) =>
      askFor(signal, async () => refusedAsOne(await client.askAll(questions, signal))),
    batchLimit: () => client.batchLimit(),
    readHead,
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

function isContinuedBy(block: EvmBlock, next: EvmBlock): boolean {
  return next.hash === block.hash || next.parentHash === block.hash
}

/** A batch whose every answer is "too many requests" or "who are you" is a refusal by the endpoint, not an answer. */
function refusedAsOne(outcomes: readonly RpcOutcome[]): readonly RpcOutcome[] {
  const [first] = outcomes
  const isRefused = outcomes.every((outcome) => outcome.kind === 'failed' && isAgainstEndpoint(outcome.error))
  if (isRefused && first?.kind === 'failed') throw first.error
  return outcomes
}
