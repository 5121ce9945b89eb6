import type { OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import { readyEndpoints } from './choose.ts'
import type { EvmBlock, EvmEndpointHealth, EvmView } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { createFinality } from './finality.ts'
import { createHeadKeeper } from './head-keeper.ts'
import { createHeadReader } from './head-reader.ts'
import type { ChainIdentity } from './identity.ts'
import { lagTolerance, suspicionOf } from './quorum.ts'

/*
 * One look asks every endpoint that is not resting for its newest block, all at once. It does not wait for the slowest:
 * when half of them have answered, the others have a short grace; what they say later counts in the next look. So one
 * endpoint that hangs costs its pool nothing. Only the first look of all waits for everybody, to start from a whole view.
 */

export interface Watcher {
  look(signal: AbortSignal): Promise<EvmView>
  /** The head of the last look. */
  head(): EvmBlock | undefined
  /** The next look asks again, however soon it comes. */
  invalidate(): void
  blockTimeMs(): number | undefined
  stop(): void
}

/** Callers within this time share a look. */
const SHARED_MS = 500
const GRACE_MS = 200
/** An endpoint's word about its head counts for so long. */
const REPORT_MS = 10_000

interface WatcherOptions {
  readonly world: World
  readonly log: Logger
  readonly endpoints: readonly Endpoint[]
  readonly identity: ChainIdentity
}

export function createWatcher({ world, log, endpoints, identity }: WatcherOptions): Watcher {
  const life = new AbortController()
  const keeper = createHeadKeeper(world, log, identity)
  const finality = createFinality(world)
  const readHead = createHeadReader(identity, life.signal)
  let head: EvmBlock | undefined
  let shared: { readonly look: Promise<void>; readonly startedAt: number } | undefined
  let lastLook: Promise<void> | undefined

  /** One look at a time: each decides from where the one before it left the head. */
  async function refresh(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => {})
    const flights = readyEndpoints(endpoints).map(readHead)
    await (before === undefined ? Promise.all(flights) : enough(world, flights))
    const reporting = endpoints.filter((endpoint) => isReporting(endpoint, world.monotonic()))
    head = reporting.length === 0 ? undefined : await keeper.decide(reporting, life.signal)
    judge(endpoints, head, { now: world.monotonic(), tolerance: lagTolerance(keeper.blockTimeMs()) })
    if (head !== undefined) await finality.refresh(reporting, head, life.signal)
  }

  return {
    async look(signal) {
      if (shared === undefined || world.monotonic() - shared.startedAt >= SHARED_MS) {
        lastLook = refresh(lastLook)
        // Whoever waits hears of a failure; when everybody has gone, it is nobody's.
        lastLook.catch(() => {})
        shared = { look: lastLook, startedAt: world.monotonic() }
      }
      // Once the follower is stopped its last view stands.
      if (!life.signal.aborted) await upTo(AbortSignal.any([signal, life.signal]), shared.look)
      const failure = head === undefined ? firstFailure(endpoints) : undefined
      const finalized = head === undefined ? undefined : finality.number()
      return {
        endpoints: endpoints.map((one) => healthOf(one, head)),
        chainId: identity.chainId,
        head,
        finalized,
        failure,
      }
    },
    head: () => head,
    invalidate() {
      shared = undefined
    },
    blockTimeMs: () => keeper.blockTimeMs(),
    stop() {
      life.abort(new Error('the follower is no longer needed'))
    },
  }
}

/** Half of the flights, and a grace for the rest. Flights never reject. */
async function enough(world: Pick<World, 'sleep'>, flights: readonly Promise<void>[]): Promise<void> {
  const all = Promise.all(flights)
  const half = Promise.withResolvers<void>()
  let missing = Math.ceil(flights.length / 2)
  const land = async (flight: Promise<void>) => {
    await flight
    missing -= 1
    if (missing === 0) half.resolve()
  }
  void Promise.all(flights.map(land))
  if (flights.length > 0) await half.promise
  const grace = new AbortController()
  await Promise.race([all, world.sleep(GRACE_MS, grace.signal).catch(() => {})])
  grace.abort()
}

/** Its last word about its head is recent, and nothing has failed since. */
function isReporting(endpoint: Endpoint, now: number): boolean {
  const reading = endpoint.head()
  return reading !== undefined && endpoint.failure() === undefined && now - reading.at <= REPORT_MS
}

function judge(
  endpoints: readonly Endpoint[],
  head: EvmBlock | undefined,
  { now, tolerance }: { readonly now: number; readonly tolerance: number },
): void {
  for (const endpoint of endpoints) {
    const reading = endpoint.head()
    const isComparable = head !== undefined && reading !== undefined
    const standing = isComparable ? { block: reading.block, unchangedMs: now - reading.changedAt } : undefined
    endpoint.judge(isComparable && standing !== undefined ? suspicionOf(standing, head, tolerance) : undefined)
  }
}

function healthOf(endpoint: Endpoint, head: EvmBlock | undefined): EvmEndpointHealth {
  const headNumber = endpoint.head()?.block.number
  return {
    name: endpoint.name,
    isUp: endpoint.isUp(),
    headNumber,
    lagBlocks: head === undefined || headNumber === undefined ? undefined : Math.max(0, head.number - headNumber),
    latencyMs: endpoint.latencyMs(),
    failure: endpoint.failure(),
    suspicion: endpoint.suspicion(),
  }
}

function firstFailure(endpoints: readonly Endpoint[]): OutsideError | undefined {
  for (const endpoint of endpoints) {
    const failure = endpoint.failure()
    if (failure !== undefined) return failure
  }
  return undefined
}

/** Waits for a shared piece of work no longer than this caller wants to. */
async function upTo(signal: AbortSignal, work: Promise<void>): Promise<void> {
  if (signal.aborted) return
  const aborted = Promise.withResolvers<void>()
  const abort = () => aborted.resolve()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
