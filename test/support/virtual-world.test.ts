import { expect, test } from 'vitest'

import { request } from '../../src/lib/http.ts'
import type { VirtualSocket } from './virtual-network.ts'
import { createVirtualWorld, type VirtualWorld } from './virtual-world.ts'

test('time stands still until a test moves it, for both clocks', async () => {
  const world = createVirtualWorld({ seed: 1, start: 1_000 })

  await world.settle()
  expect([world.now(), world.monotonic()]).toEqual([1_000, 0])
  await world.advance(250)
  expect([world.now(), world.monotonic()]).toEqual([1_250, 250])
})

test('a jump of the wall clock moves no timer', async () => {
  const world = createVirtualWorld({ seed: 1, start: 0 })
  const ran: number[] = []
  world.after(100, () => ran.push(world.now()))

  world.jumpWallClock(-50)
  await world.advance(99)
  expect(ran).toEqual([])
  await world.advance(1)
  expect(ran).toEqual([50])
})

test('timers run by time, then by the order of their making, each at its own time', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const ran: string[] = []
  for (const [name, ms] of [
    ['c', 30],
    ['a', 10],
    ['b', 10],
    ['d', 30],
  ] as const) {
    world.after(ms, () => ran.push(`${name}@${world.monotonic()}`))
  }

  await world.advance(1_000)

  expect(ran).toEqual(['a@10', 'b@10', 'c@30', 'd@30'])
})

test('what a timer starts goes on before the next timer runs', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const ran: string[] = []
  world.after(10, () => {
    void (async () => {
      await Promise.resolve()
      await world.yield()
      await Promise.resolve()
      ran.push(`first@${world.monotonic()}`)
    })()
  })
  world.after(11, () => ran.push('second'))

  await world.advance(20)

  expect(ran).toEqual(['first@10', 'second'])
})

test('a timer that a timer makes runs in the same advance where it falls due', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const ran: number[] = []
  const tick = () => {
    ran.push(world.monotonic())
    world.after(10, tick)
  }
  world.after(10, tick)

  await world.advance(35)

  expect(ran).toEqual([10, 20, 30])
  expect(world.pendingTimers).toBe(1)
})

test('a cancelled timer never runs, and an aborted sleep rejects with the reason', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const ran: string[] = []
  const cancel = world.after(5, () => ran.push('cancelled'))
  const stop = new AbortController()
  const slept = world.sleep(5, stop.signal).catch((error: unknown) => error)
  cancel()
  stop.abort(new Error('enough'))

  await world.run()

  expect(ran).toEqual([])
  expect(await slept).toEqual(new Error('enough'))
})

test('timers without an end, and what never happens, are said instead of waited for', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const tick = () => void world.after(1_000, tick)
  tick()

  await expect(world.run(5_000)).rejects.toThrow('The timers do not end within 5000 ms')
  await expect(world.runUntil(() => false, 5_000)).rejects.toThrow('did not happen within 5000 ms')
})

test('runUntil stops at the moment at which it became true', async () => {
  const world = createVirtualWorld({ seed: 1 })
  let count = 0
  const tick = () => {
    count += 1
    world.after(10, tick)
  }
  tick()

  await world.runUntil(() => count === 4)

  expect(world.monotonic()).toBe(30)
})

async function story(world: VirtualWorld): Promise<unknown> {
  world.onFetch(async (asked) => {
    await world.sleep(Math.floor(world.random() * 100))
    return Response.json({ url: asked.url, at: world.monotonic() })
  })
  const told: unknown[] = []
  for (const name of ['a', 'b', 'c']) {
    void (async () => {
      const answer = await request(world, { url: `http://host/${name}`, timeoutMs: 1_000, maxBytes: 1_000 })
      told.push(JSON.parse(answer.body), world.uuid(), [...world.bytes(4)])
    })()
  }
  await world.run()
  return told
}

test('the same seed gives the same run, another seed another', async () => {
  const first = await story(createVirtualWorld({ seed: 7 }))

  expect(await story(createVirtualWorld({ seed: 7 }))).toEqual(first)
  expect(await story(createVirtualWorld({ seed: 8 }))).not.toEqual(first)
})

test('chance is spread over its range', () => {
  const world = createVirtualWorld({ seed: 0 })
  const drawn = Array.from({ length: 10_000 }, () => world.random())

  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...drawn)).toBeLessThan(1)
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
  expect(mean).toBeGreaterThan(0.48)
  expect(mean).toBeLessThan(0.52)
})

test('a connection without a script is refused, as the product sees it', async () => {
  const world = createVirtualWorld({ seed: 1 })

  const asked = request(world, { url: 'http://nobody/', timeoutMs: 100, maxBytes: 10 })

  await expect(asked).rejects.toMatchObject({ reason: 'unreachable' })
})

test('a request that is never answered runs into its timeout on the virtual clock', async () => {
  const world = createVirtualWorld({ seed: 1 })
  world.onFetch(async () => new Promise(() => undefined))

  const asked = request(world, { url: 'http://slow/', timeoutMs: 5_000, maxBytes: 10 }).catch((error: unknown) => error)
  await world.advance(5_000)

  expect(await asked).toMatchObject({ reason: 'timeout' })
})

test('a script sees method, headers and body', async () => {
  const world = createVirtualWorld({ seed: 1 })
  world.onFetch(async (asked) => new Response(`${asked.method} ${asked.headers.get('x-a')} ${await asked.text()}`))

  const answer = await request(world, {
    url: 'http://host/',
    method: 'POST',
    headers: { 'x-a': '1' },
    body: 'hello',
    timeoutMs: 100,
    maxBytes: 100,
  })

  expect(answer.body).toBe('POST 1 hello')
})

test('a socket talks both ways and closes once', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const told: string[] = []
  const peers: VirtualSocket[] = []
  world.onWebSocket((socket) => {
    peers.push(socket)
    socket.onMessage((text) => socket.send(`echo ${text}`))
    socket.onClose(() => told.push('peer saw close'))
    socket.open()
  })

  const connection = world.openWebSocket('ws://host/', {
    onOpen: () => {
      told.push('open')
      connection.send('hi')
    },
    onMessage: (text) => told.push(text),
    onClose: () => told.push('close'),
  })
  expect(told).toEqual([])
  await world.settle()
  connection.close()
  peers[0]?.close()
  await world.settle()
  peers[0]?.send('too late')
  await world.settle()

  expect(told).toEqual(['open', 'echo hi', 'peer saw close', 'close'])
})

test('a socket without a script closes and never opens', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const told: string[] = []
  world.openWebSocket('ws://host/', {
    onOpen: () => told.push('open'),
    onMessage: (text) => told.push(text),
    onClose: () => told.push('close'),
  })

  await world.settle()

  expect(told).toEqual(['close'])
})

test('a killed world never answers again', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const told: string[] = []
  const note = (name: string) => () => void told.push(name)
  world.onFetch(async () => {
    await world.sleep(10)
    return new Response('late')
  })
  world.after(5, note('timer'))
  void world.sleep(5).then(note('sleep'))
  void world.yield().then(note('yield'))
  void world.fetch('http://host/', {}).then(note('fetch'), note('fetch failed'))
  world.openWebSocket('ws://host/', { onOpen: note('open'), onMessage: note('message'), onClose: note('close') })

  world.kill()
  void world.fetch('http://host/', {}).then(note('fetch'), note('fetch failed'))
  world.after(1, note('timer'))
  await world.advance(1_000)

  expect(told).toEqual([])
})

test('endless yielding without time is an error, not a hang', async () => {
  const world = createVirtualWorld({ seed: 1 })
  const stop = new AbortController()
  void (async () => {
    while (!stop.signal.aborted) await world.yield()
  })()

  await expect(world.settle()).rejects.toThrow('yields for ever')
  stop.abort()
})
