import type { EventKey } from './event.ts'

/**
 * One step of a journey: something with a start and one of several ends, followed by key. A step belongs to the sighting
 * that showed it, and goes when that sighting is retracted.
 */
export type JourneyStep =
  | {
      readonly kind: 'start' | 'end'
      readonly journey: string
      readonly key: string
      /** For an end, which of the ends; for a start, `''`. */
      readonly outcome: string
      /** Milliseconds UTC, the chain's time. */
      readonly time: number
      readonly event: EventKey
    }
  | {
      /** The chain's clock has reached `time`: what started more than `deadlineMs` before it has expired. */
      readonly kind: 'clock'
      readonly journey: string
      readonly time: number
      readonly deadlineMs: number
    }

/** What is declared of a journey. Every outcome and bound is known from the configuration, so that counters exist from 0. */
export interface JourneyDefinition {
  readonly name: string
  readonly outcomes: readonly string[]
  readonly deadlineMs: number | undefined
  /** Upper bounds of the duration histogram, in seconds, ascending, without +Inf. */
  readonly bucketsSeconds: readonly number[]
}

/** What became of a journey's outcome so far. None of these ever goes down. */
export interface JourneyOutcomeTotals {
  readonly outcome: string
  readonly ended: number
  /** Ends that were counted and then taken back: by a reorg, or because a later end replaced them. */
  readonly retracted: number
  /** For each bound the durations at or under it (cumulative); the last, for +Inf, is the number of all. */
  readonly buckets: readonly number[]
  readonly sumSeconds: number
}

/** All that is known of one journey of one target, after the round that brought it. */
export interface JourneySummary {
  readonly journey: string
  readonly inFlight: number
  readonly outcomes: readonly JourneyOutcomeTotals[]
}

/** The outcome of a journey that reached its deadline without an end. */
export const EXPIRED = 'expired'
