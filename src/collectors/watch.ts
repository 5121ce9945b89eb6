import type { Event } from '../core/event.ts'
import type { Labels } from '../core/labels.ts'
import type { RoundCommitted } from '../core/records.ts'
import type { TargetStatus } from '../core/target-status.ts'
import { messageOf, OutsideError } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import type { Logger } from '../lib/log.ts'
import type { MetricsRegistry } from '../lib/metrics-registry.ts'
import type { World } from '../lib/world.ts'
import type { Collector, CollectorDefinition, Round, TargetConfig } from './collector.ts'
import { type Outcome, storeOutcome } from './outcome.ts'
import type { Arrival, SampleStore, TargetStore } from './ports.ts'

/** A round that takes longer is given up: its endpoints are bounded, so something else hangs. */
const ROUND_MS_MAX = 60_000
/** A backfill brings thousands at once: beyond this many a round they are counted, not logged. */
const LOGGED_EVENTS_MAX = 1_000

export interface WatchOptions {
  readonly definition: CollectorDefinition
  readonly config: TargetConfig
  /** `target`, `job`, `instance` and the target's own. */
  readonly labels: Labels
  readonly world: World
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly targets: TargetStore
  readonly samples: SampleStore
  readonly arrived: (arrival: Arrival) => void
}

export interface Watch {
  readonly status: () => TargetStatus
  /** One round: asked, committed, stored, announced. True when the target is not caught up. Never rejects. */
  round(signal: AbortSignal): Promise<boolean>
}

/**
 * Runs one collector: keeps its cursor, commits what a round brought in one transaction, writes its samples, and says
 * what arrived. What a round brought is durable before anybody hears of it, so nothing is announced that a crash could
 * take back; a round that cannot be committed is forgotten and asked again from the old cursor.
 */
export function createWatch(options: WatchOptions, collector: Collector, firstCursor: Json | undefined): Watch {
  const { config, labels, world, log, metrics } = options
  const target = config.name
  let cursor = firstCursor
  let failing: ReadonlySet<string> = new Set()
  let status: TargetStatus = {
    target,
    type: config.type,
    labels,
    lastRoundAt: undefined,
    lastDurationMs: undefined,
    isCaughtUp: false,
    parts: {},
    values: {},
  }

  async function attempt(signal: AbortSignal): Promise<Outcome | undefined> {
    try {
      const round = await ask(world, collector, cursor, signal)
      const committed = await commit(options, round)
      cursor = round.cursor
      return { round, committed }
    } catch (error) {
      if (signal.aborted) return undefined
      if (!(error instanceof OutsideError)) log.error('the round failed', { target, error })
      return failedOutcome(options, asOutsideError(error))
    }
  }

  async function finish(outcome: Outcome, startedAt: number): Promise<void> {
    const { round, committed } = outcome
    const parts = storeOutcome(options, outcome)
    failing = sayFailures(options, round.parts, failing)
    logEvents(options, round)
    const lastDurationMs = world.monotonic() - startedAt
    metrics.observe('chainwarden_collect_duration_seconds', lastDurationMs / 1000, { target })
    metrics.add('chainwarden_collect_rounds_total', 1, { target })
    metrics.add('chainwarden_events_total', round.events.length, { target })
    status = {
      ...status,
      lastRoundAt: round.at,
      lastDurationMs,
      isCaughtUp: !round.more,
      parts: describeParts(round.parts),
      values: round.status ?? status.values,
    }
    const isLogged = round.events.length + round.retracted.length > 0
    const lastSequence = isLogged ? committed?.lastSequence : undefined
    options.arrived({ target, at: round.at, parts, height: round.height, lastSequence })
    await options.samples.flush()
  }

  return {
    status: () => status,
    async round(signal) {
      const startedAt = world.monotonic()
      const outcome = await attempt(signal)
      if (outcome === undefined) return false
      try {
        await finish(outcome, startedAt)
      } catch (error) {
        log.error('samples cannot be stored', { target, error })
      }
      return outcome.round.more
    },
  }
}

async function ask(world: World, collector: Collector, cursor: Json | undefined, signal: AbortSignal): Promise<Round> {
  const clock = new AbortController()
  const cancel = world.after(ROUND_MS_MAX, () =>
    clock.abort(new OutsideError('timeout', `the round took longer than ${ROUND_MS_MAX} ms`, { retry: true })),
  )
  try {
    return await collector.collect(cursor, AbortSignal.any([signal, clock.signal]))
  } finally {
    cancel()
  }
}

async function commit({ definition, config, labels, targets }: WatchOptions, round: Round): Promise<RoundCommitted> {
  return targets.commitRound({
    target: config.name,
    at: round.at,
    labels,
    cursor: round.cursor,
    height: round.height,
    events: round.events,
    retracted: round.retracted,
    duties: round.duties,
    journeySteps: round.journeys,
    journeys: definition.journeys?.(config) ?? [],
  })
}

/** What stands in for a round that could not be had, or not be committed: every part failed for the same reason. */
function failedOutcome({ definition, world }: WatchOptions, failed: OutsideError): Outcome {
  return {
    round: {
      at: world.now(),
      parts: Object.fromEntries(definition.parts.map((part) => [part, { failed }])),
      events: [],
      retracted: [],
      duties: [],
      journeys: [],
      cursor: null,
      more: false,
    },
    committed: undefined,
  }
}

/** Says a failure once when it begins and once when it is over; returns the parts that fail now. */
function sayFailures(
  { config, log }: WatchOptions,
  parts: Round['parts'],
  before: ReadonlySet<string>,
): ReadonlySet<string> {
  const now = new Set<string>()
  for (const [part, result] of Object.entries(parts)) {
    if (!('failed' in result)) continue
    now.add(part)
    if (before.has(part)) continue
    const { reason, message } = result.failed
    log.warn('part cannot be read', { target: config.name, part, reason, detail: message })
  }
  for (const part of before) {
    if (!now.has(part)) log.info('part can be read again', { target: config.name, part })
  }
  return now
}

function asOutsideError(error: unknown): OutsideError {
  if (error instanceof OutsideError) return error
  return new OutsideError('local', messageOf(error), { retry: true, cause: error })
}

function describeParts(parts: Round['parts']): TargetStatus['parts'] {
  return Object.fromEntries(
    Object.entries(parts).map(([part, result]) => [
      part,
      'failed' in result
        ? { ok: false, reason: result.failed.reason, detail: result.failed.message }
        : { ok: true, reason: '', detail: '' },
    ]),
  )
}

/** One line for each event; a backfill says how many it leaves out. */
function logEvents({ definition, config, log, labels }: WatchOptions, round: Round): void {
  for (const event of round.events.slice(0, LOGGED_EVENTS_MAX)) {
    log.info(event.name, { target: config.name, job: labels['job'], ...fieldsOf(definition, config, event) })
  }
  const left = round.events.length - LOGGED_EVENTS_MAX
  if (left > 0) log.info('more events than are logged one by one', { target: config.name, left })
}

function fieldsOf(definition: CollectorDefinition, config: TargetConfig, event: Event): Readonly<Record<string, Json>> {
  const place: Record<string, Json> = { event_id: event.id }
  if (event.block !== undefined) place['block'] = event.block.number
  if (event.tx !== undefined) place['tx'] = event.tx.hash
  return { ...place, ...(definition.logFields?.(config, event) ?? event.args) }
}
