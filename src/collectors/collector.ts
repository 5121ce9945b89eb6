import type { z } from 'zod'

import type { EvmEndpoints, EvmFollower } from '../chains/evm/index.ts'
import type { Duty } from '../core/duty.ts'
import type { Event, EventId, EventKey, EventTable } from '../core/event.ts'
import type { JourneyDefinition, JourneyStep, JourneySummary } from '../core/journey.ts'
import type { MetricTable } from '../core/metric.ts'
import type { Panel } from '../core/panel.ts'
import type { Sample } from '../core/sample.ts'
import type { OutsideError } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import type { Logger } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** What a collector is given: the world, and the clients that targets share. */
export interface CollectorWorld extends World {
  /** Under the collector's own name. For progress and surprises; the scheduler logs failures. */
  readonly log: Logger
  /** When this target was started for the first time ever, milliseconds UTC. What happened before it is history. */
  readonly firstStartedAt: number
  readonly chains: {
    /** One follower for all targets on the same endpoints: one head, one health, one client. */
    evm(endpoints: EvmEndpoints): EvmFollower
  }
  /** What this target stored so far. */
  readonly memory: CollectorMemory
  /** Asks for the next round now instead of at the next interval: a hint that something changed. */
  wake(): void
}

/** A sighting that stands: stored and not retracted. */
export interface Sighting {
  readonly key: EventKey
  readonly id: EventId
  readonly name: string
  readonly height: number
  readonly isHistory: boolean
}

/** The part of a collector's memory that does not fit a cursor. Reads what was committed, never what is under way. */
export interface CollectorMemory {
  /** Sightings of this target above a height that stand, ascending by height. */
  sightings(aboveHeight: number): Promise<readonly Sighting[]>
}

/** What a part brought: everything, or the reason. */
export type PartResult = { readonly samples: readonly Sample[] } | { readonly failed: OutsideError }

/** One pass of a collector over its target. */
export interface Round {
  /** Milliseconds UTC: the one timestamp of its samples. */
  readonly at: number
  readonly parts: Readonly<Record<string, PartResult>>
  readonly events: readonly Event[]
  /** Sightings that turned out not to be on the chain. */
  readonly retracted: readonly EventKey[]
  readonly duties: readonly Duty[]
  readonly journeys: readonly JourneyStep[]
  /** All the collector remembers: versioned JSON up to 64 kB, stored with what the round brought, or not at all. */
  readonly cursor: Json
  /** Not caught up: the next round follows at once. */
  readonly more: boolean
  /** The highest height of the chain this round vouches for; lets retractions settle. */
  readonly height?: number
  /** What `status --json` shows of the target: values, or null with a reason beside it. */
  readonly status?: Readonly<Record<string, Json>>
}

/** One running watch over one target. */
export interface Collector {
  /**
   * One round. Does not retry, log failures or sleep. Rejects only when not even a cursor can be kept; what fails of a
   * part is in that part.
   *
   * @param cursor what the last committed round returned; undefined at the very first
   */
  collect(cursor: Json | undefined, signal: AbortSignal): Promise<Round>
  stop(): Promise<void>
}

/** Keys that every target has, whatever its type; each type's schema has them beside its own (`targetFields`). */
export interface TargetConfig {
  readonly type: string
  readonly name: string
  readonly interval: number
  readonly timeout: number
  readonly job?: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly owner?: string | undefined
  readonly contact?: string | undefined
  readonly runbook_url?: string | undefined
  readonly depends_on: readonly string[]
  readonly alert_on_history: boolean
}

/** What `check` learned by asking one target's endpoints. */
export interface Probe {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

/** One type of target. Light: what no target uses is never loaded. */
export interface CollectorDefinition<Config extends TargetConfig = TargetConfig> {
  readonly type: string
  /** One sentence for help, `init` and the reference. */
  readonly summary: string
  readonly schema: z.ZodType<Config>
  /** What may fail alone; usually one. */
  readonly parts: readonly string[]
  readonly metrics: MetricTable
  readonly events: EventTable
  /** `chainwarden_threshold{target,name}` from the configuration. */
  thresholds(config: Config): Readonly<Record<string, number>>
  /** What it watches, as `1:0xabc...`: when that changes, the old cursor is not used, aloud. */
  subject(config: Config): string
  /** The first configured endpoint, as host:port, for the label `instance`; undefined: the target's name. */
  instance(config: Config): string | undefined
  /** What `job` is when the target does not say: the preset's name, else the type. */
  job?(config: Config): string
  journeys?(config: Config): readonly JourneyDefinition[]
  /** Samples of the journeys, after the round that changed them was committed. Pure. */
  journeySamples?(config: Config, summaries: readonly JourneySummary[]): readonly Sample[]
  /** The fields of an event's log line, where its arguments are not what people look for. */
  logFields?(config: Config, event: Event): Readonly<Record<string, Json>>
  /** Files beside the definition with the rules it comes with for this target; the same file for several targets is read once. */
  rules(config: Config): { readonly rules: readonly URL[]; readonly eventRules: readonly URL[] }
  panels(config: Config): readonly Panel[]
  /** No connection yet. */
  load(): Promise<CollectorFactory<Config>>
  /** Asks the target what it can do, for `check`. Bounded by the target's timeout; failures are probes that are not ok. */
  probe?(): Promise<ProbeFunction<Config>>
  /** Environment variables that stand in for keys a target leaves out, as `{ HOST_PROC: 'proc' }`. */
  readonly environment?: Readonly<Record<string, string>>
  /** Whole configurations made of the environment of the scripts they replace, by name. */
  readonly presets?: Readonly<Record<string, Preset>>
  /**
   * Finishes the configuration with what it names: reads files, compares names with an ABI.
   *
   * @throws ConfigError with every fault, paths relative to the target
   */
  prepare?(config: Config, files: ConfigFiles): Promise<Config>
}

/** What `run --preset` runs. */
export interface Preset {
  readonly summary: string
  /**
   * The document that would stand in `chainwarden.yaml`.
   *
   * @throws ConfigError with every variable that is missing or wrong
   */
  readonly fromEnvironment: (environment: Readonly<Record<string, string | undefined>>) => Json
}

/** How a configuration reads the files it names: relative to its own folder, at most 8 MB. */
export interface ConfigFiles {
  /** @throws ConfigError with a sentence that names the file */
  read(path: string): Promise<string>
}

/*
 * The two function types are taken from methods, because methods alone let a definition for one configuration stand in
 * the list of all definitions: the list only ever hands a definition what its own schema parsed.
 */
export type CollectorFactory<Config> = { create(config: Config, world: CollectorWorld): Collector }['create']
export type ProbeFunction<Config> = {
  probe(config: Config, world: CollectorWorld, signal: AbortSignal): Promise<readonly Probe[]>
}['probe']
