import type { Alert } from '../../core/alert.ts'
import type { EventLogEntry } from '../../core/event.ts'
import { canonicalLabels, fingerprint, type Labels } from '../../core/labels.ts'
import { type ContextOf, withContext } from '../context.ts'
import type { EventRule } from './compile.ts'
import type { EventAlert } from './event-alert.ts'
import { attributeText, type EventView } from './event-view.ts'

/** The alert about a rule that cannot be evaluated. */
const FAILING_ALERT = 'ChainwardenEventRuleFailing'

interface Seen {
  readonly entry: EventLogEntry
  readonly view: EventView
}

/**
 * What tells the alerts of a rule apart. Labels of the rule or the target are not in it: the one may be templates, the
 * other may be edited between a sighting and the next.
 */
export function identityOf(rule: EventRule, { entry, view }: Seen): Labels {
  const by = rule.by.map(({ label, path }) => [label, attributeText(view, path) ?? ''] as const)
  return canonicalLabels({
    target: entry.event.target,
    ...Object.fromEntries(by),
    ...(rule.isPerEvent ? { event_id: entry.event.id } : {}),
    alertname: rule.name,
  })
}

export function labelsOf(rule: EventRule, seen: Seen): Labels {
  const given = canonicalLabels({ ...seen.entry.event.labels, ...identityOf(rule, seen) })
  const own = rule.labels.map(([name, template]) => [name, template(seen.view, given)] as const)
  return canonicalLabels({ ...given, ...Object.fromEntries(own), alertname: rule.name })
}

export function annotationsOf(rule: EventRule, seen: Seen, labels: Labels, contextOf: ContextOf): Labels {
  const own = rule.annotations.map(([name, template]) => [name, template(seen.view, labels)] as const)
  return withContext(Object.fromEntries(own), labels, contextOf)
}

export function failingTexts(rule: EventRule, error: string): Pick<EventAlert, 'labels' | 'annotations'> {
  return {
    labels: { alertname: FAILING_ALERT, rule: rule.name, severity: 'warning' },
    annotations: {
      summary: `The event rule ${rule.name} cannot be evaluated, so it does not alert.`,
      description: error,
    },
  }
}

/** The alert in the words of the pipeline. */
export function toldOf(rule: EventRule, alert: EventAlert): Alert {
  return {
    episode: alert.episode,
    fingerprint: fingerprint(alert.labels),
    source: rule.source,
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: alert.startsAt,
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
  }
}
