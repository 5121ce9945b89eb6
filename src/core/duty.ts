export type DutyOutcome = 'done' | 'missed' | 'unknown'

/** An act that was due from somebody at a height. Unique by (target, kind, height, round, actor). */
export interface Duty {
  /** `bake`, `attest`, `author`, ... */
  readonly kind: string
  readonly height: number
  readonly round: number
  readonly actor: string
  readonly outcome: DutyOutcome
  /** When it was due, milliseconds UTC. */
  readonly time: number
  readonly details: Readonly<Record<string, string | number | boolean>>
}
