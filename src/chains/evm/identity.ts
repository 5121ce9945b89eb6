import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import type { RpcClient } from './client.ts'
import type { Hex } from './contract.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import { malformed } from './json-rpc.ts'
import { quantitySchema } from './wire.ts'

/** What all endpoints of a pool must agree on. Shared by them: where nothing is configured, the first answer decides. */
export interface ChainIdentity {
  chainId: number | undefined
  /** Block 0 as first seen: a development chain that was started afresh keeps its id, and has another one. */
  genesis: Hex | undefined
}

/** Makes sure that an endpoint is on the right chain, before anything it says is believed. */
export interface IdentityCheck {
  /** Rejects with `wrong-chain`, or with whatever keeps the endpoint from answering. */
  pass(signal: AbortSignal): Promise<void>
  /** Whoever answers next at this address may be another node. */
  doubt(): void
}

/**
 * How long an answer holds. Another node may come to stand at the same address without a question failing in between, so
 * this is how long another chain may be taken for ours; one question more in so long a time costs nobody much.
 */
const HOLDS_MS = 15_000

export interface IdentityOptions {
  readonly world: Pick<World, 'monotonic'>
  readonly client: RpcClient
  readonly health: EndpointHealth
  readonly identity: ChainIdentity
  /** Ends with the endpoint: the check is shared, so it runs under no single caller's signal. */
  readonly life: AbortSignal
}

export function createIdentityCheck({ world, client, health, identity, life }: IdentityOptions): IdentityCheck {
  let checkedAt: number | undefined
  let checking: Promise<void> | undefined

  async function check(): Promise<void> {
    await health.measured(async () => {
      const parsed = quantitySchema.safeParse(await client.ask({ method: 'eth_chainId', params: [] }, life))
      if (!parsed.success) throw malformed(client.name, 'eth_chainId', 'something that is no number')
      identity.chainId ??= parsed.data
      if (parsed.data === identity.chainId) return
      const message = `${client.name} answers for chain ${parsed.data}, and chain ${identity.chainId} is expected`
      throw new OutsideError('wrong-chain', message, { retry: false })
    }, 'basics')
    checkedAt = world.monotonic()
  }

  return {
    async pass(signal) {
      if (checkedAt !== undefined && world.monotonic() - checkedAt < HOLDS_MS) return
      checking ??= check().finally(() => {
        checking = undefined
      })
      await checking
      signal.throwIfAborted()
    },
    doubt() {
      checkedAt = undefined
    },
  }
}
