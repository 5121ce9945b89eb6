import { z } from 'zod'

import type { AlertState } from '../core/alert-machine.ts'
import { labelsKey, type Labels } from '../core/labels.ts'
import type { AlertStateRecord } from '../core/records.ts'
import type { PartRef } from './part-ledger.ts'

const labelsSchema = z.record(z.string(), z.string())

/** What is stored of one alert of one rule, as the body of an `AlertStateRecord`. */
const bodySchema = z.object({
  version: z.literal(1),
  state: z.object({
    phase: z.enum(['pending', 'firing']),
    activeAt: z.number(),
    firedAt: z.number().nullable(),
    seenAt: z.number(),
    missingSince: z.number().nullable(),
    unknown: z.object({ since: z.number(), frozenAt: z.number(), isTold: z.boolean() }).nullable(),
  }),
  episode: z.string(),
  labels: labelsSchema,
  annotations: labelsSchema,
  /** JSON has no word for what is no number. */
  value: z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]),
  parts: z.array(z.object({ target: z.string(), part: z.string() })),
})

/** One pending or firing alert of a rule. */
export interface ActiveAlert {
  /** What it is stored under: that of its rule when it began, so that rules can be moved about in a file. */
  readonly source: string
  readonly fingerprint: string
  readonly labels: Labels
  readonly annotations: Labels
  readonly value: number
  readonly state: AlertState
  /** '' while pending. */
  readonly episode: string
  /** What its last true evaluation rested on. */
  readonly parts: readonly PartRef[]
  /** When it was last stored, and last told: milliseconds UTC. 0 after a start. */
  readonly storedAt: number
  readonly toldAt: number
}

/** The active alerts of one rule, found by fingerprint, and by target because most evaluations are about one target. */
export interface AlertBook {
  readonly size: number
  get(fingerprint: string): ActiveAlert | undefined
  /** As they are now; with a target, only those that bear it. */
  all(target?: string): readonly ActiveAlert[]
  targets(): Iterable<string>
  set(alert: ActiveAlert): void
  delete(fingerprint: string): void
}

export function createAlertBook(): AlertBook {
  const all = new Map<string, ActiveAlert>()
  const byTarget = new Map<string, Map<string, ActiveAlert>>()

  function remove(fingerprint: string): void {
    const known = all.get(fingerprint)
    if (known === undefined) return
    all.delete(fingerprint)
    const target = targetOf(known)
    const siblings = byTarget.get(target)
    siblings?.delete(fingerprint)
    if (siblings?.size === 0) byTarget.delete(target)
  }

  return {
    get size() {
      return all.size
    },
    get: (fingerprint) => all.get(fingerprint),
    all: (target) => [...((target === undefined ? all : byTarget.get(target))?.values() ?? [])],
    targets: () => byTarget.keys(),
    set(alert) {
      remove(alert.fingerprint)
      all.set(alert.fingerprint, alert)
      const target = targetOf(alert)
      const siblings = byTarget.get(target) ?? new Map<string, ActiveAlert>()
      siblings.set(alert.fingerprint, alert)
      byTarget.set(target, siblings)
    },
    delete: remove,
  }
}

/** The label `target`; '' without one. */
export function targetOf(alert: { readonly labels: Labels }): string {
  return alert.labels['target'] ?? ''
}

export function recordOf(alert: ActiveAlert): AlertStateRecord {
  const { state } = alert
  return {
    source: alert.source,
    fingerprint: alert.fingerprint,
    body: {
      version: 1,
      state: {
        phase: state.phase,
        activeAt: state.activeAt,
        firedAt: state.firedAt ?? null,
        seenAt: state.seenAt,
        missingSince: state.missingSince ?? null,
        unknown: state.unknown === undefined ? null : { ...state.unknown },
      },
      episode: alert.episode,
      labels: alert.labels,
      annotations: alert.annotations,
      value: Number.isFinite(alert.value) ? alert.value : String(alert.value),
      parts: alert.parts.map(({ target, part }) => ({ target, part })),
    },
  }
}

/** @returns undefined where the body is not what this version writes */
export function alertOfRecord(record: AlertStateRecord): ActiveAlert | undefined {
  const parsed = bodySchema.safeParse(record.body)
  if (!parsed.success) return undefined
  const { state, episode, labels, annotations, value, parts } = parsed.data
  return {
    source: record.source,
    fingerprint: record.fingerprint,
    labels,
    annotations,
    value: Number(value),
    state: {
      phase: state.phase,
      activeAt: state.activeAt,
      firedAt: state.firedAt ?? undefined,
      seenAt: state.seenAt,
      missingSince: state.missingSince ?? undefined,
      unknown: state.unknown ?? undefined,
    },
    episode,
    parts,
    storedAt: 0,
    toldAt: 0,
  }
}

export function sameLabels(a: Labels, b: Labels): boolean {
  return labelsKey(a) === labelsKey(b)
}
