import { expect, test } from 'vitest'

import { createVirtualWorld } from '../../test/support/virtual-world.ts'
import type { AlertChange } from '../core/alert.ts'
import type { AlertCommit, PipelineOutcome, RuleOutcome } from '../core/records.ts'
import { createLogger } from '../lib/log.ts'
import { createAlertPath } from './alert-path.ts'

const NOTHING: PipelineOutcome = { groups: { put: [], remove: [] }, episodes: [], notifications: [] }

const CHANGE: AlertChange = {
  kind: 'firing',
  alert: {
    episode: 'e',
    fingerprint: 'f',
    source: 's',
    labels: { alertname: 'A' },
    annotations: {},
    startsAt: 0,
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
  },
}

const OUTCOME: RuleOutcome = {
  alertStates: { put: [{ source: 's', fingerprint: 'f', body: {} }], remove: [] },
  eventRules: { put: [], remove: [] },
  changes: [CHANGE],
}

function setUp() {
  const world = createVirtualWorld({ seed: 1 })
  const commits: AlertCommit[] = []
  const accepted: string[] = []
  let due: number | undefined
  let isDiskFull = false
  let release: (() => void) | undefined
  const planned = (name: string) => ({ outcome: NOTHING, accept: () => void accepted.push(name) })
  const path = createAlertPath({
    world,
    log: createLogger({ level: 'error', write: () => undefined, now: () => world.now() }),
    pipeline: {
      plan: (changes) => planned(`plan of ${changes.length}`),
      tick(now) {
        if (due !== undefined && due <= now) due = undefined
        return planned('tick')
      },
      nextDue: () => due,
    },
    async commit(commit) {
      if (isDiskFull) throw new Error('the disk is full')
      if (release !== undefined) await new Promise<void>((resolve) => (release = resolve))
      commits.push(commit)
    },
    owed: () => undefined,
  })
  return {
    world,
    path,
    commits,
    accepted,
    fillDisk: () => (isDiskFull = true),
    hold: () => (release = () => undefined),
    release: () => {
      release?.()
      release = undefined
    },
    dueAt: (ms: number) => (due = ms),
  }
}

test('a plan is accepted only after its commit', async () => {
  const { path, accepted, hold, release, world } = setUp()
  hold()

  const submitted = path.submit(OUTCOME)
  await world.settle()
  expect(accepted).toEqual([])
  release()
  await submitted

  expect(accepted[0]).toBe('plan of 1')
})

test('a commit that fails rejects the submission and leaves the plan alone', async () => {
  const { path, accepted, fillDisk } = setUp()
  fillDisk()

  await expect(path.submit(OUTCOME)).rejects.toThrow('the disk is full')

  expect(accepted).toEqual([])
})

test('submissions that wait together share one commit', async () => {
  const { path, commits, hold, release, world } = setUp()
  hold()

  const first = path.submit(OUTCOME)
  await world.settle()
  const others = [path.submit(OUTCOME), path.submit(OUTCOME)]
  release()
  await Promise.all([first, ...others])

  expect(commits.map(({ alertStates }) => alertStates.put.length)).toEqual([1, 2])
})

test('a group is looked at when it is due', async () => {
  const { path, accepted, dueAt, world } = setUp()
  dueAt(world.now() + 5_000)

  path.start()
  await world.advance(4_999)
  expect(accepted).toEqual([])
  await world.advance(1)

  expect(accepted).toEqual(['tick'])
})
