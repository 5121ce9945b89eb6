import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { serveSamples, type ServedSamples } from '../support/served-samples.ts'
import { FIRST_MS, LAST_MS, sampleAnHour } from './sampled.ts'

/*
 * What Grafana's Prometheus data source sends (pkg/promlib and packages/grafana-prometheus of Grafana 11 and 12): queries
 * by POST with a form, times as seconds with a fraction, `match[]` for variables, and its own probes.
 */

const envelope = z.object({ status: z.literal('success'), data: z.unknown() })
const matrix = z.object({
  resultType: z.literal('matrix'),
  result: z.array(
    z.object({
      metric: z.record(z.string(), z.string()),
      values: z.array(z.tuple([z.number(), z.string()])),
    }),
  ),
})
const vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
})

describe("Grafana's data source", () => {
  let served: ServedSamples

  beforeAll(async () => {
    served = await serveSamples({ series: sampleAnHour(), now: LAST_MS + 1_000 })
  })

  afterAll(async () => served[Symbol.asyncDispose]())

  async function post(path: string, form: Readonly<Record<string, string>>): Promise<unknown> {
    const answer = await fetch(`${served.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'Grafana/12.0.0' },
      body: new URLSearchParams(form).toString(),
    })
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    return envelope.parse(await answer.json()).data
  }

  async function get(path: string): Promise<unknown> {
    return envelope.parse(await (await fetch(`${served.url}/api/v1/${path}`)).json()).data
  }

  const span = { start: String(FIRST_MS / 1000), end: `${(LAST_MS + 999) / 1000}` }

  test('"Save & test" asks for 1+1', async () => {
    const answer = await post('query', { query: '1+1', time: `${LAST_MS / 1000}.123` })

    expect(answer).toEqual({ resultType: 'scalar', result: [LAST_MS / 1000 + 0.123, '2'] })
  })

  test('a panel asks for a range', async () => {
    const query = 'sum by (job) (rate(requests_total{code=~"200|500"}[1m0s]))'
    const { result } = matrix.parse(await post('query_range', { query, step: '15', ...span }))

    expect(result.map(({ metric }) => metric)).toEqual([{ job: 'api' }, { job: 'web' }])
    expect(result[0]?.values.length).toBeGreaterThan(200)
  })

  test('a table asks for one instant', async () => {
    const { result } = vector.parse(await post('query', { query: 'topk(1, tiny)', time: String(LAST_MS / 1000) }))

    expect(result).toEqual([{ metric: { __name__: 'tiny', room: 'attic' }, value: [LAST_MS / 1000, '0.00003585'] }])
  })

  test('exemplars are asked for, and there are none', async () => {
    expect(await post('query_exemplars', { query: 'requests_total', ...span })).toEqual([])
  })

  test('the metric browser and variables ask for names and values', async () => {
    const where = new URLSearchParams({ ...span, 'match[]': 'requests_total{job="web"}', limit: '40000' })

    expect(await get(`labels?${where.toString()}`)).toEqual(['__name__', 'code', 'instance', 'job'])
    expect(await get(`label/instance/values?${where.toString()}`)).toEqual(['a:1', 'b:1', 'c:1'])
    expect(await get(`label/__name__/values?${new URLSearchParams(span).toString()}`)).toContain('temperature')
    expect(await post('labels', { ...span, 'match[]': '{__name__="temperature"}' })).toEqual(['__name__', 'room'])
    expect(await post('series', { ...span, 'match[]': 'tiny' })).toEqual([{ __name__: 'tiny', room: 'attic' }])
  })

  test('a label with a name in UTF-8 is asked for in its escaped form', async () => {
    expect(await get('label/U__ro_6f_m/values?match[]=tiny')).toEqual(['attic'])
  })

  test('it finds out what it talks to, and may use match[]', async () => {
    const { version } = z.object({ version: z.string() }).parse(await get('status/buildinfo'))

    expect(version).toMatch(/^3\.\d+\.\d+$/)
  })

  test('it asks for rules, alerts, metadata and flags', async () => {
    expect(await get('rules')).toEqual({ groups: [] })
    expect(await get('alerts')).toEqual({ alerts: [] })
    expect(await get('metadata?limit=40000')).toEqual({})
    expect(await get('status/flags')).toEqual({ 'log.level': 'info' })
  })
})
