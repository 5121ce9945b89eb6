import type { RoundCommit, RoundCommitted } from '../core/records.ts'
import { createDutyWrite } from './duties.ts'
import { createJourneyWrite } from './journeys.ts'
import { createSightingWrite, retract } from './sightings.ts'
import { CURSOR_BYTES_MAX, jsonText } from './stored-text.ts'
import { openedTarget } from './targets.ts'
import type { Tx, Writer } from './writer.ts'

/** Commits one round: all of it, or nothing. */
export type RoundWrite = (commit: RoundCommit) => Promise<RoundCommitted>

export function createRoundWrite(writer: Writer): RoundWrite {
  const storeSightings = createSightingWrite()
  const storeDuties = createDutyWrite()
  const storeJourneys = createJourneyWrite()

  async function commitRound(tx: Tx, commit: RoundCommit, cursor: string): Promise<RoundCommitted> {
    const { at, labels, events } = commit
    const { id: targetId } = await openedTarget(tx.db, commit.target)
    const retracted = await retract(tx, targetId, commit.retracted)
    const seen = await storeSightings(tx, { targetId, at, labels, events })
    await storeDuties(tx, targetId, commit.duties)
    const journeys = await storeJourneys(tx, {
      targetId,
      at,
      definitions: commit.journeys,
      steps: commit.journeySteps,
      seen,
      retracted,
    })
    await tx.db
      .updateTable('target')
      .set({ cursor, ...(commit.height === undefined ? {} : { height: commit.height }) })
      .where('id', '=', targetId)
      .execute()
    return { journeys, lastSequence: tx.last('event') }
  }

  return async (commit) => {
    const cursor = jsonText(commit.cursor, `the cursor of the target ${commit.target}`, CURSOR_BYTES_MAX)
    const rows = 1 + commit.events.length + commit.retracted.length + commit.duties.length + commit.journeySteps.length
    return writer.write(rows, async (tx) => commitRound(tx, commit, cursor))
  }
}
