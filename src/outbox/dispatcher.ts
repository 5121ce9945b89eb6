import type { OutboxRow } from '../core/notification.ts'
import type { Logger } from '../lib/log.ts'
import type { Cancel, World } from '../lib/world.ts'
import { createDestinationQueue, type Traits } from './destination-queue.ts'
import type { Destination, OutboxChannel, Shipping } from './shipping.ts'

export interface DispatcherOptions {
  readonly shipping: Shipping
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'random'>
  readonly log: Logger
  readonly channels: ReadonlyMap<string, OutboxChannel>
  /** Something was delivered, read or given up. */
  readonly onChange: () => void
}

/** Decides which destination goes next, so that each has its turn and not too much is under way. */
export interface Dispatcher {
  readonly add: (row: OutboxRow) => void
  /** Starts whatever may start now, and sets the timer for what may start later. */
  readonly pump: () => void
  readonly reload: (channels: ReadonlyMap<string, OutboxChannel>) => void
  /** How many messages wait for destinations that there are. */
  readonly queued: () => number
  /** Nothing waits for a destination that there is, and nothing is under way. */
  readonly isIdle: () => boolean
  readonly isStopping: () => boolean
  /** Starts nothing more; resolves when nothing is under way. */
  readonly stop: () => Promise<void>
}

/** How many messages may be under way at once, over all destinations. */
const CONCURRENCY = 8
/** A stored due time further away than this was written by a clock that was wrong. */
const DUE_MAX_MS = 86_400_000
const TIMER_MAX_MS = 3_600_000

export function createDispatcher({ shipping, world, log, channels, onChange }: DispatcherOptions): Dispatcher {
  const destinations = new Map<string, Destination>()
  const underWay = new Set<Promise<void>>()
  let configured = channels
  let isStopping = false
  let cancelTimer: Cancel | undefined

  function start(work: Promise<void>): void {
    underWay.add(work)
    void work.finally(() => {
      underWay.delete(work)
      pump()
    })
  }

  function pump(): void {
    if (!isStopping) {
      for (const destination of Array.from(destinations.values())) {
        if (underWay.size >= CONCURRENCY) break
        const work = shipping.begin(destination)
        if (work === undefined) continue
        // To the end of the line, so that every destination has its turn.
        destinations.delete(destination.name)
        destinations.set(destination.name, destination)
        start(work)
      }
      setTimer()
    }
    onChange()
  }

  function setTimer(): void {
    cancelTimer?.()
    if (underWay.size >= CONCURRENCY) return
    const dues = Array.from(destinations.values(), (destination) => shipping.nextAt(destination))
    const next = Math.min(...dues)
    if (next === Infinity) return
    cancelTimer = world.after(Math.min(Math.max(0, next - world.monotonic()), TIMER_MAX_MS), pump)
  }

  const queued = () => sizeOf([...destinations.values()])

  return {
    add(row) {
      const { destination: name } = row.notification
      const destination = destinations.get(name) ?? createDestination(name, configured.get(name), world)
      destinations.set(name, destination)
      if (destination.channel === undefined && destination.queue.size === 0) {
        log.warn('A message waits for a destination that is not configured', { destination: name })
      }
      destination.queue.add(row, world.monotonic() + Math.min(Math.max(0, row.dueAt - world.now()), DUE_MAX_MS))
    },
    pump,
    reload(next) {
      configured = next
      for (const destination of destinations.values()) destination.channel = next.get(destination.name)
      pump()
    },
    queued,
    isIdle: () => underWay.size === 0 && queued() === 0,
    isStopping: () => isStopping,
    async stop() {
      isStopping = true
      cancelTimer?.()
      await Promise.all(underWay)
    },
  }
}

function sizeOf(destinations: readonly Destination[]): number {
  return destinations.reduce((sum, { channel, queue }) => sum + (channel === undefined ? 0 : queue.size), 0)
}

function createDestination(
  name: string,
  channel: OutboxChannel | undefined,
  world: Pick<World, 'random'>,
): Destination {
  const destination: Destination = {
    name,
    channel,
    failingSince: undefined,
    queue: createDestinationQueue(() => traitsOf(destination), world.random),
  }
  return destination
}

function traitsOf({ channel }: Destination): Traits {
  return { audience: channel?.audience ?? 'machine', spacingMs: channel?.spacingMs ?? 0 }
}
