import type { Json } from '../lib/json.ts'
import type { Labels } from './labels.ts'

/** How one part of a target was when it was last asked. */
export interface PartStatus {
  readonly ok: boolean
  /** A `FailureReason`, or '' where it could be read. */
  readonly reason: string
  readonly detail: string
}

/** What is known of a target at this moment. */
export interface TargetStatus {
  readonly target: string
  readonly type: string
  readonly labels: Labels
  /** The timestamp of the last round, milliseconds UTC; undefined before the first. */
  readonly lastRoundAt: number | undefined
  readonly lastDurationMs: number | undefined
  readonly isCaughtUp: boolean
  readonly parts: Readonly<Record<string, PartStatus>>
  /** What the collector says of itself. */
  readonly values: Readonly<Record<string, Json>>
}
