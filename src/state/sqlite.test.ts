import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

import SqliteFile from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { silentLog } from '../../test/support/databases.ts'
import { AlreadyRunning, ConfigError, messageOf, OutsideError } from '../lib/errors.ts'
import { createWorld } from '../lib/world.ts'
import { explain } from './database-errors.ts'
import { lockFolder, openState, type State } from './index.ts'
import { openSqlite } from './sqlite.ts'
import { createWriter } from './writer.ts'

const run = promisify(execFile)
const world = createWorld()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainwarden-sqlite-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function open(): Promise<State> {
  return openState({ folder, world, log: silentLog })
}

/** What a program for a child process begins with: the state of a folder, opened, and a way to say something. */
function childProgram(body: string): readonly string[] {
  const imports = `
    import { writeSync } from 'node:fs'
    import { openState, lockFolder } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    import { createWorld } from ${JSON.stringify(new URL('../lib/world.ts', import.meta.url).href)}
    const folder = ${JSON.stringify(folder)}
    const none = () => {}
    const log = { debug: none, info: none, warn: none, error: none, child: () => log }
    const say = (text) => writeSync(1, text + '\\n')
    const open = () => openState({ folder, world: createWorld(), log })
`
  return ['--input-type=module', '-e', imports + body]
}

/** As root nothing is read-only but a file system; whether one may be mounted is up to where the tests run. */
function canBeReadOnly(): boolean {
  return process.getuid?.() !== 0 || spawnSync('sh', ['-c', 'unshare -m true']).status === 0
}

describe('opening', () => {
  test('a state that a newer version wrote is refused with both schemas named, and left as it is', async () => {
    await (await open()).close()
    const file = new SqliteFile(join(folder, 'state.db'))
    file.exec("insert into kysely_migration (name, timestamp) values ('9999-later', 'x')")
    file.close()
    const before = readFileSync(join(folder, 'state.db'))

    await expect(open()).rejects.toThrow(ConfigError)
    await expect(open()).rejects.toThrow(/written by a newer version of Chainwarden .*9999-later.*0001-first/)
    expect(readFileSync(join(folder, 'state.db')).equals(before)).toBe(true)
  })

  test("a file that is no database, or another program's, is refused and left as it is", async () => {
    const path = join(folder, 'state.db')
    writeFileSync(path, 'no database '.repeat(1_000))
    await expect(open()).rejects.toThrow(/cannot be used: it is no database/)
    expect(readFileSync(path, 'utf8')).toBe('no database '.repeat(1_000))

    rmSync(path)
    const other = new SqliteFile(path)
    other.exec('create table theirs (x)')
    other.close()
    await expect(open()).rejects.toThrow(/database of another program/)
  })

  test('a folder that cannot be made or written is named in a sentence', async () => {
    writeFileSync(join(folder, 'file'), '')
    const below = join(folder, 'file', 'below')

    await expect(openState({ folder: below, world, log: silentLog })).rejects.toThrow(/no folder/)
    await expect(openState({ folder: '/proc/self', world, log: silentLog })).rejects.toThrow(/cannot be opened or made/)
    expect(() => lockFolder(below)).toThrow(ConfigError)
    expect(() => lockFolder('/proc/self')).toThrow(ConfigError)
  })

  test.runIf(canBeReadOnly())(
    'a state that may only be read is refused in a sentence',
    { timeout: 30_000 },
    async () => {
      await (await open()).close()
      const program = childProgram(`
      await open().then(() => say('opened'), (error) => say(error.name + ': ' + error.message))`)
      const isRoot = process.getuid?.() === 0
      const script = isRoot
        ? `exec unshare -m sh -c 'mount --bind "$FOLDER" "$FOLDER" && mount -o remount,bind,ro "$FOLDER" && exec "$@"' sh "$@"`
        : `chmod -R a-w "$FOLDER" && "$@"; chmod -R u+w "$FOLDER"`
      const { stdout } = await run('sh', ['-c', script, 'sh', process.execPath, ...program], {
        env: { FOLDER: folder, PATH: '/usr/bin:/bin' },
      })

      expect(stdout).toMatch(/^ConfigError: .*state\.db cannot be used: .*(may not be written|cannot be opened)/)
    },
  )

  test('a schema that was only begun is made whole', async () => {
    const file = new SqliteFile(join(folder, 'state.db'))
    file.pragma('application_id = 1131901540')
    file.close()
    const state = await open()

    expect(await state.events.lastSequence()).toBe(0)
    await state.close()
  })
})

describe('the lock on a folder', () => {
  test(
    'a second one is refused at once, in this process and in another, until the first is released',
    { timeout: 30_000 },
    async () => {
      const lock = lockFolder(folder)
      const attempt = childProgram(`try { lockFolder(folder); say('locked') } catch (error) { say(error.name) }`)

      expect(() => lockFolder(folder)).toThrow(AlreadyRunning)
      expect((await run(process.execPath, attempt)).stdout).toBe('AlreadyRunning\n')
      lock.release()
      expect((await run(process.execPath, attempt)).stdout).toBe('locked\n')
    },
  )

  test('it ends with a process that is killed', { timeout: 30_000 }, async () => {
    const child = spawn(process.execPath, childProgram(`lockFolder(folder); say('locked'); setInterval(none, 1000)`))
    await once(child.stdout, 'data')
    expect(() => lockFolder(folder)).toThrow(AlreadyRunning)
    child.kill('SIGKILL')
    await once(child, 'exit')

    lockFolder(folder).release()
  })
})

describe('the writer', () => {
  test('those who ask in one turn share one transaction', async () => {
    const sqlite = await openSqlite(folder)
    let transactions = 0
    const database = {
      ...sqlite,
      claim: async () => {
        transactions += 1
      },
    }
    const writer = createWriter(database, 0, world)
    const numbers = await Promise.all(
      Array.from({ length: 50 }, async () => writer.write(1, async (tx) => tx.take('event', 1))),
    )

    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(transactions).toBe(1)
    await writer.close()
    await sqlite.close()
  })

  test('while another program holds the file it waits, without holding up the process', async () => {
    const state = await open()
    const other = new SqliteFile(join(folder, 'state.db'))
    other.exec('begin immediate')
    const written = state.settings.set('key', 'value')
    for (let turns = 0; turns < 50; turns += 1) await world.yield()
    expect(await state.settings.get('key')).toBeUndefined()
    other.exec('rollback')
    other.close()
    await written

    expect(await state.settings.get('key')).toBe('value')
    await state.close()
  })
})

describe('a disk', () => {
  test(
    'that takes no more makes commits fail in a sentence, and keeps what was committed',
    { timeout: 30_000 },
    async () => {
      const program = childProgram(`
      const state = await open()
      for (let number = 1; ; number += 1) {
        try {
          await state.settings.set('key ' + number, 'x'.repeat(20_000))
        } catch (error) {
          say(JSON.stringify({ number, name: error.name, reason: error.reason, message: error.message }))
          break
        }
      }
      process.exit(0)`)
      const { stdout } = await run('sh', ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, ...program])
      const failed: unknown = JSON.parse(stdout)

      expect(failed).toMatchObject({ name: 'OutsideError', reason: 'local' })
      const file = new SqliteFile(join(folder, 'state.db'))
      expect(file.pragma('integrity_check', { simple: true })).toBe('ok')
      expect(failed).toMatchObject({ number: Number(file.prepare('select count(*) from setting').pluck().get()) + 1 })
      file.close()
    },
  )

  test('that is full is told from our own mistakes', () => {
    const full = explain(Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' }), 'data/state.db')
    const mistake = Object.assign(new Error('UNIQUE constraint failed'), { code: 'SQLITE_CONSTRAINT_UNIQUE' })

    expect(full).toBeInstanceOf(OutsideError)
    expect(full).toMatchObject({ reason: 'local', retry: true })
    expect(messageOf(full)).toContain('the disk is full')
    expect(explain(mistake, 'data/state.db')).toBe(mistake)
  })
})

describe('a process that is killed at any moment', () => {
  const EVENTS = 40

  /** Commits rounds and alerts side by side, from where the state is, and says each number once it is durable. */
  const program = () =>
    childProgram(`
    const state = await open()
    const opened = await state.targets.open({ target: 't', type: 't', subject: 's', at: 0 })
    const journeys = [{ name: 'j', outcomes: ['ready'], deadlineMs: undefined, bucketsSeconds: [1] }]
    const empty = { put: [], remove: [] }
    const round = async (number) => {
      const events = Array.from({ length: ${EVENTS} }, (_, index) => ({
        type: 't', name: 'n', key: number + ':' + index, id: number + ':' + index, time: number, height: number,
        isHistory: false, args: { text: 'x'.repeat(200) },
      }))
      const steps = events.map(({ key }, index) => ({
        kind: index % 2 === 0 ? 'start' : 'end', journey: 'j', outcome: index % 2 === 0 ? '' : 'ready',
        key: number + ':' + (index >> 1), time: index, event: key,
      }))
      const retracted = number > 1 ? [number - 1 + ':' + ${EVENTS - 1}] : []
      await state.targets.commitRound({
        target: 't', at: number, labels: {}, cursor: { number }, height: number, events, retracted,
        duties: [{ kind: 'k', height: number, round: 0, actor: 'a', outcome: 'done', time: number, details: {} }],
        journeySteps: steps, journeys,
      })
      say('round ' + number)
    }
    const alert = async (number) => {
      await state.alerts.commit({
        alertStates: { put: [{ source: 's', fingerprint: 'f', body: number }], remove: [] },
        eventRules: { put: [{ source: 'r', position: number, body: null }], remove: [] },
        groups: { put: [{ key: 'g', dueAt: number, body: number }], remove: [] },
        episodes: [{ episode: 'e' + number, source: 's', fingerprint: 'f', startsAt: number, endsAt: undefined, body: 1 }],
        notifications: [{
          id: 'n' + number, receiver: 'r', destination: 'd', groupKey: 'g', groupLabels: {}, reason: 'first',
          alerts: [], truncated: 0, causedAt: number,
        }],
      })
      say('alert ' + number)
    }
    let number = opened.cursor?.number ?? 0
    let alerts = (await state.alerts.load()).eventRules[0]?.position ?? 0
    for (;;) {
      number += 1
      alerts += 2
      await Promise.all([alert(alerts - 1), round(number), alert(alerts)])
    }`)

  test('leaves exactly a prefix of what it did, and all it was told was durable', { timeout: 60_000 }, async () => {
    let rounds = 0
    let alerts = 0
    for (const lines of [1, 2, 7, 30, 61, 5]) {
      const said = await killAfter(lines)
      const state = await open()
      const opened = await state.targets.open({ target: 't', type: 't', subject: 's', at: 0 })
      const stored = await state.alerts.load()
      const reached = {
        rounds: Number(JSON.stringify(opened.cursor).replaceAll(/\D/g, '')),
        alerts: stored.eventRules[0]?.position ?? 0,
      }

      expect(reached.rounds).toBeGreaterThanOrEqual(Math.max(rounds, said.round))
      expect(reached.alerts).toBeGreaterThanOrEqual(Math.max(alerts, said.alert))
      rounds = reached.rounds
      alerts = reached.alerts
      await expectWhole(state, reached)
      await state.close()
    }
    expect(rounds).toBeGreaterThan(20)
  })

  /** Lets a child work until it has said some lines, kills it, and returns the last numbers that it said. */
  async function killAfter(lines: number): Promise<{ readonly round: number; readonly alert: number }> {
    const child = spawn(process.execPath, program(), { stdio: ['ignore', 'pipe', 'inherit'] })
    const said = { round: 0, alert: 0 }
    let count = 0
    for await (const line of createInterface({ input: child.stdout })) {
      count += 1
      if (count === lines) child.kill('SIGKILL')
      const [what, number] = line.split(' ')
      if (what === 'round') said.round = Number(number)
      if (what === 'alert') said.alert = Number(number)
    }
    return said
  }

  async function expectWhole(
    state: State,
    reached: { readonly rounds: number; readonly alerts: number },
  ): Promise<void> {
    const { rounds, alerts } = reached
    const expected: string[] = []
    for (let number = 1; number <= rounds; number += 1) {
      if (number > 1) expected.push(`retracted ${number - 1}:${EVENTS - 1}`)
      for (let index = 0; index < EVENTS; index += 1) expected.push(`seen ${number}:${index}`)
    }
    const log = []
    for (let after = 0; after < expected.length; after += 5_000) {
      log.push(...(await state.events.after(after, 5_000)).entries)
    }
    expect(log.map(({ kind, event }) => `${kind} ${event.key}`)).toEqual(expected)
    expect(log.map(({ sequence }) => sequence)).toEqual(expected.map((_, index) => index + 1))
    expect(await state.events.lastSequence()).toBe(expected.length)
    expect(await state.duties.query({ limit: 10_000 })).toHaveLength(rounds)

    const stored = await state.alerts.load()
    expect(stored.alertStates).toEqual([{ source: 's', fingerprint: 'f', body: alerts }])
    expect(stored.groups).toEqual([{ key: 'g', dueAt: alerts, body: alerts }])
    expect(stored.episodes).toHaveLength(alerts)
    const owed = []
    while (owed.length < alerts) {
      const page = await state.outbox.pending(owed.length)
      expect(page).not.toEqual([])
      owed.push(...page)
    }
    expect(await state.outbox.pending(owed.length)).toEqual([])
    expect(owed.map(({ sequence, notification }) => [sequence, notification.id])).toEqual(
      Array.from({ length: alerts }, (_, index) => [index + 1, `n${index + 1}`]),
    )
  }
})
