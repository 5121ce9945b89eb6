import { expect, test } from 'vitest'
import { z } from 'zod'

import { forever } from '../../test/support/virtual-network.ts'
import { createVirtualWorld, type VirtualWorld } from '../../test/support/virtual-world.ts'
import type { Alert, AlertChange } from '../core/alert.ts'
import { fingerprint } from '../core/labels.ts'
import type { Notification, OutboxRow } from '../core/notification.ts'
import type { EpisodeRecord, GroupRecord } from '../core/records.ts'
import { OutsideError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { createOutbox, type OutboxChannel } from '../outbox/index.ts'
import type { LedgerEntry } from '../outbox/ledger.ts'
import { type Alerting, createAlerting } from './alerting.ts'
import { alertingSchema } from './config.ts'
import { decodeAlert } from './records.ts'

/*
 * From an alert's change to an accepted message, on a virtual clock, with seeded chance: alerts come and go, channels
 * fail in every way they have, and the process is killed before and after every write and every send. What was committed
 * is all that a new process gets. After each life everything must have been told, in order, and once.
 */

const MINUTE = 60_000
const NAMES = ['A', 'B', 'C', 'D', 'E', 'F']
const SEVERITIES = ['warning', 'critical']
const DESTINATIONS = ['machine', 'person'] as const

const entry = z.strictObject({ name: z.string(), send_resolved: z.boolean().default(true) })
const config = (mode: string) =>
  alertingSchema([
    { kind: 'machine', configKey: 'machine_configs', audience: 'machine', schema: entry },
    { kind: 'person', configKey: 'person_configs', audience: 'person', schema: entry },
  ]).parse({
    first_message: mode,
    route: { receiver: 'team', group_by: ['severity'], group_wait: '30s', group_interval: '5m', repeat_interval: '1h' },
    receivers: [{ name: 'team', machine_configs: [{ name: 'machine' }], person_configs: [{ name: 'person' }] }],
  })

const silent = (): void => undefined
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => log }

interface Received {
  readonly at: number
  readonly notification: Notification
}

/** What survives a kill, and what lies outside. */
function createOutside(seed: number) {
  const chance = createVirtualWorld({ seed })
  return {
    random: () => chance.random(),
    groups: new Map<string, GroupRecord>(),
    episodes: new Map<string, EpisodeRecord>(),
    outbox: new Map<string, OutboxRow>(),
    sequence: 0,
    received: new Map<string, Received[]>(DESTINATIONS.map((name) => [name, []])),
    kills: 0,
    /** How likely a kill is at each point where one may come. */
    killChance: 0,
    /** How likely a channel fails. */
    failChance: 0,
  }
}

type Outside = ReturnType<typeof createOutside>

/** One process, from its start to its kill. */
async function startProcess(outside: Outside, world: VirtualWorld, mode: string) {
  let isDead = false

  async function killPoint(): Promise<void> {
    if (isDead) return forever()
    if (outside.random() >= outside.killChance) return undefined
    isDead = true
    outside.kills += 1
    world.kill()
    return forever()
  }

  /** A write that may be killed before it, or after it when it is durable. */
  async function durably(change: () => void): Promise<void> {
    await killPoint()
    change()
    await killPoint()
  }

  async function send(destination: string, notification: Notification, signal: AbortSignal) {
    await killPoint()
    const fate = outside.random()
    const trouble = outside.failChance
    if (fate < trouble * 0.3) throw new OutsideError('server-error', '503', { retry: true })
    const retryAfterMs = Math.floor(outside.random() * 90_000)
    if (fate < trouble * 0.6) throw new OutsideError('rate-limited', '429', { retry: true, retryAfterMs })
    if (fate < trouble) await untilAborted(signal)
    outside.received.get(destination)?.push({ at: world.now(), notification: structuredClone(notification) })
    await killPoint()
    return { answer: 'ok' }
  }

  const alerting = createAlerting({ config: config(mode), world })
  alerting.restore({
    groups: [...outside.groups.values()],
    episodes: [...outside.episodes.values()].filter(({ endsAt }) => endsAt === undefined),
  })
  const channels = new Map<string, OutboxChannel>(
    DESTINATIONS.map((name) => [
      name,
      {
        kind: name,
        audience: name,
        channel: { send: async (notification, signal) => send(name, notification, signal) },
      },
    ]),
  )
  const outbox = createOutbox({
    store: {
      pending: async (after) => [...outside.outbox.values()].filter(({ sequence }) => sequence > after),
      record: async (written) => durably(() => record(outside, written)),
    },
    channels,
    world,
    log,
    onAttempt: silent,
  })
  outbox.wake()

  async function commit(plan: ReturnType<Alerting['plan']>): Promise<void> {
    await durably(() => write(outside, plan))
    plan.accept()
    outbox.wake()
  }

  return {
    isDead: () => isDead,
    outbox,
    change: async (changes: readonly AlertChange[]) => {
      if (changes.length > 0) await commit(alerting.plan(changes, world.now()))
    },
    /** Moves on to `until`, looking at groups when they are due. */
    async run(until: number): Promise<void> {
      for (;;) {
        const due = Math.max(alerting.nextDue() ?? Infinity, world.now())
        await world.advance(Math.max(0, Math.min(due, until) - world.now()))
        if (isDead || due > until) return
        void commit(alerting.tick(world.now()))
        await world.settle()
      }
    },
  }
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('nobody answered')), { once: true })
  })
}

function write(outside: Outside, { outcome }: ReturnType<Alerting['plan']>): void {
  for (const key of outcome.groups.remove) outside.groups.delete(key)
  for (const row of outcome.groups.put) outside.groups.set(row.key, structuredClone(row))
  for (const episode of outcome.episodes) outside.episodes.set(episode.episode, structuredClone(episode))
  for (const notification of outcome.notifications) {
    outside.sequence += 1
    outside.outbox.set(notification.id, {
      notification,
      sequence: outside.sequence,
      attempts: 0,
      dueAt: notification.causedAt,
    })
  }
}

function record(outside: Outside, written: LedgerEntry): void {
  for (const id of written.done) outside.outbox.delete(id)
  for (const { id, dueAt, attempts } of written.reschedule) {
    const row = outside.outbox.get(id)
    if (row !== undefined) outside.outbox.set(id, { ...row, dueAt, attempts })
  }
}

/** What rules would say to get from what is stored to what is true. */
function changesTo(truth: ReadonlyMap<string, string>, outside: Outside, world: VirtualWorld): readonly AlertChange[] {
  const active = [...outside.episodes.values()]
    .filter(({ endsAt }) => endsAt === undefined)
    .map(({ body }) => decodeAlert(body))
  const known = new Set(active.map(({ labels }) => labels['alertname']))
  const ended = active.flatMap((alert): AlertChange[] =>
    truth.has(alert.labels['alertname'] ?? '')
      ? []
      : [{ kind: 'ended', alert: { ...alert, endsAt: world.now(), end: 'resolved' } }],
  )
  const fired = [...truth].flatMap(([name, severity]): AlertChange[] => {
    if (known.has(name)) return []
    const labels = { alertname: name, severity }
    const alert: Alert = {
      episode: world.uuid(),
      fingerprint: fingerprint(labels),
      source: 'rule/f/g/x',
      labels,
      annotations: {},
      startsAt: world.now(),
      endsAt: undefined,
      end: undefined,
      isUnknown: false,
      generatorUrl: '',
    }
    return [{ kind: 'firing', alert }]
  })
  return [...ended, ...fired]
}

/** Lives one life with this seed, to a quiet end at which nothing fires and every channel accepts. */
async function live(
  seed: number,
  { kills, mode }: { readonly kills: number; readonly mode: string },
): Promise<Outside> {
  const outside = createOutside(seed)
  const truth = new Map<string, string>()
  let world = createVirtualWorld({ seed })
  let process = await startProcess(outside, world, mode)
  outside.killChance = kills
  outside.failChance = outside.random()

  async function step(ms: number): Promise<void> {
    void process.change(changesTo(truth, outside, world))
    await world.settle()
    await process.run(world.now() + ms)
    while (process.isDead()) {
      world = createVirtualWorld({
        seed: seed + outside.kills * 7919,
        start: world.now() + Math.floor(outside.random() * 20_000),
      })
      process = await startProcess(outside, world, mode)
      await world.settle()
    }
  }

  for (let turn = 0; turn < 40; turn += 1) {
    const name = NAMES[Math.floor(outside.random() * NAMES.length)] ?? 'A'
    if (!truth.delete(name)) truth.set(name, SEVERITIES[NAMES.indexOf(name) % 2] ?? 'warning')
    await step(Math.floor(outside.random() ** 3 * 15 * MINUTE))
  }
  outside.killChance = 0
  outside.failChance = 0
  await step(20 * MINUTE)
  truth.clear()
  await step(20 * MINUTE)
  return outside
}

/** What one destination was told of one alert, in order. */
function storyOf(
  received: readonly Received[],
  key: string,
): readonly { readonly at: number; readonly isFiring: boolean; readonly isUntold: boolean }[] {
  return received.flatMap(({ at, notification }) => {
    const alert = notification.alerts.find((candidate) => candidate.fingerprint === key)
    if (alert === undefined) return []
    return [{ at, isFiring: alert.endsAt === undefined, isUntold: notification.untold?.includes(key) === true }]
  })
}

/** What is wrong with a life; nothing, if all is well. */
function wrongs(outside: Outside): readonly string[] {
  const found: string[] = []
  if (outside.outbox.size > 0) found.push(`${outside.outbox.size} messages are still owed`)
  if (outside.groups.size > 0) found.push(`${outside.groups.size} rows of groups are left`)
  for (const [destination, received] of outside.received) {
    const copies = Map.groupBy(received, ({ notification }) => notification.id)
    const most = Math.max(0, ...[...copies.values()].map((list) => list.length - 1))
    if (most > outside.kills) found.push(`${destination} got one message ${most + 1} times with ${outside.kills} kills`)
    for (const episode of outside.episodes.values()) {
      const story = storyOf(received, episode.fingerprint)
      found.push(...wrongsOf(destination, episode, story))
      if (outside.kills === 0 && saysTwiceThatItIsOver(story)) found.push(`${destination} heard of an end twice`)
    }
  }
  return found
}

function wrongsOf(destination: string, episode: EpisodeRecord, story: ReturnType<typeof storyOf>): readonly string[] {
  const found: string[] = []
  const { startsAt, endsAt = Infinity } = episode
  const name = `${destination} ${episode.fingerprint} ${startsAt}`
  const before = story.findLast(({ at }) => at < startsAt)
  const wasTold =
    before?.isFiring === true || story.some(({ at, isFiring, isUntold }) => at >= startsAt && (isFiring || isUntold))
  // What is shorter than group_interval may end before its turn comes; what is longer may not.
  const lasted = endsAt - startsAt
  if (!wasTold && lasted > 6 * MINUTE) found.push(`${name} lasted ${lasted} ms and was never told`)
  if (story.at(-1)?.isFiring === true) found.push(`${name} was never told to be over`)
  const [first] = story
  if (first?.isFiring === false && !first.isUntold) found.push(`${name} was over before it was told to fire`)
  return found
}

function saysTwiceThatItIsOver(story: ReturnType<typeof storyOf>): boolean {
  return story.some(({ isFiring, isUntold }, index) => !isFiring && !isUntold && story[index - 1]?.isFiring === false)
}

/** Fresh seeds by hundreds of thousands are for the simulation of the whole path; these hold what was learned. */
const LIVES = 15
const SEEDS = Array.from({ length: LIVES }, (_, index) => index + 1)

test.each(['immediate', 'wait'])(
  'with %s every alert is told, in order, and once, while channels fail',
  async (mode) => {
    for (const seed of SEEDS) {
      const outside = await live(seed, { kills: 0, mode })
      expect({ seed, wrongs: wrongs(outside) }).toEqual({ seed, wrongs: [] })
    }
  },
)

test('and again only across a kill', async () => {
  let kills = 0
  for (const seed of SEEDS) {
    const outside = await live(seed, { kills: 0.03, mode: 'immediate' })
    kills += outside.kills
    expect({ seed, wrongs: wrongs(outside) }).toEqual({ seed, wrongs: [] })
  }
  expect(kills).toBeGreaterThan(SEEDS.length)
})

test('the checks see what would be wrong', async () => {
  const outside = await live(1, { kills: 0, mode: 'immediate' })
  const [machine] = outside.received.values()
  machine?.splice(
    0,
    machine.length,
    ...machine.filter(({ notification }) => notification.alerts.some(({ endsAt }) => endsAt !== undefined)),
  )

  expect(wrongs(outside)).not.toEqual([])
})
