import { describe, expect, test } from 'vitest'

import { createVirtualWorld } from '../../test/support/virtual-world.ts'
import type { Alert } from '../core/alert.ts'
import { fingerprint } from '../core/labels.ts'
import type { DeliveryAttempt, Notification, OutboxRow } from '../core/notification.ts'
import { OutsideError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { LedgerEntry } from './ledger.ts'
import { createOutbox } from './outbox.ts'
import type { AttemptReport, OutboxChannel } from './shipping.ts'

type Behaviour = 'accept' | 'hang' | OutsideError | Error

const down = new OutsideError('server-error', 'the service answered 503', { retry: true })
const bad = new OutsideError('rejected', 'the service answered 400', { retry: false })
const throttled = (ms: number) =>
  new OutsideError('rate-limited', 'the service answered 429', { retry: true, retryAfterMs: ms })

function createTestLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const log: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  }
  return { log, lines }
}

function alertOf(name: string, more: Partial<Alert> = {}): Alert {
  const labels = { alertname: name }
  return {
    episode: name,
    fingerprint: fingerprint(labels),
    source: 'api',
    labels,
    annotations: {},
    startsAt: 0,
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
    ...more,
  }
}

/** An outbox over a store in memory, with destinations that do as they are told. */
function createHarness(kinds: Readonly<Record<string, Partial<OutboxChannel>>> = { hook: {} }) {
  const world = createVirtualWorld({ seed: 1 })
  const { log, lines } = createTestLog()
  const rows = new Map<string, OutboxRow>()
  const attempts: DeliveryAttempt[] = []
  const reports: AttemptReport[] = []
  const sent: { readonly at: number; readonly destination: string; readonly notification: Notification }[] = []
  const behaviours = new Map<string, Behaviour[]>()
  const store = {
    isBroken: false,
    failures: 0,
    async pending(after: number) {
      store.failures -= 1
      if (store.failures >= 0) throw new Error('the disk is busy')
      return [...rows.values()].filter(({ sequence }) => sequence > after).slice(0, 3)
    },
    async record(entry: LedgerEntry) {
      if (store.isBroken) throw new Error('the disk is full')
      attempts.push(...entry.attempts)
      for (const id of entry.done) rows.delete(id)
      for (const { id, dueAt, attempts: count } of entry.reschedule) {
        const row = rows.get(id)
        if (row !== undefined) rows.set(id, { ...row, dueAt, attempts: count })
      }
    },
  }
  let sequence = 0

  function channelOf(destination: string): OutboxChannel {
    return {
      kind: 'test',
      audience: 'machine',
      ...kinds[destination],
      channel: {
        async send(notification) {
          sent.push({ at: world.monotonic(), destination, notification })
          const behaviour = behaviours.get(destination)?.shift() ?? 'accept'
          if (behaviour === 'hang') return new Promise(() => undefined)
          if (behaviour === 'accept') return { answer: '200' }
          throw behaviour
        },
      },
    }
  }

  const channels = () => new Map(Object.keys(kinds).map((name) => [name, channelOf(name)]))
  const start = () =>
    createOutbox({ store, channels: channels(), world, log, onAttempt: (report) => void reports.push(report) })
  let outbox = start()

  return {
    world,
    rows,
    attempts,
    reports,
    lines,
    store,
    sent,
    channels,
    get outbox() {
      return outbox
    },
    restart() {
      outbox = start()
    },
    behave(destination: string, ...next: Behaviour[]) {
      behaviours.set(destination, next)
    },
    owe(alerts: readonly Alert[], more: Partial<Notification> = {}): string {
      sequence += 1
      const id = `n${sequence}`
      const notification: Notification = {
        id,
        receiver: 'team',
        destination: 'hook',
        groupKey: 'g',
        groupLabels: {},
        reason: 'first',
        alerts,
        truncated: 0,
        causedAt: world.now(),
        ...more,
      }
      rows.set(id, { notification, sequence, attempts: 0, dueAt: notification.causedAt })
      outbox.wake()
      return id
    },
    /** `destination id +A -B`, and `!B` for what fired and ended unheard. */
    heard: () =>
      sent.map(({ destination, notification }) => {
        const untold = new Set(notification.untold)
        const names = notification.alerts.map(({ labels, endsAt, fingerprint: key }) => {
          if (endsAt === undefined) return `+${labels['alertname']}`
          return `${untold.has(key) ? '!' : '-'}${labels['alertname']}`
        })
        return `${destination} ${notification.id} ${names.join(' ')}`
      }),
    ledger: () =>
      attempts.map(({ notificationId, number, outcome, reason }) =>
        `${notificationId}#${number} ${outcome} ${reason}`.trim(),
      ),
  }
}

const ended = (name: string) => alertOf(name, { endsAt: 5, end: 'resolved' })

describe('a message', () => {
  test('is done only after the channel accepted it', async () => {
    const harness = createHarness()
    harness.behave('hook', 'hang')
    harness.owe([alertOf('A')])
    await harness.world.settle()
    expect(harness.rows.size).toBe(1)
    await harness.world.advance(30_000)

    expect(harness.rows.size).toBe(0)
    expect(harness.ledger()).toEqual(['n1#1 retry timeout', 'n1#2 accepted'])
  })

  test('is tried again after 1, 2, 4 ... 60 seconds, and later every ten minutes, for as long as it takes', async () => {
    const harness = createHarness()
    harness.behave('hook', ...Array.from({ length: 400 }, () => down))
    harness.owe([alertOf('A')])
    await harness.world.advance(2 * 24 * 3_600_000)
    const gaps = harness.sent.slice(1).map(({ at }, index) => (at - (harness.sent[index]?.at ?? 0)) / 1_000)

    for (const [index, most] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      expect(gaps[index]).toBeLessThanOrEqual(most)
      expect(gaps[index]).toBeGreaterThanOrEqual(most * 0.75)
    }
    expect(Math.max(...gaps.slice(0, 60))).toBeLessThanOrEqual(60)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(600)
    expect(Math.min(...gaps.slice(-10))).toBeGreaterThanOrEqual(450)
    expect(harness.rows.size).toBe(1)
    harness.behave('hook')
    await harness.world.advance(600_000)
    expect(harness.rows.size).toBe(0)
  })

  test('waits exactly as long as the service asks', async () => {
    const harness = createHarness()
    harness.behave('hook', throttled(400), throttled(90_000))
    harness.owe([alertOf('A')])
    await harness.world.advance(200_000)

    expect(harness.sent.map(({ at }) => at)).toEqual([0, 400, 90_400])
  })

  test('that a service refuses for good is recorded and logged, and the next goes out', async () => {
    const harness = createHarness()
    harness.behave('hook', bad)
    harness.owe([alertOf('A')])
    await harness.world.settle()
    harness.owe([alertOf('A'), alertOf('B')])
    await harness.world.settle()

    expect(harness.ledger()).toEqual(['n1#1 refused rejected', 'n2#1 accepted'])
    expect(harness.rows.size).toBe(0)
    expect(harness.lines).toContain('error A destination refused a message for good')
  })

  test('survives a channel that fails in itself', async () => {
    const harness = createHarness()
    harness.behave('hook', new TypeError('undefined is not a function'))
    harness.owe([alertOf('A')])
    await harness.world.advance(2_000)

    expect(harness.ledger()).toEqual(['n1#1 retry local', 'n1#2 accepted'])
  })

  test('is measured from what caused it', async () => {
    const harness = createHarness()
    harness.behave('hook', throttled(3_000))
    harness.owe([alertOf('A')])
    await harness.world.advance(4_000)

    expect(harness.reports.map(({ outcome, deliverySeconds }) => [outcome, deliverySeconds])).toEqual([
      ['retry', undefined],
      ['accepted', 3],
    ])
  })
})

describe('order', () => {
  test('messages of one group go one after the other', async () => {
    const harness = createHarness()
    harness.behave('hook', 'hang')
    harness.owe([alertOf('A')])
    await harness.world.settle()
    harness.owe([ended('A')])
    await harness.world.advance(9_000)
    expect(harness.heard()).toEqual(['hook n1 +A'])
    await harness.world.advance(10_000)

    expect(harness.heard()).toEqual(['hook n1 +A', 'hook n2 !A'])
  })

  test('FIRING that was never accepted and is overtaken by RESOLVED goes out as one message that says both', async () => {
    const harness = createHarness()
    harness.behave('hook', down)
    harness.owe([alertOf('A'), alertOf('B')])
    await harness.world.settle()
    harness.owe([alertOf('B'), ended('A')])
    await harness.world.advance(10_000)

    expect(harness.heard()).toEqual(['hook n1 +A +B', 'hook n2 +B !A'])
    expect(harness.ledger()).toEqual(['n1#1 retry server-error', 'n1#2 merged', 'n2#1 accepted'])
    expect(harness.rows.size).toBe(0)
  })

  test('the end of what was accepted as firing is not called unheard', async () => {
    const harness = createHarness()
    harness.owe([alertOf('A')])
    await harness.world.settle()
    harness.owe([ended('A')])
    await harness.world.settle()

    expect(harness.heard()).toEqual(['hook n1 +A', 'hook n2 -A'])
  })

  test('a message that always fails does not hold up other groups', async () => {
    const harness = createHarness()
    harness.behave('hook', down, 'accept', down, 'accept')
    harness.owe([alertOf('bad')], { groupKey: 'bad' })
    await harness.world.settle()
    harness.owe([alertOf('A')], { groupKey: 'a' })
    await harness.world.advance(1_000)

    expect(harness.heard().slice(0, 2)).toEqual(['hook n1 +bad', 'hook n2 +A'])
  })

  test('a destination that is back after an outage gets everything at once', async () => {
    const harness = createHarness()
    harness.behave('hook', ...Array.from({ length: 30 }, () => down))
    harness.owe([alertOf('A')], { groupKey: 'a' })
    harness.owe([alertOf('B')], { groupKey: 'b' })
    await harness.world.advance(600_000)
    harness.behave('hook')
    harness.owe([alertOf('C')], { groupKey: 'c' })
    await harness.world.advance(10)

    expect(harness.rows.size).toBe(0)
  })

  test('a destination that hangs does not hold up the others', async () => {
    const harness = createHarness({ slow: {}, hook: {} })
    harness.behave('slow', 'hang')
    harness.owe([alertOf('A')], { destination: 'slow' })
    harness.owe([alertOf('A')])
    await harness.world.settle()

    expect(harness.ledger()).toEqual(['n2#1 accepted'])
  })

  test('one destination gets one message at a time, and not faster than it bears', async () => {
    const harness = createHarness({ hook: { spacingMs: 1_000 } })
    for (const group of ['a', 'b', 'c']) harness.owe([alertOf(group)], { groupKey: group })
    await harness.world.advance(10_000)

    expect(harness.sent.map(({ at }) => at)).toEqual([0, 1_000, 2_000])
  })
})

describe('too much', () => {
  const groups = Array.from({ length: 60 }, (_, index) => `g${index}`)

  test('a person gets one message that names the rest', async () => {
    const harness = createHarness({ chat: { audience: 'person', spacingMs: 1_000 } })
    for (const group of groups) harness.owe([alertOf(group)], { groupKey: group, destination: 'chat' })
    await harness.world.advance(5_000)

    expect(harness.sent.length).toBeLessThan(5)
    const told = harness.sent.flatMap(({ notification }) =>
      notification.alerts.map(({ labels }) => labels['alertname']),
    )
    expect(new Set(told)).toEqual(new Set(groups))
    expect(harness.sent.at(-1)?.notification.digestOf).toBeGreaterThan(20)
    expect(harness.rows.size).toBe(0)
  })

  test('a machine gets every message', async () => {
    const harness = createHarness()
    for (const group of groups) harness.owe([alertOf(group)], { groupKey: group })
    await harness.world.advance(1_000)

    expect(harness.sent).toHaveLength(60)
    expect(harness.sent.every(({ notification }) => notification.digestOf === undefined)).toBe(true)
  })

  test('a digest that is refused is told message by message', async () => {
    const harness = createHarness({ chat: { audience: 'person' } })
    harness.behave('chat', 'hang', bad)
    for (const group of groups) harness.owe([alertOf(group)], { groupKey: group, destination: 'chat' })
    await harness.world.advance(60_000)
    const accepted = harness.attempts.filter(({ outcome }) => outcome === 'accepted')

    expect(accepted).toHaveLength(60)
    expect(harness.rows.size).toBe(0)
  })

  test('messages of a machine merge only as far as one message can hold', async () => {
    const harness = createHarness()
    harness.behave('hook', 'hang')
    const names = (from: number) => Array.from({ length: 600 }, (_, index) => alertOf(`A${from + index}`))
    harness.owe([alertOf('first')])
    await harness.world.settle()
    harness.owe(names(0))
    harness.owe(names(600))
    await harness.world.advance(20_000)

    expect(harness.sent.every(({ notification }) => notification.alerts.length <= 1_000)).toBe(true)
    expect(harness.sent.every(({ notification }) => notification.truncated === 0)).toBe(true)
    expect(
      new Set(harness.sent.flatMap(({ notification }) => notification.alerts.map((alert) => alert.fingerprint))).size,
    ).toBe(1_201)
  })
})

describe('the process', () => {
  test('takes up after a restart what was owed, with its attempts', async () => {
    const harness = createHarness()
    harness.behave('hook', down, down)
    harness.owe([alertOf('A')])
    await harness.world.advance(1_000)
    await harness.outbox.stop(1_000)
    harness.restart()
    harness.outbox.wake()
    await harness.world.advance(10_000)

    expect(harness.ledger()).toEqual(['n1#1 retry server-error', 'n1#2 retry server-error', 'n1#3 accepted'])
  })

  test('reads what is owed page by page, and a store that fails once more', async () => {
    const harness = createHarness()
    harness.store.failures = 2
    for (let index = 0; index < 10; index += 1) harness.owe([alertOf('A')], { groupKey: `g${index}` })
    await harness.world.advance(10_000)

    expect(harness.rows.size).toBe(0)
    expect(harness.sent).toHaveLength(10)
  })

  test('sends nothing more to a destination while its last answer cannot be stored, and then not twice', async () => {
    const harness = createHarness()
    harness.store.isBroken = true
    harness.owe([alertOf('A')])
    await harness.world.advance(1_000)
    harness.owe([alertOf('A'), alertOf('B')])
    await harness.world.advance(120_000)
    expect(harness.heard()).toEqual(['hook n1 +A'])
    harness.store.isBroken = false
    await harness.world.advance(60_000)

    expect(harness.heard()).toEqual(['hook n1 +A', 'hook n2 +A +B'])
    expect(harness.rows.size).toBe(0)
  })

  test('stops in the time it is given, and what was under way stays owed', async () => {
    const harness = createHarness()
    harness.behave('hook', 'hang')
    harness.owe([alertOf('A')])
    await harness.world.settle()
    let isStopped = false
    const stop = async () => {
      await harness.outbox.stop(4_000)
      isStopped = true
    }
    const stopped = stop()
    await harness.world.advance(3_999)
    expect(isStopped).toBe(false)
    await harness.world.advance(1)
    await stopped

    expect(harness.ledger()).toEqual([])
    expect(harness.rows.size).toBe(1)
  })

  test('waits for an answer that comes in time', async () => {
    const harness = createHarness()
    harness.behave('hook', throttled(60_000))
    harness.owe([alertOf('A')])
    await harness.outbox.stop(4_000)
    harness.outbox.wake()
    await harness.world.advance(120_000)

    expect(harness.sent.length).toBeLessThanOrEqual(1)
    expect(harness.rows.size).toBe(1)
  })

  test('says when nothing is owed any more, and when the time for that is over', async () => {
    const harness = createHarness()
    harness.behave('hook', down)
    harness.owe([alertOf('A')])
    const patient = harness.outbox.drained(new AbortController().signal)
    const hurry = new AbortController()
    const impatient = harness.outbox.drained(hurry.signal)
    await harness.world.settle()
    hurry.abort()

    expect(await impatient).toBe(false)
    await harness.world.advance(5_000)
    expect(await patient).toBe(true)
  })

  test('keeps messages for a destination that is gone, until it is back', async () => {
    const harness = createHarness()
    harness.owe([alertOf('A')], { destination: 'gone' })
    await harness.world.advance(3_600_000)
    expect(harness.rows.size).toBe(1)
    expect(await harness.outbox.drained(new AbortController().signal)).toBe(true)
    const [channel] = harness.channels().values()
    if (channel !== undefined) harness.outbox.reload(new Map([['gone', channel]]))
    await harness.world.settle()

    expect(harness.rows.size).toBe(0)
  })

  test('gives up messages for a destination that is gone for a day, and says so', async () => {
    const harness = createHarness()
    harness.owe([alertOf('A')], { destination: 'gone' })
    await harness.world.advance(25 * 3_600_000)

    expect(harness.ledger()).toEqual(['n1#1 refused not-found'])
    expect(harness.rows.size).toBe(0)
    expect(harness.lines.some((line) => line.startsWith('error Messages for a destination'))).toBe(true)
  })

  test('a clock that is set back delays no message', async () => {
    const harness = createHarness()
    harness.world.jumpWallClock(3_600_000)
    const id = harness.owe([alertOf('A')])
    harness.world.jumpWallClock(-3_600_000)
    await harness.world.settle()

    expect(harness.rows.has(id)).toBe(false)
  })

  test('counts what waits', async () => {
    const harness = createHarness()
    harness.behave('hook', 'hang')
    harness.owe([alertOf('A')])
    await harness.world.settle()
    harness.owe([alertOf('B')], { groupKey: 'b' })
    await harness.world.settle()

    expect(harness.outbox.queued()).toBe(2)
  })
})
