import { createServer, type RequestListener, type Server } from 'node:http'

import { afterEach, describe, expect, test } from 'vitest'

import { OutsideError } from './errors.ts'
import { request, statusError } from './http.ts'
import { createWorld } from './world.ts'

const world = createWorld()
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

const BOUNDS = { timeoutMs: 5_000, maxBytes: 1_000 }

/** What a request failed with. */
async function failureOf(asked: Promise<unknown>): Promise<OutsideError> {
  const error: unknown = await asked.catch((thrown: unknown) => thrown)
  if (error instanceof OutsideError) return error
  throw new Error('this did not fail as it should', { cause: error })
}

describe('request', () => {
  test('reads the whole answer, whatever its status', async () => {
    const url = await serve((_asked, answer) => answer.writeHead(503).end('later'))

    expect(await request(world, { url, ...BOUNDS })).toMatchObject({ status: 503, body: 'later' })
  })

  test('stops reading at its limit', async () => {
    const url = await serve((_asked, answer) => answer.end('x'.repeat(5_000)))

    expect(await failureOf(request(world, { url, ...BOUNDS }))).toMatchObject({ reason: 'too-large', retry: false })
  })

  test('gives up a server that says nothing, and one that never ends', async () => {
    const silent = await serve(() => undefined)
    const endless = await serve((_asked, answer) => answer.write('x'))

    for (const url of [silent, endless]) {
      const failure = await failureOf(request(world, { url, timeoutMs: 50, maxBytes: 1_000 }))
      expect(failure).toMatchObject({ reason: 'timeout', retry: true })
    }
  })

  test('a connection that breaks is unreachable, and the message holds no key of the URL', async () => {
    const url = await serve((asked) => asked.socket.destroy())

    const failure = await failureOf(request(world, { url: `${url}/v3/0123456789abcdef0123456789abcdef`, ...BOUNDS }))

    expect(failure).toMatchObject({ reason: 'unreachable', retry: true })
    expect(failure.message).not.toContain('0123456789abcdef')
  })

  test("the caller's own abort comes through as it is", async () => {
    const url = await serve(() => undefined)
    const stop = new AbortController()
    const reason = new Error('enough')

    const asked = request(world, { url, ...BOUNDS, signal: stop.signal })
    stop.abort(reason)

    await expect(asked).rejects.toBe(reason)
  })

  test('does not follow a redirect: another host must not get what was meant for this one', async () => {
    const url = await serve((_asked, answer) => answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())

    expect(await request(world, { url, ...BOUNDS })).toMatchObject({ status: 302 })
  })
})

function meaningOf(status: number, headers: Readonly<Record<string, string>> = {}): OutsideError | undefined {
  return statusError({ status, headers: new Headers(headers), body: '', said: () => '' }, 'it', 1_000_000)
}

describe('statusError', () => {
  test.each([
    [200, undefined, undefined],
    [204, undefined, undefined],
    [302, 'rejected', false],
    [400, 'rejected', false],
    [401, 'auth', false],
    [403, 'auth', false],
    [404, 'not-found', false],
    [408, 'timeout', true],
    [410, 'not-found', false],
    [429, 'rate-limited', true],
    [500, 'server-error', true],
    [503, 'server-error', true],
  ])('%d means %s', (status, reason, retry) => {
    const error = meaningOf(status)

    expect([error?.reason, error?.retry]).toEqual([reason, retry])
  })

  test.each([
    ['3', 3_000],
    ['0.4', 400],
    ['Thu, 01 Jan 1970 00:17:00 GMT', 20_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['soon', undefined],
    ['', undefined],
  ])('Retry-After %s is %s ms', (header, ms) => {
    expect(meaningOf(429, { 'retry-after': header })?.retryAfterMs).toBe(ms)
  })
})
