import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createVirtualWorld, type VirtualWorld } from '../../../test/support/virtual-world.ts'
import type { AlertChange } from '../../core/alert.ts'
import type { EventLogEntry, StoredEvent } from '../../core/event.ts'
import type { AlertStateRecord, EventRuleRecord, RuleOutcome } from '../../core/records.ts'
import type { Logger } from '../../lib/log.ts'
import { compileEventRules, type EventRule, parseEventRuleFile } from './compile.ts'
import { createEventRules, type EventRules } from './engine.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const EVENTS = { 'evm.log': { help: 'A log.', args: z.looseObject({}) } }
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

interface Seen {
  readonly name?: string
  readonly target?: string
  /** Names the fact; the sighting is the fact in a block. */
  readonly id?: string
  readonly block?: number
  readonly branch?: string
  readonly time?: number
  readonly isHistory?: boolean
  readonly args?: StoredEvent['args']
}

/** A process with event rules, whose storage survives it. */
interface House {
  readonly world: VirtualWorld
  readonly log: EventLogEntry[]
  readonly states: Map<string, AlertStateRecord>
  readonly positions: Map<string, EventRuleRecord>
  readonly changes: AlertChange[]
  readonly rules: EventRules
  isBroken: boolean
  commits: number
  see(seen?: Seen): Promise<void>
  retract(seen?: Seen): Promise<void>
  grow(height: number, target?: string): Promise<void>
  /** What was told, as `firing Failed 1`, with the fact of the alert. */
  told(): readonly string[]
  restart(options?: {
    readonly downMs?: number
    readonly rules?: string
    readonly targets?: readonly string[]
  }): Promise<House>
}

type Remains = Pick<House, 'world' | 'log' | 'states' | 'positions' | 'changes'>

async function createHouse(rules: string): Promise<House> {
  const world = createVirtualWorld({ seed: 1 })
  return open(rules, { world, log: [], states: new Map(), positions: new Map(), changes: [] })
}

async function open(rules: string, remains: Remains, targets?: readonly string[]): Promise<House> {
  const { world, log, states, positions, changes } = remains
  const state = { isBroken: false, commits: 0, isDead: false }
  const engine = createEventRules({
    world,
    log: silent,
    rules: compile(rules),
    lastSequence: log.at(-1)?.sequence ?? 0,
    read: async (after, limit, types) => {
      const wanted = log.filter(({ sequence, event }) => sequence > after && types.includes(event.type))
      const page = wanted.slice(0, limit)
      const last = page.length < limit ? log.at(-1) : page.at(-1)
      return Promise.resolve({ entries: page, upTo: last?.sequence ?? after })
    },
    submit: async (outcome) => {
      await Promise.resolve()
      if (state.isBroken || state.isDead) throw new Error('the disk is full')
      state.commits += 1
      keep(remains, outcome)
    },
    contextOf: (target) => ({ owner: `owner of ${target}` }),
    alertsOnHistory: (target) => target === 'museum',
  })
  engine.restore([...states.values()], [...positions.values()], targets)
  await engine.start()
  await world.settle()
  const add = async (kind: EventLogEntry['kind'], seen: Seen) => {
    const sequence = (log.at(-1)?.sequence ?? 0) + 1
    log.push({ kind, sequence, event: eventOf(seen, sequence, world.now()) })
    engine.wake()
    await world.settle()
  }
  return {
    world,
    log,
    states,
    positions,
    changes,
    rules: engine,
    get isBroken() {
      return state.isBroken
    },
    set isBroken(value) {
      state.isBroken = value
    },
    get commits() {
      return state.commits
    },
    see: async (seen = {}) => add('seen', seen),
    retract: async (seen = {}) => add('retracted', seen),
    async grow(height, target = 'bridge') {
      engine.height(target, height)
      await world.settle()
    },
    told: () => changes.map(describeChange),
    async restart({ downMs = 0, rules: nextRules = rules, targets: configured } = {}) {
      state.isDead = true
      world.kill()
      const next = createVirtualWorld({ seed: 2, start: world.now() + downMs })
      return open(nextRules, { ...remains, world: next }, configured)
    },
  }
}

function compile(rules: string): readonly EventRule[] {
  return compileEventRules(parseEventRuleFile(`event_rules: [${rules}]`, 'x.yml', EVENTS), 'x.yml')
}

function keyOf({ source, fingerprint }: { readonly source: string; readonly fingerprint: string }): string {
  return `${source} ${fingerprint}`
}

function keep({ states, positions, changes }: Remains, outcome: RuleOutcome): void {
  for (const removed of outcome.alertStates.remove) states.delete(keyOf(removed))
  for (const put of outcome.alertStates.put) {
    // What survives is what JSON can hold.
    const stored: AlertStateRecord = { ...put, body: structuredClone(put.body) }
    states.set(keyOf(put), stored)
  }
  for (const source of outcome.eventRules.remove) positions.delete(source)
  for (const put of outcome.eventRules.put) positions.set(put.source, put)
  changes.push(...outcome.changes)
}

function eventOf(seen: Seen, sequence: number, now: number): StoredEvent {
  const { name = 'Failed', target = 'bridge', id = '1', block = 100, branch = 'main' } = seen
  return {
    type: 'evm.log',
    name,
    key: `${branch}:${block}:${id}`,
    id,
    time: seen.time ?? now,
    height: block,
    isHistory: seen.isHistory ?? false,
    args: { tx_id: id, ...seen.args },
    block: { number: String(block), hash: `0x${branch}`, time: now },
    sequence,
    target,
    labels: { target, job: 'tesseract', instance: 'node:8545' },
  }
}

function describeChange({ kind, alert }: AlertChange): string {
  const { alertname, event_id: id, pool } = alert.labels
  const what = id ?? pool
  return `${kind === 'ended' ? alert.end : kind} ${alertname}${what === undefined ? '' : ` ${what}`}`
}

const FAILED = `{ alert: Failed, on: evm.log, where: 'event.name == "Failed"', labels: { severity: warning },
  annotations: { summary: 'Transaction {{ $event.args.tx_id }} of {{ $labels.target }} failed' } }`
const PAUSED = `{ alert: Paused, on: evm.log, where: 'event.name == "Paused"',
  resolve_on: { on: evm.log, where: 'event.name == "Unpaused"' }, by: { pool: args.pool } }`
const STORM = `{ alert: Storm, on: evm.log, where: 'event.name == "Failed"', count: 3, within: 10m, resolve_after: 1h }`

describe('an event alert', () => {
  test('is raised once per event, with its labels and texts', async () => {
    const house = await createHouse(FAILED)

    await house.see({ id: '1' })
    await house.see({ id: '2' })
    await house.see({ id: '3', name: 'Ready' })

    expect(house.told()).toEqual(['firing Failed 1', 'firing Failed 2'])
    expect(house.changes[0]?.alert).toMatchObject({
      source: 'event/x.yml/Failed',
      labels: {
        alertname: 'Failed',
        event_id: '1',
        severity: 'warning',
        target: 'bridge',
        job: 'tesseract',
        instance: 'node:8545',
      },
      annotations: { summary: 'Transaction 1 of bridge failed', owner: 'owner of bridge' },
      isUnknown: false,
    })
  })

  test('closes after resolve_after, which is not resolved', async () => {
    const house = await createHouse(FAILED)
    await house.see()

    await house.world.advance(15 * MINUTE)

    expect(house.told()).toEqual(['firing Failed 1', 'closed Failed 1'])
    expect(house.changes[1]?.alert).toMatchObject({
      endsAt: house.world.now(),
      episode: house.changes[0]?.alert.episode,
    })
  })

  test('closes on time although the process was down when it was due', async () => {
    let house = await createHouse(FAILED)
    await house.see()

    house = await house.restart({ downMs: HOUR })

    expect(house.told()).toEqual(['firing Failed 1', 'closed Failed 1'])
  })

  test('is not raised by history, unless the target wants that', async () => {
    const house = await createHouse(FAILED)

    await house.see({ isHistory: true })
    await house.see({ isHistory: true, target: 'museum', id: '2' })

    expect(house.told()).toEqual(['firing Failed 2'])
  })

  test('is raised for the targets of its rule only', async () => {
    const house = await createHouse(FAILED)
    const text = `event_rules: [${FAILED}]`
    await house.rules.reload(compileEventRules(parseEventRuleFile(text, 'x.yml', EVENTS), 'x.yml', ['other']), 0)

    await house.see()
    await house.see({ target: 'other', id: '2' })

    expect(house.told()).toEqual(['firing Failed 2'])
  })
})

describe('resolve_on', () => {
  test('resolves the alert with the same value of by, of the same target', async () => {
    const house = await createHouse(PAUSED)
    await house.see({ name: 'Paused', id: '1', args: { pool: 'a' } })
    await house.see({ name: 'Paused', id: '2', args: { pool: 'b' } })

    await house.see({ name: 'Unpaused', id: '3', args: { pool: 'b' }, target: 'other' })
    await house.see({ name: 'Unpaused', id: '4', args: { pool: 'b' } })
    await house.world.advance(24 * HOUR)

    expect(house.told()).toEqual(['firing Paused a', 'firing Paused b', 'resolved Paused b'])
  })

  test('one alert takes further events of its value, and tells the latest of them', async () => {
    const house = await createHouse(PAUSED.replace('by:', "annotations: { last: '{{ $event.id }}' }, by:"))

    await house.see({ name: 'Paused', id: '1', args: { pool: 'a' } })
    await house.see({ name: 'Paused', id: '2', args: { pool: 'a' } })
    await house.see({ name: 'Unpaused', id: '3', args: { pool: 'a' } })
    await house.see({ name: 'Paused', id: '4', args: { pool: 'a' } })

    expect(house.told()).toEqual(['firing Paused a', 'updated Paused a', 'resolved Paused a', 'firing Paused a'])
    expect(house.changes.map(({ alert }) => alert.annotations['last'])).toEqual(['1', '2', '2', '4'])
    expect(house.changes[3]?.alert.episode).not.toBe(house.changes[0]?.alert.episode)
  })

  test('without by resolves every alert of the target', async () => {
    const house = await createHouse(PAUSED.replace(', by: { pool: args.pool }', ''))
    await house.see({ name: 'Paused', id: '1' })
    await house.see({ name: 'Paused', id: '2' })

    await house.see({ name: 'Unpaused', id: '3' })

    expect(house.told()).toEqual(['firing Paused 1', 'firing Paused 2', 'resolved Paused 1', 'resolved Paused 2'])
  })
})

describe('count and within', () => {
  test('raises when so many events fall into the window, and not before', async () => {
    const house = await createHouse(STORM)

    await house.see({ id: '1' })
    await house.world.advance(6 * MINUTE)
    await house.see({ id: '2' })
    await house.world.advance(6 * MINUTE)
    await house.see({ id: '3' })
    const early = house.told()
    await house.see({ id: '4' })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing Storm'])
  })

  test('counts blocks where it says so', async () => {
    const house = await createHouse(STORM.replace('10m', '10 blocks'))

    await house.see({ id: '1', block: 100 })
    await house.see({ id: '2', block: 105 })
    await house.see({ id: '3', block: 110 })
    const early = house.told()
    await house.see({ id: '4', block: 114 })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing Storm'])
  })

  test('counts facts, not sightings, and not what was taken back', async () => {
    const house = await createHouse(STORM)

    await house.see({ id: '1', block: 100 })
    await house.retract({ id: '1', block: 100 })
    await house.see({ id: '1', block: 101 })
    await house.see({ id: '2', block: 101 })
    await house.retract({ id: '2', block: 101 })
    await house.see({ id: '3', block: 102 })
    const early = house.told()
    await house.see({ id: '2', block: 103 })

    expect(early).toEqual([])
    expect(house.told()).toEqual(['firing Storm'])
  })

  test('goes on counting after a kill', async () => {
    let house = await createHouse(STORM)
    await house.see({ id: '1' })
    await house.see({ id: '2' })

    house = await house.restart({ downMs: MINUTE })
    await house.see({ id: '3' })

    expect(house.told()).toEqual(['firing Storm'])
  })

  test('begins anew after the alert is over', async () => {
    const house = await createHouse(STORM.replace('1h', '1m'))
    for (const id of ['1', '2', '3']) await house.see({ id })
    await house.world.advance(MINUTE)

    await house.see({ id: '4' })
    await house.see({ id: '5' })
    const early = house.told()
    await house.see({ id: '6' })

    expect(early).toEqual(['firing Storm', 'closed Storm'])
    expect(house.told()).toEqual(['firing Storm', 'closed Storm', 'firing Storm'])
  })

  test('ends by a reorg that leaves too few', async () => {
    const house = await createHouse(STORM)
    for (const id of ['1', '2', '3']) await house.see({ id, block: 100 })

    await house.retract({ id: '2', block: 100 })
    await house.grow(102)

    expect(house.told()).toEqual(['firing Storm', 'resolved Storm'])
  })
})

describe('a reorg', () => {
  test('ends an alert once the chain is two blocks past it and its fact was not seen again', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })

    await house.retract({ block: 100 })
    await house.grow(101)
    const early = house.told()
    await house.grow(102)

    expect(early).toEqual(['firing Failed 1'])
    expect(house.told()).toEqual(['firing Failed 1', 'resolved Failed 1'])
    expect(house.changes[1]?.alert.annotations).toMatchObject({
      summary: 'Transaction 1 of bridge failed',
      resolved_reason: 'reverted by a reorg',
    })
  })

  test('that mines the fact elsewhere changes nothing and says nothing', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })

    await house.retract({ block: 100 })
    await house.see({ block: 101, branch: 'other' })
    await house.grow(110)

    expect(house.told()).toEqual(['firing Failed 1'])
  })

  test('whose height is known before its events waits for the events', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })
    await house.retract({ block: 100 })

    house.rules.height('bridge', 102)
    await house.see({ block: 102, branch: 'other' })

    expect(house.told()).toEqual(['firing Failed 1'])
  })

  test('that shows the new place before it takes the old one back is the same', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })

    await house.see({ block: 101, branch: 'other' })
    await house.retract({ block: 100 })
    await house.grow(110)

    expect(house.told()).toEqual(['firing Failed 1'])
  })

  test('after the alert was closed does not raise it again', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })
    await house.world.advance(20 * MINUTE)

    await house.retract({ block: 100 })
    await house.see({ block: 101, branch: 'other' })

    expect(house.told()).toEqual(['firing Failed 1', 'closed Failed 1'])
  })

  test('that was settled, and then is not, raises another alert', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })
    await house.retract({ block: 100 })
    await house.grow(102)

    await house.see({ block: 105, branch: 'other' })

    expect(house.told()).toEqual(['firing Failed 1', 'resolved Failed 1', 'firing Failed 1'])
  })

  test('is settled after a kill as before it', async () => {
    let house = await createHouse(FAILED)
    await house.see({ block: 100 })
    await house.retract({ block: 100 })

    house = await house.restart()
    await house.grow(102)

    expect(house.told()).toEqual(['firing Failed 1', 'resolved Failed 1'])
  })

  test('of one target’s chain settles nothing of another’s', async () => {
    const house = await createHouse(FAILED)
    await house.see({ block: 100 })
    await house.retract({ block: 100 })

    await house.grow(200, 'other')

    expect(house.told()).toEqual(['firing Failed 1'])
  })
})

describe('whatever a chain does and whenever the process dies', () => {
  const step = fc.record({
    what: fc.constantFrom('mine', 'drop', 'grow', 'kill', 'break', 'mend'),
    id: fc.constantFrom('1', '2', '3'),
  })

  test('what fires in the end is what stands on the chain, told as firing once for each time it began to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let house = await createHouse(FAILED.replace('labels:', 'resolve_after: 1y, labels:'))
        const mined = new Map<string, number>()
        let height = 100
        for (const { what, id } of steps) {
          const block = mined.get(id)
          if (what === 'mine' && block === undefined) {
            height += 1
            mined.set(id, height)
            await house.see({ id, block: height, branch: `b${height}` })
          }
          if (what === 'drop' && block !== undefined) {
            mined.delete(id)
            await house.retract({ id, block, branch: `b${block}` })
          }
          if (what === 'grow') await house.grow((height += 1))
          if (what === 'kill') house = await house.restart({ downMs: SECOND })
          if (what === 'break') house.isBroken = true
          if (what === 'mend') house.isBroken = false
        }
        house.isBroken = false
        await house.world.advance(2 * SECOND)
        await house.grow(height + 10)

        const firing = new Set<string>()
        for (const { kind, alert } of house.changes) {
          const id = alert.labels['event_id'] ?? ''
          expect(firing.has(id)).toBe(kind === 'ended')
          if (kind === 'ended') firing.delete(id)
          else firing.add(id)
        }
        expect([...firing].toSorted()).toEqual([...mined.keys()].toSorted())
      }),
      { numRuns: 100 },
    )
  })
})

describe('the position', () => {
  test('of a new rule is the end of the log', async () => {
    let house = await createHouse(FAILED)
    await house.see({ id: '1' })

    house = await house.restart({
      rules: `${FAILED}, ${PAUSED.replaceAll('Paused', 'Failed').replace('alert: Failed', 'alert: New')}`,
    })
    await house.see({ id: '2', args: { pool: 'a' } })

    expect(house.told()).toEqual(['firing Failed 1', 'firing Failed 2', 'firing New a'])
  })

  test('is kept from the start, so that what follows is not missed although the process dies at once', async () => {
    let house = await createHouse(FAILED)
    expect(house.positions.get('event/x.yml/Failed')?.position).toBe(0)
    house.log.push({ kind: 'seen', sequence: 1, event: eventOf({}, 1, house.world.now()) })

    house = await house.restart()

    expect(house.told()).toEqual(['firing Failed 1'])
  })

  test('moves with its alerts or not at all', async () => {
    const house = await createHouse(FAILED)
    house.isBroken = true
    await house.see({ id: '1' })
    await house.see({ id: '2' })
    const during = { told: house.told(), position: house.positions.get('event/x.yml/Failed')?.position }

    house.isBroken = false
    await house.world.advance(SECOND)

    expect(during).toEqual({ told: [], position: 0 })
    expect(house.told()).toEqual(['firing Failed 1', 'firing Failed 2'])
    expect(house.positions.get('event/x.yml/Failed')?.position).toBe(2)
  })

  test('takes any number of events, in transactions of at most 500', async () => {
    const house = await createHouse(FAILED)
    for (let sequence = 1; sequence <= 1_200; sequence += 1) {
      house.log.push({ kind: 'seen', sequence, event: eventOf({ id: String(sequence) }, sequence, house.world.now()) })
    }
    const { commits } = house

    house.rules.wake()
    await house.world.settle()

    expect(house.changes).toHaveLength(1_200)
    expect(house.commits - commits).toBe(3)
  })

  test('wherever the process is killed, each event is told exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('see', 'kill', 'break', 'mend', 'wait'), { maxLength: 40 }),
        async (steps) => {
          let house = await createHouse(FAILED)
          let seen = 0
          for (const step of steps) {
            if (step === 'see') await house.see({ id: String((seen += 1)) })
            if (step === 'kill') house = await house.restart({ downMs: SECOND })
            if (step === 'break') house.isBroken = true
            if (step === 'mend') house.isBroken = false
            if (step === 'wait') await house.world.advance(SECOND)
          }
          house.isBroken = false
          await house.world.advance(2 * SECOND)
          expect(house.told()).toEqual(Array.from({ length: seen }, (_, index) => `firing Failed ${index + 1}`))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a rule that cannot be evaluated', () => {
  const BAD = `{ alert: Bad, on: evm.log, where: 'event.args.reason > 5' }`

  test('raises one alert about itself, which closes when it has not happened for a while', async () => {
    const house = await createHouse(BAD)

    await house.see({ id: '1', args: { reason: 'x' } })
    await house.see({ id: '2', args: { reason: 'x' } })
    await house.see({ id: '3', args: { reason: '6' } })
    await house.world.advance(15 * MINUTE)

    expect(house.told()).toEqual([
      'firing ChainwardenEventRuleFailing',
      'firing Bad 3',
      'closed ChainwardenEventRuleFailing',
      'closed Bad 3',
    ])
    expect(house.changes[0]?.alert.labels).toEqual({
      alertname: 'ChainwardenEventRuleFailing',
      rule: 'Bad',
      severity: 'warning',
    })
    expect(house.changes[0]?.alert.annotations['description']).toMatch(
      /no such overload.* in: event\.args\.reason > 5$/,
    )
  })

  test('an attribute that the event lacks is no failure', async () => {
    const house = await createHouse(BAD)

    await house.see()

    expect(house.told()).toEqual([])
  })
})

describe('a change of the configuration', () => {
  test('closes the alerts of a rule that left, and forgets its position', async () => {
    const house = await createHouse(FAILED)
    await house.see()

    await house.rules.reload([], 1)

    expect(house.told()).toEqual(['firing Failed 1', 'closed Failed 1'])
    expect(house.changes[1]?.alert.annotations['resolved_reason']).toBe('the rule left the configuration')
    expect([house.positions.size, house.states.size]).toEqual([0, 0])
  })

  test('while the process was down is the same', async () => {
    let house = await createHouse(FAILED)
    await house.see()

    house = await house.restart({ rules: '' })

    expect(house.told()).toEqual(['firing Failed 1', 'closed Failed 1'])
    expect([house.positions.size, house.states.size]).toEqual([0, 0])
  })

  test('keeps what stays, and begins what is new at the end', async () => {
    const house = await createHouse(FAILED)
    await house.see({ id: '1' })

    await house.rules.reload(compile(`${FAILED.replace('15m', '1h')}, ${STORM}`), 1)
    await house.see({ id: '2' })

    expect(house.told()).toEqual(['firing Failed 1', 'firing Failed 2'])
    expect(house.positions.get('event/x.yml/Storm')?.position).toBe(2)
  })

  test('closes the alerts of a target that left', async () => {
    const house = await createHouse(FAILED)
    await house.see({ id: '1' })
    await house.see({ id: '2', target: 'other' })

    house.rules.removeTarget('other')
    await house.world.settle()
    const [bridge] = [await house.restart({ targets: [] })]

    expect(bridge.told().slice(2)).toEqual(['closed Failed 2', 'closed Failed 1'])
    expect(bridge.changes[2]?.alert.annotations['resolved_reason']).toBe('the target left the configuration')
  })

  test('after a stop nothing goes on', async () => {
    const house = await createHouse(FAILED)
    await house.rules.stop()

    await house.see()
    await house.world.advance(HOUR)

    expect(house.told()).toEqual([])
    expect(house.world.pendingTimers).toBe(0)
  })
})
