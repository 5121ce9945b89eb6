import type { Event } from '../../core/event.ts'
import { EXPIRED, type JourneyDefinition, type JourneyStep, type JourneySummary } from '../../core/journey.ts'
import type { Sample } from '../../core/sample.ts'
import type { EvmContractConfig, JourneyConfig } from './config.ts'
import { LOG } from './events.ts'

export function journeyDefinitions(config: EvmContractConfig): readonly JourneyDefinition[] {
  return config.journeys.map((journey) => ({
    name: journey.name,
    outcomes: [...Object.keys(journey.ends), ...(journey.deadline === undefined ? [] : [EXPIRED])],
    deadlineMs: journey.deadline,
    bucketsSeconds: journey.buckets,
  }))
}

/** What the events of a round say of the journeys, in the order of the chain. */
export function stepsOf(journeys: readonly JourneyConfig[], events: readonly Event[]): readonly JourneyStep[] {
  if (journeys.length === 0) return []
  const byEvent = roles(journeys)
  return events.flatMap((event) => {
    if (event.type !== LOG) return []
    return (byEvent.get(event.name) ?? []).flatMap(({ journey, kind, outcome }): readonly JourneyStep[] => {
      const key = event.args[journey.key]
      if (key === undefined || key === null) return []
      const text = typeof key === 'object' ? JSON.stringify(key) : String(key)
      return [{ kind, journey: journey.name, key: text, outcome, time: event.time, event: event.key }]
    })
  })
}

/** Tells every journey with a deadline how late it is on the chain, as far as its logs have been read. */
export function clockSteps(journeys: readonly JourneyConfig[], timeMs: number): readonly JourneyStep[] {
  return journeys.flatMap(({ name, deadline }) =>
    deadline === undefined ? [] : [{ kind: 'clock', journey: name, time: timeMs, deadlineMs: deadline } as const],
  )
}

interface Role {
  readonly journey: JourneyConfig
  readonly kind: 'start' | 'end'
  readonly outcome: string
}

function roles(journeys: readonly JourneyConfig[]): ReadonlyMap<string, readonly Role[]> {
  const all = journeys.flatMap((journey) => [
    { event: journey.start, role: { journey, kind: 'start', outcome: '' } satisfies Role },
    ...Object.entries(journey.ends).flatMap(([outcome, events]) =>
      events.map((event) => ({ event, role: { journey, kind: 'end', outcome } satisfies Role })),
    ),
  ])
  const byEvent = new Map<string, Role[]>()
  for (const { event, role } of all) {
    const known = byEvent.get(event)
    if (known === undefined) byEvent.set(event, [role])
    else known.push(role)
  }
  return byEvent
}

/** The preset's own name for one outcome of one journey. */
const TESSERACT = { journey: 'transaction', outcome: 'ready', metric: 'tesseract_resolution_time_seconds' }

/** Samples of every journey from what is stored of them. */
export function journeySamples(config: EvmContractConfig, summaries: readonly JourneySummary[]): readonly Sample[] {
  const bounds = new Map(config.journeys.map((journey) => [journey.name, journey.buckets]))
  return summaries.flatMap((summary) => {
    const { journey } = summary
    const own = config.preset === 'tesseract' && journey === TESSERACT.journey
    return [
      { name: 'evm_contract_journeys_in_flight', labels: { journey }, value: summary.inFlight },
      ...summary.outcomes.flatMap((totals) => {
        const labels = { journey, outcome: totals.outcome }
        const durations = { totals, bounds: bounds.get(journey) ?? [] }
        return [
          { name: 'evm_contract_journeys_total', labels, value: totals.ended },
          { name: 'evm_contract_journeys_retracted_total', labels, value: totals.retracted },
          ...(totals.outcome === EXPIRED ? [] : histogram('evm_contract_journey_duration_seconds', labels, durations)),
          ...(own && totals.outcome === TESSERACT.outcome ? histogram(TESSERACT.metric, {}, durations) : []),
        ]
      }),
    ]
  })
}

function histogram(
  name: string,
  labels: Readonly<Record<string, string>>,
  { totals, bounds }: { totals: JourneySummary['outcomes'][number]; bounds: readonly number[] },
): readonly Sample[] {
  const all = totals.buckets.at(-1) ?? 0
  return [
    ...bounds.map((bound, index) => ({
      name: `${name}_bucket`,
      labels: { ...labels, le: String(bound) },
      value: totals.buckets[index] ?? all,
    })),
    { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: all },
    { name: `${name}_sum`, labels, value: totals.sumSeconds },
    { name: `${name}_count`, labels, value: all },
  ]
}
