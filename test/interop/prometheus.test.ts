import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createFolder, type Folder } from '../support/chainwarden.ts'
import { serveSamples, type ServedSamples } from '../support/served-samples.ts'
import { hasPrometheus, type Peer, startPrometheus } from './peers.ts'
import { FIRST_MS, LAST_MS, sampleAnHour } from './sampled.ts'

/** Never on the edge of a window. */
const AT = (FIRST_MS + 1_800_000) / 1000 + 7
const SPAN = `start=${AT - 900}&end=${AT + 900}&step=60`
const WHOLE = `start=${FIRST_MS / 1000}&end=${LAST_MS / 1000}`

const INSTANT = [
  'requests_total',
  'temperature',
  'tiny',
  'temperature{room!~"sh.*"} > 5',
  'requests_total{code="500"}[2m]',
  '1',
  '-1e30 / 7',
  '"a \\"text\\""',
  'vector(0.1 + 0.2)',
  'rate(requests_total[5m])',
  'sum by (job) (increase(requests_total[10m]))',
  'sum without (instance) (requests_total)',
  'topk(2, requests_total)',
  'count_values("value", temperature)',
  'histogram_quantile(0.9, sum by (le, job) (rate(duration_seconds_bucket[5m])))',
  'requests_total{code="500"} / ignoring (code) requests_total{code="200"}',
  'requests_total * on (job) group_left () duration_seconds_count',
  'max_over_time(temperature[10m:1m])',
  'requests_total offset 10m',
  `requests_total @ ${AT - 600}`,
  'absent(nothing{job="api"})',
  'label_replace(temperature, "where", "$1", "room", "(.).*")',
  'quantile(0.5, temperature)',
  'predict_linear(tiny[5m], 3600)',
  'nothing',
]

const RANGE = [
  'requests_total{job="api"}',
  'temperature',
  'rate(requests_total[5m])',
  'sum(rate(requests_total[5m])) by (code)',
  'histogram_quantile(0.5, rate(duration_seconds_bucket[5m]))',
  'avg_over_time(temperature[3m])',
  'time()',
  'scalar(temperature{room="attic"})',
  'nothing',
]

const CATALOG = [
  `series?match[]=temperature&${WHOLE}`,
  `series?match[]=temperature&match[]=tiny&match[]={room="attic"}&${WHOLE}`,
  `series?match[]={__name__=~"duration.*",job="web"}&${WHOLE}`,
  `series?match[]=nothing&${WHOLE}`,
  'labels',
  `labels?${WHOLE}`,
  `labels?match[]=temperature&${WHOLE}`,
  'label/__name__/values',
  'label/room/values',
  `label/room/values?match[]=temperature&${WHOLE}`,
  `label/instance/values?match[]=requests_total{job="web"}&match[]=temperature&${WHOLE}`,
  'label/nothing/values',
  'query_exemplars?query=requests_total&start=0&end=1',
  `format_query?query=${encodeURIComponent('sum(up)by(job)>1')}`,
  `format_query?query=${encodeURIComponent('sum by (job, instance, a_rather_long_label) (rate(some_long_metric_name_total{job="api",path!="/x"}[5m])) / on (job, instance) group_left (zone) (max(another_metric_name) without (cpu) or vector(1))')}`,
]

const WRONG = [
  'query',
  'query?query=up%20%3D%3D',
  'query?query=up&time=never',
  'query?query=up&timeout=soon',
  'query?query=sum(up',
  'query?query=rate(up)',
  'query?query={}',
  `query?query=${encodeURIComponent('requests_total * on (job) duration_seconds_count')}&time=${AT}`,
  'query_range?query=up',
  'query_range?query=up&start=2&end=1&step=1',
  'query_range?query=up&start=1&end=2',
  'query_range?query=up&start=1&end=2&step=0',
  'query_range?query=up&start=1&end=2&step=-5',
  'query_range?query=up&start=0&end=11001&step=1',
  'query_range?query=up[5m]&start=1&end=2&step=1',
  'query_range?query=%22a%22&start=1&end=2&step=1',
  'series',
  'series?match[]={}',
  'series?match[]=sum(up)',
  'series?match[]=up&start=never',
  'labels?end=never',
  'labels?match[]={x=~"("}',
  'metadata?limit=many',
  'rules?type=other',
  'targets/metadata?limit=many',
  'format_query?query=)',
]

const answerSchema = z.looseObject({
  status: z.enum(['success', 'error']),
  errorType: z.string().optional(),
  error: z.string().optional(),
  data: z.unknown().optional(),
})

async function ask(url: string, path: string, body?: URLSearchParams) {
  const init = body === undefined ? {} : { method: 'POST', body }
  const answer = await fetch(`${url}/api/v1/${path}`, init)
  return { status: answer.status, body: answerSchema.parse(await answer.json()) }
}

describe.skipIf(!hasPrometheus())('the same question to Prometheus and to us', () => {
  let folder: Folder
  let ours: ServedSamples
  let theirs: Peer

  beforeAll(async () => {
    folder = createFolder()
    const series = sampleAnHour()
    ours = await serveSamples({ series, now: LAST_MS + 1_000 })
    theirs = await startPrometheus(folder, series)
  }, 60_000)

  afterAll(async () => {
    await theirs[Symbol.asyncDispose]()
    await ours[Symbol.asyncDispose]()
    folder.remove()
  })

  /** What Prometheus answers, and what we do; both without what neither promises. */
  async function both(path: string, body?: URLSearchParams) {
    const [expected, got] = await Promise.all([ask(theirs.url, path, body), ask(ours.url, path, body)])
    return {
      expected: { status: 200, data: canonical(expected.body.data) },
      got: { status: got.status, data: canonical(got.body.data) },
    }
  }

  test.each(INSTANT)('%s at one time', async (query) => {
    const get = await both(`query?time=${AT}&query=${encodeURIComponent(query)}`)
    const time = new Date(AT * 1000).toISOString()
    const post = await both('query', new URLSearchParams({ query, time, timeout: '30s' }))

    expect(get.got).toEqual(get.expected)
    expect(post.got).toEqual(get.expected)
  })

  test.each(RANGE)('%s over half an hour', async (query) => {
    const get = await both(`query_range?${SPAN}&query=${encodeURIComponent(query)}`)
    const post = await both('query_range', new URLSearchParams(`${SPAN}&query=${encodeURIComponent(query)}`))

    expect(get.got).toEqual(get.expected)
    expect(post.got).toEqual(get.expected)
  })

  test.each(CATALOG)('%s', async (path) => {
    const { got, expected } = await both(path)

    expect(got).toEqual(expected)
  })

  test.each(WRONG)('%s is refused with the same code and type', async (path) => {
    const [expected, got] = await Promise.all([ask(theirs.url, path), ask(ours.url, path)])

    expect(expected.body.status).toBe('error')
    expect([got.status, got.body.errorType]).toEqual([expected.status, expected.body.errorType])
    expect(got.body.error).toMatch(/\w/)
  })

  test.each([
    'status/buildinfo',
    'status/runtimeinfo',
    'status/config',
    'status/tsdb',
    'targets',
    'rules',
    'alerts',
    'metadata',
    'targets/metadata',
  ])('%s has every field that Prometheus has', async (path) => {
    const [expected, got] = await Promise.all([ask(theirs.url, path), ask(ours.url, path)])

    expect(got.status).toBe(200)
    expect(keysOf(got.body.data)).toEqual(expect.arrayContaining([...keysOf(expected.body.data)]))
  })
})

/** Prometheus promises no order of series, and floats differ in the last digit by the order of a sum. */
function canonical(data: unknown): unknown {
  if (typeof data === 'string') return rounded(data)
  if (Array.isArray(data)) {
    const items = data.map(canonical)
    return items.every((item) => typeof item === 'object' && !Array.isArray(item)) ? sorted(items) : items
  }
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, value]: [string, unknown]) => [key, canonical(value)]))
}

function sorted(items: readonly unknown[]): readonly unknown[] {
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item)
}

/** The labels, whatever their order. */
function keyOf(item: unknown): string {
  const labels = typeof item === 'object' && item !== null && 'metric' in item ? item.metric : item
  if (typeof labels !== 'object' || labels === null) return ''
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${String(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join()
}

function rounded(text: string): string {
  const value = Number(text)
  return text === '' || !Number.isFinite(value) || Number.isInteger(value) ? text : value.toPrecision(12)
}

function keysOf(data: unknown): readonly string[] {
  return typeof data === 'object' && data !== null ? Object.keys(data) : []
}
