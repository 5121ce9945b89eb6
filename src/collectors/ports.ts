import type { Labels } from '../core/labels.ts'
import type { RoundCommit, RoundCommitted, TargetRecord } from '../core/records.ts'
import type { Sample } from '../core/sample.ts'
import type { Sighting } from './collector.ts'

/** What the scheduler needs from the state. */
export interface TargetStore {
  /** Creates the target at its very first start. `replaced`: what its name stood for until now, when that is another. */
  open(target: {
    readonly target: string
    readonly type: string
    readonly subject: string
    readonly at: number
  }): Promise<TargetRecord & { readonly replaced: { readonly subject: string } | undefined }>
  commitRound(commit: RoundCommit): Promise<RoundCommitted>
  sightings(target: string, aboveHeight: number): Promise<readonly Sighting[]>
}

/** What the scheduler needs from the store of samples. */
export interface SampleStore {
  /** Visible to queries at once. A series that the scope wrote before and that is missing now ends here. */
  append(batch: {
    readonly at: number
    readonly scope: string
    readonly labels: Labels
    readonly samples: readonly Sample[]
  }): unknown
  /** Ends every series of the scope. */
  endScope(scope: string, at: number): void
  /** Makes what was appended durable. */
  flush(): Promise<void>
}

/** What became of one part in one round. */
export interface PartArrival {
  readonly part: string
  readonly ok: boolean
  readonly metricNames: readonly string[]
}

/** A round that is stored and can be read. */
export interface Arrival {
  readonly target: string
  readonly at: number
  readonly parts: readonly PartArrival[]
  readonly height: number | undefined
  /** The last number of the event log, where the round brought events or retractions. */
  readonly lastSequence: number | undefined
}
