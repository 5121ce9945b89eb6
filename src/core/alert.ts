import type { Labels } from './labels.ts'

/** Least first. Anything else an operator writes ranks as `warning`. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** The rank of the label `severity`: 0 for info up to 3 for critical. */
export function severityRank(labels: Labels): number {
  const index = SEVERITIES.findIndex((severity) => severity === labels['severity'])
  return index === -1 ? 1 : index
}

/**
 * How a firing alert ended. `resolved`: it was seen to be over. `closed`: its time ran out or its target left; machines
 * are told `resolved`, people get no RESOLVED for what nobody mended.
 */
export type AlertEnd = 'resolved' | 'closed'

/**
 * One alert as the pipeline sees it: told by rules, event rules or the API, from its first firing to its end.
 * An episode is one such stretch; acknowledgement, history and "why" hang on its id.
 */
export interface Alert {
  /** UUIDv7 of the episode. */
  readonly episode: string
  /** Alertmanager's fingerprint of `labels`. */
  readonly fingerprint: string
  /** Who says so: `rule/<file>/<group>/<alert>`, `event/<file>/<alert>`, `api`. One fingerprint may have several. */
  readonly source: string
  /** With `alertname`. */
  readonly labels: Labels
  readonly annotations: Labels
  /** When it began to fire, milliseconds UTC. */
  readonly startsAt: number
  readonly endsAt: number | undefined
  readonly end: AlertEnd | undefined
  /** It cannot be seen at the moment. To the outside it is firing, with the annotation `chainwarden_unknown`. */
  readonly isUnknown: boolean
  /** Where the rule can be looked at; '' where nowhere. */
  readonly generatorUrl: string
}

/** What rules tell the pipeline: an alert began to fire, changed while firing, or ended. */
export type AlertChange =
  | { readonly kind: 'firing'; readonly alert: Alert }
  | { readonly kind: 'updated'; readonly alert: Alert }
  | { readonly kind: 'ended'; readonly alert: Alert }
