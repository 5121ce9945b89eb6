import { setImmediate as nextTurn } from 'node:timers/promises'

import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createLogger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { createOperations, type OperationsPorts } from '../operations/index.ts'
import type { Access } from './access.ts'
import { type ApiServer, listen } from './server.ts'

const NOW = 1_767_225_600_000

const CLOCK = { monotonic: () => performance.now(), yield: async () => nextTurn() }
const NO_POINTS = { times: new Float64Array(), values: new Float64Array(), stale: undefined, start: 0, end: 0 }

const PORTS: OperationsPorts = {
  version: '1.2.3',
  startedAt: NOW - 60_000,
  now: () => NOW,
  isReady: () => true,
  targets: () => [
    {
      target: 'bridge',
      type: 'evm-contract',
      labels: {},
      lastRoundAt: NOW,
      lastDurationMs: 12,
      isCaughtUp: true,
      parts: { chain: { ok: false, reason: 'timeout', detail: 'no answer' } },
      values: { paused: null, reasons: { paused: 'no answer' } },
    },
  ],
  alerts: () => [],
  queued: async () => ({ 'ops/webhook/0': 2 }),
  metricTable: { up: { type: 'gauge', help: 'Up.' } },
  current: () => [{ labels: { __name__: 'up', target: 'bridge' }, value: 1, time: NOW }],
  events: async (filter) => (filter.target === 'nobody' ? [] : []),
  queries: () => ({
    instant: () => ({
      value: { type: 'vector', elements: [{ labels: { __name__: 'up' }, value: 1e21 }] },
      warnings: [],
      infos: ['look here'],
      reads: [],
    }),
    range: async () => ({ value: { type: 'matrix', series: [] }, warnings: [], infos: [], reads: [] }),
  }),
  clock: CLOCK,
  paceOf: () => undefined,
  ruleGroups: () => [],
  series: { select: () => [], load: () => ({ points: () => NO_POINTS }), labelNames: () => [], labelValues: () => [] },
  facts: () => ({
    folder: '/',
    host: 'here',
    configuredAt: NOW,
    isConfigurationGood: true,
    rawRetentionMs: 86_400_000,
    damagedBlobs: 0,
    flags: {},
  }),
  configuration: async () => 'targets: []\n',
  reload: async () => ({ ok: false, faults: ['chainwarden.yaml:3: no'] }),
  audit: () => undefined,
}

const problem = z.object({ status: z.literal('error'), error: z.string() })

const running: ApiServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (server) => server.stop()))
})

async function start(access: Partial<Access> = {}, host = '127.0.0.1'): Promise<string> {
  const server = await listen({
    operations: createOperations(PORTS),
    log: createLogger({ level: 'error', write: () => undefined, now: () => NOW }),
    isReady: () => true,
    now: () => NOW,
    clock: CLOCK,
    access: { tokens: [], open: false, hosts: ['watch.example.org'], ...access },
    listen: [{ host, port: 0 }],
    tls: undefined,
  })
  running.push(server)
  return `http://127.0.0.1:${server.addresses[0]?.port ?? 0}`
}

async function statusOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    // `fetch` does not let a caller choose Host and Origin.
    const asked = request(url, { headers }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    asked.once('error', reject)
    asked.end()
  })
}

describe('on loopback', () => {
  test('anyone may ask', async () => {
    const url = await start()

    expect(await statusOf(`${url}/-/healthy`)).toBe(200)
    expect(await statusOf(`${url}/metrics`)).toBe(200)
  })

  test('a foreign Host or Origin is refused at every endpoint, the own ones are not', async () => {
    const url = await start()

    expect(await statusOf(`${url}/-/healthy`, { host: 'evil.example' })).toBe(403)
    expect(await statusOf(`${url}/metrics`, { origin: 'https://evil.example' })).toBe(403)
    expect(await statusOf(`${url}/nothing`, { origin: 'null' })).toBe(403)
    expect(await statusOf(`${url}/metrics`, { host: 'watch.example.org', origin: 'https://watch.example.org' })).toBe(
      200,
    )
    expect(await statusOf(`${url}/metrics`, { host: 'localhost:9095' })).toBe(200)
  })

  test('a token that is not known is refused even here', async () => {
    const url = await start()

    expect(await statusOf(`${url}/metrics`, { authorization: 'Bearer nonsense' })).toBe(401)
  })
})

test('where only tokens count, loopback is no exception', async () => {
  const token = { name: 'cli', role: 'admin', token: new Secret('a-token-of-this-run') } as const
  const url = await start({ tokens: [token], tokensOnly: true })

  expect(await statusOf(`${url}/metrics`)).toBe(401)
  expect(await statusOf(`${url}/metrics`, { authorization: 'Bearer a-token-of-this-run' })).toBe(200)
})

describe('answers', () => {
  test('a query has the shape of Prometheus, by GET and by POST', async () => {
    const url = await start()
    const expected = {
      status: 'success',
      data: {
        resultType: 'vector',
        result: [{ metric: { __name__: 'up' }, value: [NOW / 1000, '1e+21'] }],
      },
      infos: ['look here'],
    }

    const get = await fetch(`${url}/api/v1/query?query=up`)
    const post = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: 'up' }) })

    expect(await get.json()).toEqual(expected)
    expect(await post.json()).toEqual(expected)
  })

  test.each([
    ['/api/v1/query', 400],
    ['/api/v1/query?query=up%20%3D%3D', 400],
    ['/api/v1/query?query=up&time=never', 400],
    ['/api/events?limit=0', 400],
    ['/api/events?from=soon', 400],
    ['/api/events?colour=blue', 400],
    ['/nothing', 404],
  ])('%s is refused with %d and a sentence', async (path, status) => {
    const url = await start()

    const answer = await fetch(`${url}${path}`)
    const body = problem.parse(await answer.json())

    expect(answer.status).toBe(status)
    expect(body.error).toMatch(/\w/)
  })

  test('what a target says of itself stands beside what we say of it', async () => {
    const url = await start()

    const answer = await fetch(`${url}/api/status`)

    expect(await answer.json()).toMatchObject({
      targets: [{ name: 'bridge', up: false, paused: null, reasons: { paused: 'no answer' } }],
      queued: { 'ops/webhook/0': 2 },
    })
  })

  test('metrics come as text, and as OpenMetrics to who asks for it', async () => {
    const url = await start()

    const text = await fetch(`${url}/metrics`)
    const open = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } })

    expect(await text.text()).toBe('# HELP up Up.\n# TYPE up gauge\nup{target="bridge"} 1\n')
    expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text/)
    expect(await open.text()).toMatch(/# EOF\n$/)
  })

  test('a reload of a bad file is refused with its faults', async () => {
    const url = await start()

    const answer = await fetch(`${url}/-/reload`, { method: 'POST' })

    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('chainwarden.yaml:3: no')
  })

  test('a viewer may read and not reload', async () => {
    const url = await start({ tokens: [{ name: 'eye', role: 'viewer', token: new Secret('v'.repeat(20)) }] })
    const headers = { authorization: `Bearer ${'v'.repeat(20)}` }

    expect((await fetch(`${url}/api/status`, { headers })).status).toBe(200)
    expect((await fetch(`${url}/-/reload`, { method: 'POST', headers })).status).toBe(403)
  })
})

test('an address that is taken rejects and leaves no other listener behind', async () => {
  const url = await start()
  const port = Number(new URL(url).port)

  await expect(
    listen({
      operations: createOperations(PORTS),
      log: createLogger({ level: 'error', write: () => undefined, now: () => NOW }),
      isReady: () => true,
      now: () => NOW,
      clock: CLOCK,
      access: { tokens: [], open: false, hosts: [] },
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port },
      ],
      tls: undefined,
    }),
  ).rejects.toThrow('EADDRINUSE')
})
