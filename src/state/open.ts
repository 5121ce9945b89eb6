import type { RoundCommit, RoundCommitted } from '../core/records.ts'
import { assert } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Secret } from '../lib/secret.ts'
import type { World } from '../lib/world.ts'
import { type Alerts, createAlerts } from './alerts.ts'
import type { Database } from './database.ts'
import { createDuties, type Duties } from './duties.ts'
import { createEventLog, type EventLog } from './events.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { openPostgres } from './postgres.ts'
import { prune, type Pruned, type Retention } from './prune.ts'
import { createRoundWrite } from './rounds.ts'
import { createSettings, type Settings } from './settings.ts'
import { standingAbove, type StandingSighting } from './sightings.ts'
import { openSqlite } from './sqlite.ts'
import { type OpenedTarget, openTarget, removeTarget, type TargetOpening } from './targets.ts'
import { createWriter } from './writer.ts'

type StateWorld = Pick<World, 'now' | 'monotonic' | 'yield' | 'sleep'>

export interface StateOptions {
  /** SQLite: `state.db` in this folder, which the caller has locked (`lockFolder`). */
  readonly folder?: string | undefined
  /** PostgreSQL, instead of the folder: `postgres://...`. The database is locked here. */
  readonly url?: Secret | undefined
  readonly world: StateWorld
  readonly log: Logger
}

/**
 * Everything that must survive: targets with their events, duties and journeys, alerts, and what is owed. Every write is
 * one transaction, durable when it resolves; reads see what was committed. Writes reject with an `OutsideError` when the
 * database fails (then nothing of them was done, or, where a server's answer was lost, asking again does no harm).
 */
export interface State {
  readonly targets: Targets
  readonly events: EventLog
  readonly duties: Duties
  readonly alerts: Alerts
  readonly outbox: Outbox
  readonly settings: Settings
  /** Deletes what is older than its retention, in small pieces; what is open, owed or firing stays. */
  prune(retention: Retention, now: number): Promise<Pruned>
  /** Bytes on the disk. */
  size(): Promise<number>
  /** Waits for what is being written. */
  close(): Promise<void>
}

interface Targets {
  /** Before anything else is done with a target: finds it, makes it, or begins it anew under another subject. */
  open(opening: TargetOpening): Promise<OpenedTarget>
  /** Sets it apart: opened again, it starts for the first time. */
  remove(target: string): Promise<void>
  commitRound(commit: RoundCommit): Promise<RoundCommitted>
  /** Sightings of a target above a height that stand, ascending by height. */
  sightings(target: string, aboveHeight: number): Promise<readonly StandingSighting[]>
}

/**
 * Opens the state and brings its schema up to date.
 *
 * @throws ConfigError, OutsideError or AlreadyRunning, each with a sentence; what is stored stays as it is
 */
export async function openState(options: StateOptions): Promise<State> {
  const database = await openDatabase(options)
  try {
    return createState(database, await nextEpoch(database), options.world)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openDatabase({ folder, url, world, log }: StateOptions): Promise<Database> {
  if (url !== undefined) return openPostgres({ url, world, log })
  assert(folder !== undefined, 'the state was opened without a place')
  return openSqlite(folder)
}

/** Numbers this process among all that ever opened the database: what an earlier one still writes is refused. */
async function nextEpoch({ db }: Database): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await tx
      .updateTable('counter')
      .set((eb) => ({ value: eb('value', '+', 1) }))
      .where('name', '=', 'epoch')
      .execute()
    const row = await tx.selectFrom('counter').select('value').where('name', '=', 'epoch').executeTakeFirstOrThrow()
    return row.value
  })
}

function createState(database: Database, epoch: number, world: StateWorld): State {
  const { db } = database
  const writer = createWriter(database, epoch, world)
  return {
    targets: {
      open: async (opening) => openTarget(writer, opening),
      remove: async (target) => removeTarget(writer, target),
      commitRound: createRoundWrite(writer),
      sightings: async (target, aboveHeight) => standingAbove(db, target, aboveHeight),
    },
    events: createEventLog(db, world),
    duties: createDuties(db),
    alerts: createAlerts(db, writer),
    outbox: createOutbox(db, writer, world),
    settings: createSettings(db, writer),
    prune: async (retention, now) => prune({ db, writer, world }, retention, now),
    size: async () => database.sizeBytes(),
    async close() {
      await writer.close()
      await database.close()
    },
  }
}
