import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import type { PlannedGroup, PlannedRule } from './plan.ts'
import { nextTick, offsetOf } from './schedule.ts'

/** What is to be done, and by whom. Nothing of it runs beside anything else of it. */
export interface WorkLoopOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'after'>
  readonly log: Logger
  groups(): readonly PlannedGroup[]
  /** Goes before everything else. */
  hasUrgent(): boolean
  runUrgent(): Promise<void>
  runGroup(group: PlannedGroup, at: number): Promise<void>
  runRules(rules: readonly PlannedRule[]): Promise<void>
  /** Tries again what could not be committed. */
  retry(): Promise<void>
}

export interface WorkLoop {
  start(): void
  /** There is urgent work. */
  wake(): void
  /** This rule is to run in so many milliseconds, if nothing runs it before. */
  later(rule: PlannedRule, ms: number): void
  /** This rule has run. */
  done(rule: PlannedRule): void
  /** The groups are others now. */
  forget(): void
  /** Runs a job between other work, also before the start; its failure is the caller's. */
  run(job: () => Promise<void>): Promise<void>
  idle(): Promise<void>
  stop(): Promise<void>
}

const RETRY_MS = 1_000
const SLEEP_MS_MAX = 60_000

/**
 * One thing after the other: urgent work, then jobs, then groups whose tick has come, then rules that were put off. Ticks
 * lie at fixed instants of the wall's clock; a group that is late skips the ticks it has missed.
 */
export function createWorkLoop(options: WorkLoopOptions): WorkLoop {
  const { world, log } = options
  const jobs: (() => Promise<void>)[] = []
  const putOff = new Map<PlannedRule, number>()
  const ticks = new Map<PlannedGroup, number>()
  let retryAt = Number.POSITIVE_INFINITY
  let isStarted = false
  let running: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  function wake(): void {
    if (isStarted || jobs.length > 0) running ??= run()
  }

  async function run(): Promise<void> {
    // What is started here must not be done before its caller knows that it runs.
    await Promise.resolve()
    for (let work = next(); work !== undefined; work = next()) {
      try {
        await work()
      } catch (error) {
        log.error('what rules found could not be committed; trying again', { error })
        retryAt = world.monotonic() + RETRY_MS
      }
    }
    running = undefined
    sleep()
  }

  function next(): (() => Promise<void>) | undefined {
    if (isStarted && options.hasUrgent()) return options.runUrgent
    const job = jobs.shift()
    if (job !== undefined) return job
    if (!isStarted) return undefined
    return dueGroup() ?? dueRules() ?? dueRetry()
  }

  function dueGroup(): (() => Promise<void>) | undefined {
    const now = world.now()
    for (const group of options.groups()) {
      const tick = tickOf(group, now)
      if (tick > now) continue
      const following = tickAfter(group, now)
      group.missed += Math.round((following - tick) / group.intervalMs) - 1
      ticks.set(group, following)
      return async () => options.runGroup(group, following - group.intervalMs)
    }
    return undefined
  }

  function dueRules(): (() => Promise<void>) | undefined {
    const now = world.monotonic()
    const due = [...putOff].flatMap(([rule, at]) => (at <= now ? [rule] : []))
    if (due.length === 0) return undefined
    for (const rule of due) putOff.delete(rule)
    return async () => options.runRules(due)
  }

  function dueRetry(): (() => Promise<void>) | undefined {
    if (retryAt > world.monotonic()) return undefined
    retryAt = Number.POSITIVE_INFINITY
    return options.retry
  }

  /** When a group is to run next. A tick that lies further ahead than one interval was set by a clock that jumped back. */
  function tickOf(group: PlannedGroup, now: number): number {
    const known = ticks.get(group)
    if (known !== undefined && known - now <= group.intervalMs) return known
    const first = tickAfter(group, now)
    ticks.set(group, first)
    return first
  }

  function tickAfter({ group, intervalMs }: PlannedGroup, now: number): number {
    return nextTick(now, intervalMs, offsetOf(group.file, group.name, intervalMs))
  }

  function sleep(): void {
    cancelTimer?.()
    cancelTimer = undefined
    if (!isStarted) return
    const now = world.now()
    const monotonic = world.monotonic()
    const ahead = options.groups().map((group) => tickOf(group, now) - now)
    const later = [...putOff.values(), retryAt].map((at) => at - monotonic)
    const ms = Math.min(SLEEP_MS_MAX, ...ahead, ...later)
    cancelTimer = world.after(Math.max(1, Math.ceil(ms)), wake)
  }

  return {
    start() {
      isStarted = true
      wake()
    },
    wake,
    later(rule, ms) {
      const at = world.monotonic() + ms
      putOff.set(rule, Math.min(putOff.get(rule) ?? at, at))
    },
    done: (rule) => void putOff.delete(rule),
    forget() {
      ticks.clear()
      putOff.clear()
    },
    async run(job) {
      return new Promise((resolve, reject) => {
        jobs.push(async () => job().then(resolve, reject))
        wake()
      })
    },
    async idle() {
      await running
    },
    async stop() {
      isStarted = false
      cancelTimer?.()
      await running
    },
  }
}
