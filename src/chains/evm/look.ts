import type { OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { World } from '../../lib/world.ts'
import { readBlockByNumber } from './block-questions.ts'
import { readyEndpoints } from './choose.ts'
import type { EvmBlock, EvmEndpointHealth, EvmView } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { createFinality } from './finality.ts'
import { createHeadKeeper } from './head-keeper.ts'
import type { ChainIdentity } from './identity.ts'
import { lagTolerance, suspicionOf } from './quorum.ts'

/*
 * One look asks every endpoint that is not resting for its newest block, all at once. It does not wait for the slowest:
 * when half of them have answered, the others have a short grace; what they say later counts in the next look. So one
 * endpoint that hangs costs its pool nothing.
 */

export interface Watcher {
  look(signal: AbortSignal): Promise<EvmView>
  /** What was seen last. */
  view(): EvmView
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
  const asking = new Map<Endpoint, Promise<void>>()
  let head: EvmBlock | undefined
  let shared: { readonly look: Promise<void>; readonly startedAt: number } | undefined
  let hasLooked = false

  async function readHead(endpoint: Endpoint): Promise<void> {
    try {
      await endpoint.readHead(life.signal)
      identity.genesis ??= (await readBlockByNumber(endpoint, 0, life.signal))?.hash
    } catch {
      // The endpoint has kept the reason: it is part of the view.
    } finally {
      asking.delete(endpoint)
    }
  }

  async function refresh(): Promise<void> {
    const flights = readyEndpoints(endpoints).map(async (endpoint) => {
      const flight = asking.get(endpoint) ?? readHead(endpoint)
      asking.set(endpoint, flight)
      return flight
    })
    await (hasLooked ? enough(flights) : Promise.all(flights))
    hasLooked = true
    const reporting = endpoints.filter(isReporting)
    head = reporting.length === 0 ? undefined : await keeper.decide(reporting, life.signal)
    judge()
    if (head !== undefined) await finality.refresh(reporting, head, life.signal)
  }

  /** Half of the flights, and a grace for the rest. */
  async function enough(flights: readonly Promise<void>[]): Promise<void> {
    let landed = 0
    await new Promise<void>((resolve) => {
      const half = Math.ceil(flights.length / 2)
      if (flights.length === 0) resolve()
      for (const flight of flights) {
        void flight.then(() => {
          landed += 1
          if (landed === flights.length) resolve()
          else if (landed === half) world.after(GRACE_MS, resolve)
        })
      }
    })
  }

  function isReporting(endpoint: Endpoint): boolean {
    const reading = endpoint.head()
    return reading !== undefined && endpoint.failure() === undefined && world.monotonic() - reading.at <= REPORT_MS
  }

  function judge(): void {
    const tolerance = lagTolerance(keeper.blockTimeMs())
    for (const endpoint of endpoints) {
      const reading = endpoint.head()
      if (head === undefined || reading === undefined) endpoint.judge(undefined)
      else {
        const unchangedMs = world.monotonic() - reading.changedAt
        endpoint.judge(suspicionOf({ block: reading.block, unchangedMs }, head, tolerance))
      }
    }
  }

  function health(endpoint: Endpoint): EvmEndpointHealth {
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

  function view(): EvmView {
    const failure = endpoints
      .map((endpoint) => endpoint.failure())
      .find((found): found is OutsideError => found !== undefined)
    return {
      endpoints: endpoints.map(health),
      chainId: identity.chainId,
      head,
      finalized: head === undefined ? undefined : finality.number(),
      failure: head === undefined ? failure : undefined,
    }
  }

  return {
    async look(signal) {
      if (shared === undefined || world.monotonic() - shared.startedAt >= SHARED_MS) {
        const look = refresh()
        shared = { look, startedAt: world.monotonic() }
      }
      await withoutRejecting(shared.look, signal)
      return view()
    },
    view,
    invalidate() {
      shared = undefined
    },
    blockTimeMs: () => keeper.blockTimeMs(),
    stop() {
      life.abort(new Error('the follower is no longer needed'))
    },
  }
}

/** Waits for a shared piece of work no longer than this caller wants to. */
async function withoutRejecting(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    work.then(done, done)
  })
}
