import type { AlertChange } from '../../core/alert.ts'
import type { AlertStateRecord, EventRuleRecord, RuleOutcome } from '../../core/records.ts'
import type { EventAlert } from './event-alert.ts'

/** The alerts of one rule, by the fingerprint of what tells them apart. */
export type EventAlerts = Map<string, EventAlert>

/** A rule's alerts as they would be, were the outcome of a pass committed. */
export interface RuleDraft {
  get(fingerprint: string): EventAlert | undefined
  set(fingerprint: string, alert: EventAlert): void
  remove(fingerprint: string): void
  /** All of them, in no particular order; not to be changed while looking. */
  entries(): readonly (readonly [string, EventAlert])[]
}

/** Everything one pass would change: it is committed whole, and only then becomes true here. */
export interface Draft {
  of(source: string, alerts: EventAlerts): RuleDraft
  /** What changes an alert that the pass itself raised or changed goes into that change: the latest is told. */
  change(change: AlertChange): void
  move(source: string, position: number): void
  /** Forgets a rule. */
  drop(source: string): void
  readonly isEmpty: boolean
  outcome(): RuleOutcome
  /** Makes it true: after the commit. */
  adopt(): void
}

interface Entry {
  readonly source: string
  readonly alerts: EventAlerts
  readonly changed: Map<string, EventAlert | undefined>
}

export function createDraft(): Draft {
  const rules = new Map<string, Entry>()
  const changes: AlertChange[] = []
  const positions = new Map<string, EventRuleRecord>()
  const dropped: string[] = []

  return {
    of(source, alerts) {
      const entry = rules.get(source) ?? { source, alerts, changed: new Map() }
      rules.set(source, entry)
      return ruleDraft(entry)
    },
    change(change) {
      const { episode } = change.alert
      const index = changes.findIndex((earlier) => earlier.alert.episode === episode)
      const earlier = changes[index]
      if (change.kind === 'updated' && earlier !== undefined && earlier.kind !== 'ended') {
        changes[index] = { kind: earlier.kind, alert: change.alert }
      } else changes.push(change)
    },
    move: (source, position) => void positions.set(source, { source, position, body: null }),
    drop: (source) => void dropped.push(source),
    get isEmpty() {
      const hasAlerts = [...rules.values()].some(({ changed }) => changed.size > 0)
      return !hasAlerts && positions.size === 0 && dropped.length === 0 && changes.length === 0
    },
    outcome() {
      const all = [...rules.values()].flatMap(recordsOf)
      return {
        alertStates: {
          put: all.flatMap((record) => ('body' in record ? [record] : [])),
          remove: all.flatMap((record) => ('body' in record ? [] : [record])),
        },
        eventRules: { put: [...positions.values()], remove: dropped },
        changes,
      }
    },
    adopt() {
      for (const { alerts, changed } of rules.values()) {
        for (const [fingerprint, alert] of changed) {
          if (alert === undefined) alerts.delete(fingerprint)
          else alerts.set(fingerprint, alert)
        }
      }
    },
  }
}

function ruleDraft({ alerts, changed }: Entry): RuleDraft {
  return {
    get: (fingerprint) => (changed.has(fingerprint) ? changed.get(fingerprint) : alerts.get(fingerprint)),
    set: (fingerprint, alert) => void changed.set(fingerprint, alert),
    remove: (fingerprint) => void changed.set(fingerprint, undefined),
    entries() {
      const unchanged = [...alerts].filter(([fingerprint]) => !changed.has(fingerprint))
      const drafted = [...changed].flatMap(([key, alert]) => (alert === undefined ? [] : [[key, alert] as const]))
      return [...unchanged, ...drafted]
    },
  }
}

function recordsOf({ source, changed }: Entry): readonly (AlertStateRecord | Omit<AlertStateRecord, 'body'>)[] {
  return [...changed].map(([fingerprint, alert]) =>
    alert === undefined ? { source, fingerprint } : { source, fingerprint, body: bodyOf(alert) },
  )
}

function bodyOf(alert: EventAlert): AlertStateRecord['body'] {
  return {
    ...alert,
    facts: alert.facts.map((fact) => ({ ...fact })),
  }
}
