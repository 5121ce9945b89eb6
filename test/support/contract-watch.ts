import { z } from 'zod'

import type { EvmFollower } from '../../src/chains/evm/index.ts'
import type { Collector, CollectorWorld, Round, Sighting } from '../../src/collectors/collector.ts'
import { createEvmContract } from '../../src/collectors/evm-contract/collect.ts'
import { type EvmContractConfig, evmContractSchema } from '../../src/collectors/evm-contract/config.ts'
import { prepare } from '../../src/collectors/evm-contract/prepare.ts'
import type { Event } from '../../src/core/event.ts'
import type { Json } from '../../src/lib/json.ts'
import type { Logger } from '../../src/lib/log.ts'
import { createVirtualWorld } from './virtual-world.ts'

export const ADDRESS = '0x5fbdb2315678afecb367f032d93f642f64180aa3'

/** A log that swallows what it is told, and keeps it for a test to look at. */
export interface KeptLog extends Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: unknown }[]
}

export function createKeptLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const at = (level: string) => (message: string, fields?: unknown) => {
    lines.push({ level, message, fields })
  }
  const log: KeptLog = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

/** A checked, prepared configuration of a contract. */
export async function contractConfig(
  own: Readonly<Record<string, unknown>>,
  read: (path: string) => Promise<string> = async (path) => Promise.reject(new Error(`no file ${path}`)),
): Promise<EvmContractConfig> {
  const parsed = evmContractSchema.parse({
    type: 'evm-contract',
    name: 'tesseract',
    rpc_urls: ['http://127.0.0.1:8545'],
    address: ADDRESS,
    ...own,
  })
  return prepare(parsed, { read })
}

export interface ContractWatchOptions {
  readonly config: EvmContractConfig
  readonly follower: EvmFollower
  readonly firstStartedAt: number
  /** Followers by the first of their URLs, for whoever asks endpoints one by one. */
  readonly followers?: Readonly<Record<string, EvmFollower>>
}

/** A collector with a store that commits like the real one, and is strict where the real one forgives. */
export interface ContractWatch {
  /** A round that is committed. */
  round(): Promise<Round>
  /** A round whose process dies before its commit; the next round starts from the old cursor. */
  killedRound(): Promise<void>
  /** Rounds until there is no more. */
  rounds(): Promise<readonly Round[]>
  /** Events that stand, by key. */
  readonly standing: ReadonlyMap<string, Event>
  readonly log: KeptLog
  readonly cursor: Json | undefined
  now: number
}

export function createContractWatch(options: ContractWatchOptions): ContractWatch {
  const log = createKeptLog()
  const standing = new Map<string, Event>()
  const virtual = createVirtualWorld({ seed: 1 })
  let cursor: Json | undefined
  let collector: Collector | undefined
  let monotonic = 0

  const world: CollectorWorld = {
    ...virtual,
    now: () => watch.now,
    monotonic: () => (monotonic += 1),
    yield: async () => Promise.resolve(),
    log,
    firstStartedAt: options.firstStartedAt,
    chains: {
      evm: ({ urls }) => (urls.length === 1 ? options.followers?.[urls[0] ?? ''] : undefined) ?? options.follower,
    },
    memory: { sightings: async (above) => sightingsAbove(standing, above) },
    wake: () => undefined,
  }

  async function collect(): Promise<Round> {
    collector ??= createEvmContract(options.config, world)
    return collector.collect(cursor, new AbortController().signal)
  }

  const watch: ContractWatch = {
    now: options.firstStartedAt,
    standing,
    log,
    get cursor() {
      return cursor
    },
    async round() {
      const round = await collect()
      for (const key of round.retracted) {
        if (!standing.delete(key)) throw new Error(`${key} is retracted and does not stand`)
      }
      for (const event of round.events) {
        if (standing.has(event.key)) throw new Error(`${event.key} stands already`)
        standing.set(event.key, event)
      }
      // A stored cursor has been JSON.
      cursor = stored(round.cursor)
      return round
    },
    async killedRound() {
      await collect()
      await collector?.stop()
      collector = undefined
    },
    async rounds() {
      const all: Round[] = []
      do all.push(await watch.round())
      while (all.at(-1)?.more === true)
      return all
    },
  }
  return watch
}

const jsonSchema = z.json()

function stored(cursor: Json): Json {
  return jsonSchema.parse(JSON.parse(JSON.stringify(cursor)))
}

function sightingsAbove(standing: ReadonlyMap<string, Event>, above: number): readonly Sighting[] {
  return [...standing.values()].flatMap(({ key, id, name, height, isHistory }) =>
    height === undefined || height <= above ? [] : [{ key, id, name, height, isHistory }],
  )
}
