import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import type { PlannedGroup, PlannedRule } from './plan.ts'
import { nextTick, offsetOf } from './schedule.ts'

type Work = () => Promise<void>

/** What is to be done, and by whom. Nothing of it runs beside anything else of it. */
export interface WorkLoopOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after'>
  readonly log: Logger
  readonly groups: () => readonly PlannedGroup[]
  /** Goes before everything else. */
  readonly hasUrgent: () => boolean
  readonly runUrgent: Work
  readonly runGroup: (group: PlannedGroup, at: number) => Promise<void>
  readonly runRules: (rules: readonly PlannedRule[]) => Promise<void>
  /** Commits what waits for a commit beside what rules find. */
  readonly commitRest: Work
}

/** When single rules run beside the ticks of their groups. */
export interface RuleTimers {
  /** This rule is to run in so many milliseconds, if nothing runs it before. */
  later(rule: PlannedRule, ms: number): void
  /** This rule has run, for all targets. */
  done(rule: PlannedRule): void
}

export interface WorkLoop extends RuleTimers {
  start(): void
  /** There is urgent work. */
  wake(): void
  /** The groups are others now. */
  forget(): void
  /** Something waits for `commitRest`. */
  rest(): void
  /** Runs a job between other work, also before the start; its failure is the caller's. */
  run(job: Work): Promise<void>
  idle(): Promise<void>
  stop(): Promise<void>
}

const RETRY_MS = 1_000
const SLEEP_MS_MAX = 60_000

interface Timetable {
  readonly jobs: Work[]
  /** When rules that were put off are due, on the clock that never jumps. */
  readonly putOff: Map<PlannedRule, number>
  /** When groups are due, on the wall's clock. */
  readonly ticks: Map<PlannedGroup, number>
  restAt: number
  isStarted: boolean
}

/**
 * One thing after the other: urgent work, then jobs, then groups whose tick has come, then rules that were put off. Ticks
 * lie at fixed instants of the wall's clock; a group that is late skips the ticks it has missed.
 */
export function createWorkLoop(options: WorkLoopOptions): WorkLoop {
  const { world, log } = options
  const table: Timetable = {
    jobs: [],
    putOff: new Map(),
    ticks: new Map(),
    restAt: Number.POSITIVE_INFINITY,
    isStarted: false,
  }
  let running: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  function wake(): void {
    if (table.isStarted || table.jobs.length > 0) running ??= run()
  }

  async function run(): Promise<void> {
    // What is started here must not be done before its caller knows that it runs.
    await Promise.resolve()
    for (let work = nextWork(options, table); work !== undefined; work = nextWork(options, table)) {
      try {
        await work()
      } catch (error) {
        log.error('what rules found could not be committed; trying again', { error })
        table.restAt = world.monotonic() + RETRY_MS
      }
    }
    running = undefined
    cancelTimer?.()
    cancelTimer = table.isStarted ? world.after(sleepMs(options, table), wake) : undefined
  }

  return {
    start() {
      table.isStarted = true
      table.restAt = world.monotonic()
      wake()
    },
    wake,
    later(rule, ms) {
      const at = world.monotonic() + ms
      table.putOff.set(rule, Math.min(table.putOff.get(rule) ?? at, at))
    },
    done: (rule) => void table.putOff.delete(rule),
    forget() {
      table.ticks.clear()
      table.putOff.clear()
    },
    rest() {
      table.restAt = world.monotonic()
      wake()
    },
    async run(job) {
      return new Promise((resolve, reject) => {
        table.jobs.push(async () => job().then(resolve, reject))
        wake()
      })
    },
    async idle() {
      await running
    },
    async stop() {
      table.isStarted = false
      cancelTimer?.()
      await running
    },
  }
}

function nextWork(options: WorkLoopOptions, table: Timetable): Work | undefined {
  if (table.isStarted && options.hasUrgent()) return async () => options.runUrgent()
  const job = table.jobs.shift()
  if (job !== undefined || !table.isStarted) return job
  return dueGroup(options, table) ?? dueRules(options, table) ?? dueRest(options, table)
}

function dueGroup({ world, groups, runGroup }: WorkLoopOptions, table: Timetable): Work | undefined {
  const now = world.now()
  for (const group of groups()) {
    const tick = tickOf(table, group, now)
    if (tick > now) continue
    const following = tickAfter(group, now)
    group.missed += Math.round((following - tick) / group.intervalMs) - 1
    table.ticks.set(group, following)
    return async () => runGroup(group, following - group.intervalMs)
  }
  return undefined
}

function dueRules({ world, runRules }: WorkLoopOptions, { putOff }: Timetable): Work | undefined {
  const now = world.monotonic()
  const due = [...putOff].flatMap(([rule, at]) => (at <= now ? [rule] : []))
  if (due.length === 0) return undefined
  for (const rule of due) putOff.delete(rule)
  return async () => runRules(due)
}

function dueRest({ world, commitRest }: WorkLoopOptions, table: Timetable): Work | undefined {
  if (table.restAt > world.monotonic()) return undefined
  table.restAt = Number.POSITIVE_INFINITY
  return async () => commitRest()
}

/** When a group is to run next. A tick that lies further ahead than one interval was set before the clock went back. */
function tickOf({ ticks }: Timetable, group: PlannedGroup, now: number): number {
  const known = ticks.get(group)
  if (known !== undefined && known - now <= group.intervalMs) return known
  const first = tickAfter(group, now)
  ticks.set(group, first)
  return first
}

function tickAfter({ group, intervalMs }: PlannedGroup, now: number): number {
  return nextTick(now, intervalMs, offsetOf(group.file, group.name, intervalMs))
}

function sleepMs({ world, groups }: WorkLoopOptions, table: Timetable): number {
  const now = world.now()
  const monotonic = world.monotonic()
  const ahead = groups().map((group) => tickOf(table, group, now) - now)
  const later = [...table.putOff.values(), table.restAt].map((at) => at - monotonic)
  return Math.max(1, Math.ceil(Math.min(SLEEP_MS_MAX, ...ahead, ...later)))
}
