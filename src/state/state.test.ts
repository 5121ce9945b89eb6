import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'

import { databaseKinds, runSql, type TestDatabase } from '../../test/support/databases.ts'
import type { Alert } from '../core/alert.ts'
import type { Duty } from '../core/duty.ts'
import type { Event } from '../core/event.ts'
import type { JourneyDefinition, JourneyStep } from '../core/journey.ts'
import type { Notification } from '../core/notification.ts'
import type { AlertCommit, RoundCommit } from '../core/records.ts'
import { AlreadyRunning } from '../lib/errors.ts'
import { openState, type State } from './index.ts'
import type { Retention } from './prune.ts'

const kinds = await databaseKinds()
afterAll(async () => {
  for (const kind of kinds) await kind.stop()
})

const DAY_MS = 86_400_000
const TARGET = { target: 'tesseract', type: 'evm-contract', subject: '1:0xaa', at: 1_000 }
const JOURNEY: JourneyDefinition = {
  name: 'transaction',
  outcomes: ['ready', 'failed'],
  deadlineMs: 600_000,
  bucketsSeconds: [10, 60],
}
const ALERT: Alert = {
  episode: 'episode-1',
  fingerprint: '00000000000000aa',
  source: 'event/file/X',
  labels: { alertname: 'X' },
  annotations: { summary: 'null \0 and half a pair \ud800' },
  startsAt: 5,
  endsAt: undefined,
  end: undefined,
  isUnknown: false,
  generatorUrl: '',
}
const RETENTION: Retention = { eventsMs: DAY_MS, journeysMs: DAY_MS, dutiesMs: DAY_MS, notificationsMs: DAY_MS }

function event(key: string, changes: Partial<Event> = {}): Event {
  return {
    type: 'evm.log',
    name: 'TransactionFailed',
    key,
    id: `fact of ${key}`,
    time: 1_700_000_000_000,
    height: 7,
    isHistory: false,
    args: { tx_id: '0x01', amount: '115792089237316195423570985008687907853269984665640564039457584007913129639935' },
    block: { number: '7', hash: '0xb', time: 1_700_000_000_000 },
    tx: { hash: '0xt', index: 3 },
    logIndex: 2,
    address: '0xaa',
    chainId: 1,
    ...changes,
  }
}

function round(changes: Partial<RoundCommit> = {}): RoundCommit {
  return {
    target: 'tesseract',
    at: 1_700_000_000_000,
    labels: { target: 'tesseract', job: 'evm-contract', instance: 'localhost:8545', team: 'bridge' },
    cursor: { version: 1 },
    height: 7,
    events: [],
    retracted: [],
    duties: [],
    journeySteps: [],
    journeys: [],
    ...changes,
  }
}

function start(key: string, eventKey: string, time: number): JourneyStep {
  return { kind: 'start', journey: 'transaction', key, outcome: '', time, event: eventKey }
}

function end(key: string, outcome: string, [eventKey, time]: readonly [string, number]): JourneyStep {
  return { kind: 'end', journey: 'transaction', key, outcome, time, event: eventKey }
}

function clock(time: number): JourneyStep {
  return { kind: 'clock', journey: 'transaction', time, deadlineMs: 600_000 }
}

function alertCommit(changes: Partial<AlertCommit> = {}): AlertCommit {
  return {
    alertStates: { put: [], remove: [] },
    eventRules: { put: [], remove: [] },
    groups: { put: [], remove: [] },
    episodes: [],
    notifications: [],
    ...changes,
  }
}

function notification(id: string, changes: Partial<Notification> = {}): Notification {
  return {
    id,
    receiver: 'team',
    destination: 'team/webhook/1',
    groupKey: '{}:{alertname="X"}',
    groupLabels: { alertname: 'X' },
    reason: 'first',
    alerts: [ALERT],
    truncated: 0,
    causedAt: 6,
    ...changes,
  }
}

describe.each(kinds)('on $name', (kind) => {
  let database: TestDatabase
  let state: State

  beforeEach(async () => {
    database = await kind.create()
    state = await database.open()
  })
  afterEach(async () => {
    await database.remove()
  })

  async function reopen(): Promise<State> {
    await state.close()
    state = await database.open()
    return state
  }

  /** Commits steps, each with the sighting it names, whose height is its name. */
  async function commit(steps: readonly JourneyStep[], changes: Partial<RoundCommit> = {}) {
    const keys = new Set(steps.flatMap((step) => (step.kind === 'clock' ? [] : [step.event])))
    const events = [...keys].map((key) => event(key, { height: Number.parseInt(key, 10), logIndex: 0 }))
    const committed = await state.targets.commitRound(
      round({ events, journeySteps: steps, journeys: [JOURNEY], ...changes }),
    )
    const summary = committed.journeys[0]
    if (summary === undefined) throw new Error('no summary came')
    const { inFlight, outcomes } = summary
    const totals = Object.fromEntries(outcomes.map((each) => [each.outcome, `${each.ended}-${each.retracted}`]))
    return { inFlight, totals, outcomes }
  }

  describe('targets', () => {
    test('the first opening makes the target, later ones find its cursor and first start', async () => {
      expect(await state.targets.open(TARGET)).toEqual({
        target: 'tesseract',
        type: 'evm-contract',
        subject: '1:0xaa',
        firstStartedAt: 1_000,
        cursor: undefined,
        height: undefined,
        replaced: undefined,
      })
      await state.targets.commitRound(round({ cursor: { block: '12', ring: [1, null] }, height: 12 }))
      await state.targets.commitRound(round({ cursor: { block: '12', ring: [2, null] }, height: undefined }))
      await reopen()

      const opened = await state.targets.open({ ...TARGET, at: 9_000 })

      expect(opened).toMatchObject({ firstStartedAt: 1_000, cursor: { block: '12', ring: [2, null] }, height: 12 })
    })

    test('another subject begins anew, and nothing of the old one counts into it', async () => {
      await state.targets.open(TARGET)
      await state.targets.commitRound(
        round({ events: [event('a')], journeys: [JOURNEY], journeySteps: [start('k', 'a', 1_000)] }),
      )

      const opened = await state.targets.open({ ...TARGET, subject: '1:0xbb', at: 2_000 })
      const { journeys } = await state.targets.commitRound(round({ events: [event('a')], journeys: [JOURNEY] }))

      expect(opened).toMatchObject({
        cursor: undefined,
        firstStartedAt: 2_000,
        replaced: { type: 'evm-contract', subject: '1:0xaa' },
      })
      expect(journeys[0]).toMatchObject({ inFlight: 0 })
      expect(await state.events.query({ target: 'tesseract', limit: 10 })).toHaveLength(1)
      expect((await state.events.after(0, 10)).entries).toHaveLength(2)
    })

    test('a removed target starts for the first time when it comes back', async () => {
      await state.targets.open(TARGET)
      await state.targets.commitRound(round({ events: [event('a')] }))
      await state.targets.remove('tesseract')

      const opened = await state.targets.open({ ...TARGET, at: 2_000 })

      expect(opened).toMatchObject({ cursor: undefined, firstStartedAt: 2_000, replaced: undefined })
      expect(await state.targets.sightings('tesseract', 0)).toEqual([])
    })

    test('a round of a target that was never opened, or with too large a cursor, is refused', async () => {
      await expect(state.targets.commitRound(round())).rejects.toThrow('before it was opened')
      await state.targets.open(TARGET)
      await expect(state.targets.commitRound(round({ cursor: 'x'.repeat(65_536) }))).rejects.toThrow(
        'larger than 65536',
      )
      await expect(state.targets.commitRound(round({ cursor: 'x'.repeat(65_534) }))).resolves.toBeDefined()
    })
  })

  describe('events', () => {
    beforeEach(async () => {
      await state.targets.open(TARGET)
    })

    test('an event comes back as it was stored, numbered and with the labels of its target', async () => {
      const plain: Event = {
        type: 'docker.died',
        name: 'died',
        key: 'p',
        id: 'p',
        time: 5,
        isHistory: true,
        args: { code: 137, nested: [{ deep: null }] },
      }
      await state.targets.commitRound(round({ events: [event('a'), plain] }))

      const { entries } = await state.events.after(0, 10)

      const labels = round().labels
      expect(entries).toEqual([
        { kind: 'seen', sequence: 1, event: { ...event('a'), sequence: 1, target: 'tesseract', labels } },
        { kind: 'seen', sequence: 2, event: { ...plain, sequence: 2, target: 'tesseract', labels } },
      ])
    })

    test('a sighting that stands is stored once; one that was retracted is seen again under a new number', async () => {
      await state.targets.commitRound(round({ events: [event('a'), event('a'), event('b')] }))
      await state.targets.commitRound(round({ events: [event('a')] }))
      await state.targets.commitRound(round({ retracted: ['a', 'a', 'never seen'] }))
      await state.targets.commitRound(round({ events: [event('a')] }))
      await state.targets.commitRound(round({ retracted: ['b'], events: [event('c')] }))

      const { entries } = await state.events.after(0, 100)

      expect(entries.map(({ kind: what, sequence, event: { key } }) => `${sequence} ${what} ${key}`)).toEqual([
        '1 seen a',
        '2 seen b',
        '3 retracted a',
        '4 seen a',
        '5 retracted b',
        '6 seen c',
      ])
      expect(await state.events.lastSequence()).toBe(6)
      expect((await state.targets.sightings('tesseract', 0)).map(({ key }) => key)).toEqual(['a', 'c'])
    })

    test('a sighting that is retracted and seen in one round stands', async () => {
      await state.targets.commitRound(round({ events: [event('a')] }))
      const { lastSequence } = await state.targets.commitRound(round({ retracted: ['a'], events: [event('a')] }))

      expect(lastSequence).toBe(3)
      expect(await state.targets.sightings('tesseract', 0)).toHaveLength(1)
    })

    test('pages of the log put together are the whole log', async () => {
      for (let index = 0; index < 12; index += 1) {
        const events = [event(`${index}`), event(`${index}'`)]
        await state.targets.commitRound(round({ events, retracted: index < 2 ? [] : [`${index - 2}`] }))
      }
      const { entries: whole } = await state.events.after(0, 1_000)
      const paged = []
      for (let after = 0; ; after = paged.at(-1)?.sequence ?? after) {
        const { entries: page } = await state.events.after(after, 5)
        if (page.length === 0) break
        paged.push(...page)
      }

      expect(paged).toEqual(whole)
      expect(whole.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 34 }, (_, index) => index + 1))
    })

    test('of the log only what is wanted comes, and a page says how far it looked', async () => {
      const old = { ...event('old'), type: 'wanted', isHistory: true }
      const wanted = { ...event('new'), type: 'wanted', isHistory: false }
      await state.targets.commitRound(round({ events: [old, wanted, { ...event('other'), type: 'other' }] }))
      await state.targets.commitRound(round({ retracted: ['old', 'other'] }))
      const pageOf = async (after: number, limit: number, history: boolean) => {
        const { entries, upTo } = await state.events.after(after, limit, { types: ['wanted'], history })
        return { upTo, entries: entries.map(({ kind: what, event: { key } }) => `${what} ${key}`) }
      }

      expect(await pageOf(0, 10, true)).toEqual({ upTo: 5, entries: ['seen old', 'seen new', 'retracted old'] })
      expect(await pageOf(0, 10, false)).toEqual({ upTo: 5, entries: ['seen new', 'retracted old'] })
      expect(await pageOf(0, 1, false)).toEqual({ upTo: 2, entries: ['seen new'] })
      expect(await pageOf(4, 10, true)).toEqual({ upTo: 5, entries: [] })
    })

    test('a log that holds nothing wanted is looked through in one call, however long it is', async () => {
      const events = Array.from({ length: 9_000 }, (_, index) => ({ ...event(`${index}`), type: 'other' }))
      await state.targets.commitRound(round({ events: [...events, { ...event('last'), type: 'wanted' }] }))

      const { entries, upTo } = await state.events.after(0, 2, { types: ['wanted'], history: true })

      expect(entries.map(({ sequence }) => sequence)).toEqual([9_001])
      expect(upTo).toBe(9_001)
    })

    test('sightings above a height come in ascending order, each with what the chain must confirm', async () => {
      await state.targets.commitRound(
        round({
          events: [event('c', { height: 9, isHistory: true }), event('a', { height: 7 }), event('b', { height: 8 })],
        }),
      )

      expect(await state.targets.sightings('tesseract', 7)).toEqual([
        { key: 'b', id: 'fact of b', name: 'TransactionFailed', height: 8, isHistory: false },
        { key: 'c', id: 'fact of c', name: 'TransactionFailed', height: 9, isHistory: true },
      ])
    })

    test('a query gives the newest that stand, oldest first, and after a number the next ones', async () => {
      const events = Array.from({ length: 9_000 }, (_, index) =>
        event(`${index}`, { time: index, name: index % 3_000 === 0 ? 'Rare' : 'Common' }),
      )
      await state.targets.commitRound(round({ events }))
      await state.targets.commitRound(round({ retracted: ['8999'] }))
      const keysOf = async (query: Parameters<State['events']['query']>[0]) =>
        (await state.events.query(query)).map(({ key }) => key)

      expect(await keysOf({ limit: 2 })).toEqual(['8997', '8998'])
      expect(await keysOf({ name: 'Rare', limit: 2 })).toEqual(['3000', '6000'])
      expect(await keysOf({ name: 'Rare', afterSequence: 0, limit: 2 })).toEqual(['0', '3000'])
      expect(await keysOf({ afterSequence: 8_998, limit: 9 })).toEqual(['8998'])
      expect(await keysOf({ fromMs: 10, toMs: 12, limit: 9 })).toEqual(['10', '11', '12'])
      expect(await keysOf({ type: 'evm.log', target: 'other', limit: 9 })).toEqual([])
    })

    test('names that a chain made up are stored, whatever is in them', async () => {
      const odd = ['\0', '\ud800', 'x'.repeat(10_000), `${'x'.repeat(10_000)}y`]
      const events = odd.map((text) => event(text, { id: text, args: { reason: text } }))
      const steps = odd.map((text) => start(text, text, 1_000))
      const { journeys } = await state.targets.commitRound(round({ events, journeys: [JOURNEY], journeySteps: steps }))

      expect(journeys[0]?.inFlight).toBe(4)
      expect((await state.events.query({ limit: 10 })).map(({ args }) => args['reason'])).toEqual(odd)
      await state.targets.commitRound(round({ retracted: odd }))
      expect(await state.events.query({ limit: 10 })).toEqual([])
    })
  })

  describe('duties', () => {
    const duty = {
      kind: 'attest',
      height: 5,
      round: 0,
      actor: 'tz1a',
      time: 1_000,
      details: { slots: 12, late: false },
    }
    beforeEach(async () => {
      await state.targets.open(TARGET)
    })

    test('what could not be seen may be seen later; what was seen stays', async () => {
      await state.targets.commitRound(round({ duties: [{ ...duty, outcome: 'unknown' }] }))
      await state.targets.commitRound(
        round({
          duties: [
            { ...duty, outcome: 'unknown' },
            { ...duty, outcome: 'missed' },
            { ...duty, outcome: 'done' },
          ],
        }),
      )
      await state.targets.commitRound(round({ duties: [{ ...duty, outcome: 'done' }] }))

      expect(await state.duties.query({ limit: 10 })).toEqual([{ ...duty, outcome: 'missed', target: 'tesseract' }])
    })

    test('they are found by target, kind, actor, outcome and time, the newest last', async () => {
      const done = (height: number): Duty => ({ ...duty, height, time: height, outcome: 'done' })
      const duties = [done(1), done(2), done(3)]
      await state.targets.commitRound(round({ duties: [...duties, { ...duty, kind: 'bake', outcome: 'missed' }] }))
      const heights = async (query: Partial<Parameters<State['duties']['query']>[0]>) =>
        (await state.duties.query({ limit: 10, ...query })).map(({ height }) => height)

      expect(await heights({ kind: 'attest', limit: 2 })).toEqual([2, 3])
      expect(await heights({ outcome: 'missed', actor: 'tz1a', target: 'tesseract' })).toEqual([5])
      expect(await heights({ fromMs: 2, toMs: 3 })).toEqual([2, 3])
      expect(await heights({ actor: 'tz1b' })).toEqual([])
    })
  })

  describe('journeys', () => {
    beforeEach(async () => {
      await state.targets.open(TARGET)
    })

    test('every outcome exists from the first round, at 0', async () => {
      const { inFlight, totals, outcomes } = await commit([])

      expect({ inFlight, totals }).toEqual({
        inFlight: 0,
        totals: { ready: '0-0', failed: '0-0', expired: '0-0' },
      })
      expect(outcomes.map(({ buckets }) => buckets)).toEqual([
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ])
    })

    test('a journey takes from its first start to its last end, also over a restart', async () => {
      expect(await commit([start('k', '1', 1_000)])).toMatchObject({ inFlight: 1 })
      await reopen()
      const { inFlight, outcomes } = await commit([end('k', 'ready', ['2', 46_000])])

      expect(inFlight).toBe(0)
      expect(outcomes[0]).toEqual({ outcome: 'ready', ended: 1, retracted: 0, buckets: [0, 1, 1], sumSeconds: 45 })
    })

    test('a later end replaces an earlier one, whichever is stored first', async () => {
      await commit([start('k', '1', 1_000), end('k', 'failed', ['2', 2_000])])
      expect((await commit([end('k', 'ready', ['4', 4_000])])).totals).toMatchObject({ failed: '1-1', ready: '1-0' })
      expect((await commit([end('k', 'failed', ['3', 3_000])])).totals).toMatchObject({ failed: '1-1', ready: '1-0' })
    })

    test('an end whose sighting is retracted opens the journey again, or gives way to the end before', async () => {
      await commit([start('k', '1', 1_000), end('k', 'failed', ['2', 2_000]), end('k', 'ready', ['3', 3_000])])

      expect(await commit([], { retracted: ['3'] })).toMatchObject({
        inFlight: 0,
        totals: { ready: '1-1', failed: '1-0' },
      })
      expect(await commit([], { retracted: ['2'] })).toMatchObject({
        inFlight: 1,
        totals: { ready: '1-1', failed: '1-1' },
      })
      expect(await commit([], { retracted: ['1'] })).toMatchObject({ inFlight: 0 })
    })

    test('an end without a start counts, without a duration, until its start is seen', async () => {
      const alone = await commit([end('k', 'ready', ['5', 5_000])])
      const whole = await commit([start('k', '1', 1_000)])

      expect(alone.outcomes[0]).toMatchObject({ ended: 1, buckets: [0, 0, 0] })
      expect(whole.outcomes[0]).toMatchObject({ ended: 1, buckets: [1, 1, 1], sumSeconds: 4 })
    })

    test("a journey expires by the chain's clock, and an end after that replaces it", async () => {
      await commit([start('old', '1', 1_000), start('young', '2', 2_000), clock(601_000)])
      const expired = await commit([clock(601_001)])
      const late = await commit([end('old', 'ready', ['9', 900_000])])

      expect(expired).toMatchObject({ inFlight: 1, totals: { expired: '1-0', ready: '0-0' } })
      expect(late).toMatchObject({ inFlight: 1, totals: { expired: '1-1', ready: '1-0' } })
    })

    test('a clock that goes back with a reorg takes back what had expired by it', async () => {
      await commit([start('old', '1', 1_000), start('young', '2', 60_000), clock(700_000)])

      expect(await commit([clock(650_000)])).toMatchObject({ inFlight: 1, totals: { expired: '2-1' } })
      expect(await commit([clock(660_001)])).toMatchObject({ inFlight: 0, totals: { expired: '3-1' } })
    })

    test('steps of a sighting that stood already change nothing', async () => {
      await commit([start('k', '1', 1_000)])

      expect(await commit([start('other', '1', 1_000)])).toMatchObject({ inFlight: 1 })
    })

    test('other bounds are filled from what is stored, and what retention took keeps its place', async () => {
      await commit([start('a', '1', 0), end('a', 'ready', ['2', 30_000])], { at: 0 })
      await state.prune(RETENTION, 3 * DAY_MS)
      await commit([start('b', '3', 0), end('b', 'ready', ['4', 15_000])], { at: 3 * DAY_MS })

      const { outcomes } = await commit([], { journeys: [{ ...JOURNEY, bucketsSeconds: [20, 50, 100] }] })

      expect(outcomes[0]).toEqual({ outcome: 'ready', ended: 2, retracted: 0, buckets: [1, 1, 2, 2], sumSeconds: 45 })
    })

    test('a step without its definition is refused, and nothing of its round is stored', async () => {
      await expect(commit([start('k', '1', 1_000)], { journeys: [], cursor: { version: 2 } })).rejects.toThrow(
        'without its definition',
      )

      expect(await state.events.lastSequence()).toBe(0)
      expect((await state.targets.open(TARGET)).cursor).toBeUndefined()
    })
  })

  describe('commits', () => {
    test('those that wait together get numbers in the order they came, and one that fails spoils none', async () => {
      await state.targets.open(TARGET)
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, async (_, index) =>
          state.targets.commitRound(
            round({
              cursor: { index },
              events: [event(`${index}`)],
              journeySteps: index === 20 ? [start('k', '20', 1)] : [],
            }),
          ),
        ),
      )

      expect(results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))).toEqual([20])
      const keys = (await state.events.after(0, 100)).entries.map(
        ({ sequence, event: { key } }) => `${sequence} ${key}`,
      )
      const others = Array.from({ length: 40 }, (_, index) => index).filter((index) => index !== 20)
      expect(keys).toEqual(others.map((index, position) => `${position + 1} ${index}`))
      expect((await state.targets.open(TARGET)).cursor).toEqual({ index: 39 })
    })

    test('a reader sees all of a long commit or nothing', async () => {
      await state.targets.open(TARGET)
      const events = Array.from({ length: 5_000 }, (_, index) => event(`${index}`, { height: 5_000 - index }))
      const committed = state.targets.commitRound(round({ events }))
      const wholes: number[] = []
      for (let reads = 0; reads < 300; reads += 1) {
        const first = await state.targets.sightings('tesseract', 4_999)
        if (first.length > 0) wholes.push((await state.targets.sightings('tesseract', 0)).length)
        if (wholes.length > 2) break
        await database.options.world.yield()
      }
      await committed

      expect(wholes.filter((count) => count !== 5_000)).toEqual([])
      expect(await state.targets.sightings('tesseract', 0)).toHaveLength(5_000)
    })
  })

  describe('alerts', () => {
    const firing = { episode: 'e1', source: 's', fingerprint: 'f', startsAt: 1, endsAt: undefined, body: { a: 1 } }

    test('what was committed is there after a restart', async () => {
      const kept = alertCommit({
        alertStates: { put: [{ source: 's', fingerprint: 'f', body: { since: 1, text: '\0' } }], remove: [] },
        eventRules: { put: [{ source: 'r', position: 12, body: [] }], remove: [] },
        groups: { put: [{ key: `{x="\0${'y'.repeat(5_000)}"}`, dueAt: 99, body: { members: [] } }], remove: [] },
        episodes: [firing, { ...firing, episode: 'e2', endsAt: 5 }],
      })
      await state.alerts.commit(kept)
      await reopen()

      expect(await state.alerts.load()).toEqual({
        alertStates: kept.alertStates.put,
        eventRules: kept.eventRules.put,
        groups: kept.groups.put,
        episodes: [firing],
      })
      expect((await state.alerts.endedEpisodes(10)).map(({ episode }) => episode)).toEqual(['e2'])
    })

    test('rows are replaced and removed by their keys, and an episode ends', async () => {
      const put = { source: 's', fingerprint: 'f', body: 1 }
      await state.alerts.commit(
        alertCommit({
          alertStates: { put: [put, { ...put, fingerprint: 'g' }], remove: [] },
          groups: { put: [{ key: 'k', dueAt: 1, body: 1 }], remove: [] },
          eventRules: { put: [{ source: 'r', position: 1, body: 1 }], remove: [] },
          episodes: [firing],
        }),
      )
      await state.alerts.commit(
        alertCommit({
          alertStates: {
            put: [
              { ...put, body: 2 },
              { ...put, body: 3 },
            ],
            remove: [{ source: 's', fingerprint: 'g' }],
          },
          groups: { put: [], remove: ['k'] },
          eventRules: { put: [], remove: ['r'] },
          episodes: [{ ...firing, endsAt: 9 }],
        }),
      )

      expect(await state.alerts.load()).toEqual({
        alertStates: [{ ...put, body: 3 }],
        eventRules: [],
        groups: [],
        episodes: [],
      })
    })
  })

  describe('outbox', () => {
    test('what is owed comes back unchanged, oldest first, page by page', async () => {
      const owed = [notification('n1'), notification('n2', { reason: 'resolved' }), notification('n3')]
      await state.alerts.commit(alertCommit({ notifications: owed }))
      await reopen()

      const first = await state.outbox.pending(0, 2)
      const rest = await state.outbox.pending(first.at(-1)?.sequence)

      expect([...first, ...rest]).toEqual(
        owed.map((each, index) => ({ notification: each, sequence: index + 1, attempts: 0, dueAt: 6 })),
      )
    })

    test('a notification that is committed twice is owed once', async () => {
      const twice = alertCommit({ notifications: [notification('n1'), notification('n1')] })
      await state.alerts.commit(twice)
      await state.outbox.record({ attempts: [], reschedule: [], done: ['n1'] })
      await state.alerts.commit(twice)

      expect(await state.outbox.pending()).toEqual([])
    })

    test('attempts are kept with what became of the notification', async () => {
      const attempt = { notificationId: 'n1', at: 10, durationMs: 3, answer: 'busy' }
      await state.alerts.commit(
        alertCommit({ notifications: [notification('n1'), notification('n2', { destination: 'team/slack/1' })] }),
      )
      await state.outbox.record({
        attempts: [{ ...attempt, number: 1, outcome: 'retry', reason: 'rate-limited', answer: 'x\0'.repeat(400) }],
        reschedule: [{ id: 'n1', dueAt: 1_000, attempts: 1 }],
        done: [],
      })

      expect(await state.outbox.pending(0, 1)).toMatchObject([{ attempts: 1, dueAt: 1_000 }])
      expect(await state.outbox.queued()).toEqual(
        new Map([
          ['team/webhook/1', 1],
          ['team/slack/1', 1],
        ]),
      )

      await state.outbox.record({
        attempts: [{ ...attempt, number: 2, outcome: 'accepted', reason: '' }],
        reschedule: [],
        done: ['n1'],
      })

      expect((await state.outbox.pending()).map((row) => row.notification.id)).toEqual(['n2'])
      expect(await state.outbox.attemptsOf('n1')).toEqual([
        { ...attempt, number: 1, outcome: 'retry', reason: 'rate-limited', answer: 'x\u{FFFD}'.repeat(250) },
        { ...attempt, number: 2, outcome: 'accepted', reason: '' },
      ])
      const told = await state.outbox.notificationsOf('episode-1')
      expect(told.map(({ notification: { id }, doneAt }) => [id, doneAt !== undefined])).toEqual([
        ['n1', true],
        ['n2', false],
      ])
    })
  })

  test('settings keep a text under a key until it is removed', async () => {
    await state.settings.set('instance', 'one')
    await state.settings.set('instance', 'two')
    await reopen()

    expect(await state.settings.get('instance')).toBe('two')
    await state.settings.remove('instance')
    expect(await state.settings.get('instance')).toBeUndefined()
  })

  describe('retention', () => {
    const now = 10 * DAY_MS

    test('what is old goes, in batches; what is young, open, owed, firing or unread stays', async () => {
      await state.targets.open(TARGET)
      const old = Array.from({ length: 1_200 }, (_, index) => event(`old ${index}`))
      const duty = { kind: 'bake', round: 0, actor: 'a', outcome: 'done' as const, details: {} }
      await state.targets.commitRound(
        round({
          at: 0,
          events: old,
          journeys: [JOURNEY],
          journeySteps: [start('open', 'old 0', 1), start('k', 'old 1', 1), end('k', 'ready', ['old 2', 2])],
          duties: Array.from({ length: 1_100 }, (_, height) => ({ ...duty, height, time: Math.floor(height / 300) })),
        }),
      )
      await state.targets.commitRound(
        round({ at: now, events: [event('new')], duties: [{ ...duty, height: 9_999, time: now }] }),
      )
      const episode = { source: 's', fingerprint: 'f', startsAt: 1, body: {} }
      await state.alerts.commit(
        alertCommit({
          eventRules: { put: [{ source: 'r', position: 1_100, body: {} }], remove: [] },
          episodes: [
            { ...episode, episode: 'about fires', endsAt: undefined },
            { ...episode, episode: 'about over', endsAt: 5 },
          ],
          notifications: ['fires', 'over', 'owed'].map((id) =>
            notification(id, { alerts: [{ ...ALERT, episode: `about ${id}` }] }),
          ),
        }),
      )
      await state.outbox.record({
        attempts: [
          { notificationId: 'over', number: 1, at: 1, durationMs: 1, outcome: 'accepted', reason: '', answer: '' },
        ],
        reschedule: [],
        done: ['fires', 'over'],
      })
      const later = now + 100_000 * DAY_MS

      expect(await state.prune({ ...RETENTION, notificationsMs: 1 }, now)).toMatchObject({
        events: 1_100,
        journeys: 1,
        duties: 1_100,
        notifications: 0,
        episodes: 1,
      })
      expect(await state.prune({ ...RETENTION, eventsMs: later, dutiesMs: later }, later)).toMatchObject({
        events: 0,
        duties: 0,
        notifications: 1,
      })
      expect(await state.outbox.attemptsOf('over')).toEqual([])
      expect((await state.duties.query({ limit: 10 })).map(({ height }) => height)).toEqual([9_999])
      expect((await state.outbox.pending()).map((row) => row.notification.id)).toEqual(['owed'])
      expect((await state.alerts.load()).episodes.map((row) => row.episode)).toEqual(['about fires'])
      expect(await state.events.query({ limit: 1_000 })).toHaveLength(101)
      const { journeys } = await state.targets.commitRound(round({ journeys: [JOURNEY] }))
      expect(journeys[0]).toMatchObject({ inFlight: 1 })
      expect(journeys[0]?.outcomes[0]).toMatchObject({ outcome: 'ready', ended: 1 })
    })

    test('of a target that was set apart nothing is left in the end', async () => {
      await state.targets.open(TARGET)
      await state.targets.commitRound(
        round({ at: 0, events: [event('a')], journeys: [JOURNEY], journeySteps: [start('open', 'a', 1)] }),
      )
      await state.targets.remove('tesseract')

      expect(await state.prune(RETENTION, now)).toMatchObject({ events: 1, journeys: 1 })
      expect((await state.events.after(0, 10)).entries).toEqual([])
    })
  })

  test('the size on the disk is known', async () => {
    expect(await state.size()).toBeGreaterThan(10_000)
  })
})

describe.each(kinds.filter(({ name }) => name === 'PostgreSQL'))('only on $name', (kind) => {
  test('a second process on the database is refused until the first is gone', async () => {
    const database = await kind.create()
    const first = await database.open()
    const options = { ...database.options, world: { ...database.options.world, sleep: async () => {} } }

    await expect(openState(options)).rejects.toThrow(AlreadyRunning)
    await first.close()
    const second = await openState(options)
    await second.close()
    await database.remove()
  })

  test('a process that lost its lock to another writes nothing more', async () => {
    const database = await kind.create()
    const options = { ...database.options, world: { ...database.options.world, sleep: async () => {} } }
    const first = await openState(options)
    await first.settings.set('who', 'first')
    const url = options.url?.reveal() ?? ''
    await runSql(url, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
    const second = await openState(options)

    await expect(first.settings.set('who', 'first again')).rejects.toThrow(AlreadyRunning)
    expect(await second.settings.get('who')).toBe('first')
    await first.close()
    await second.close()
    await database.remove()
  })

  test('a lock that was lost and that nobody took is taken again', async () => {
    const database = await kind.create()
    const state = await database.open()
    const url = database.options.url?.reveal() ?? ''
    await runSql(url, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")

    await state.settings.set('who', 'still me')

    expect(await state.settings.get('who')).toBe('still me')
    await database.remove()
  })
})
