import { setImmediate as nextTurn } from 'node:timers/promises'

import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { type ServedSamples, type ServeOptions, serveSamples } from '../../../test/support/served-samples.ts'
import { type OperationsPorts, PromqlError, type QueryResult, type RuleGroupStatus } from '../../operations/index.ts'

const NOW = Date.UTC(2026, 0, 1, 12)
const SECOND = 1_000

const running: ServedSamples[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (served) => served[Symbol.asyncDispose]()))
})

async function serve(options: Partial<ServeOptions> = {}) {
  const served = await serveSamples({ series: [], now: NOW, ...options })
  running.push(served)
  const ask = async (path: string) => {
    const answer = await fetch(`${served.url}/api/v1/${path}`)
    return { status: answer.status, body: answerSchema.parse(await answer.json()) }
  }
  return { url: served.url, ask, data: async (path: string) => (await ask(path)).body.data }
}

const answerSchema = z.object({
  status: z.string(),
  errorType: z.string().optional(),
  error: z.string().optional(),
  data: z.unknown().optional(),
  warnings: z.array(z.string()).optional(),
  infos: z.array(z.string()).optional(),
})

/** `name{n="0"}`, `name{n="1"}`, ...: one sample each, `ageMs` ago. */
function gauges(name: string, count: number, ageMs = SECOND) {
  return Array.from({ length: count }, (_, index) => ({
    labels: { __name__: name, n: String(index) },
    startMs: NOW - ageMs,
    stepMs: SECOND,
    values: [index],
  }))
}

function answering(answer: Partial<QueryResult> | Error): Partial<OperationsPorts> {
  const give = () => {
    if (answer instanceof Error) throw answer
    return { value: { type: 'vector' as const, elements: [] }, warnings: [], infos: [], reads: [], ...answer }
  }
  return {
    queries: () => ({
      instant: give,
      range: async () => ({ ...give(), value: { type: 'matrix', series: [] } }),
    }),
  }
}

describe('a query that cannot be answered', () => {
  test.each([
    ['execution', 422, 'execution'],
    ['timeout', 503, 'timeout'],
    ['canceled', 499, 'canceled'],
    ['parse', 400, 'bad_data'],
  ] as const)('for %s has the code %d and the type %s', async (reason, status, errorType) => {
    const { ask } = await serve({ ports: answering(new PromqlError('this and that', { reason })) })

    expect(await ask('query?query=up')).toMatchObject({ status, body: { status: 'error', errorType } })
    expect(await ask('query_range?query=up&start=1&end=2&step=1')).toMatchObject({ status, body: { errorType } })
  })

  test('says line and column, and what to write instead', async () => {
    const { ask } = await serve()
    const { body } = await ask(`query?query=${encodeURIComponent('up +\n  rate(up)')}`)

    expect(body.error).toMatch(
      /^invalid parameter "query": 2:8: parse error: .*up\[5m\]|2:8: parse error: .*add a range/,
    )
  })

  test('may take no longer than it was given', async () => {
    const given: unknown[] = []
    const ports: Partial<OperationsPorts> = {
      queries(bounds) {
        given.push(bounds)
        throw new PromqlError('no', { reason: 'timeout' })
      },
    }
    const { ask } = await serve({ ports })
    await ask('query?query=up&timeout=1.5&lookback_delta=30s')
    await ask('query_range?query=up&start=1&end=2&step=1&timeout=1m&lookback_delta=0')

    expect(given).toEqual([
      { timeoutMs: 1_500, lookbackMs: 30_000 },
      { timeoutMs: 60_000, lookbackMs: undefined },
    ])
  })

  test('is not answered in more detail when the mistake is ours', async () => {
    const { ask } = await serve({ ports: answering(new RangeError('secret detail')) })
    const { status, body } = await ask('query?query=up')

    expect(status).toBe(500)
    expect(body.errorType).toBe('internal')
    expect(body.error).not.toContain('secret')
  })
})

describe('a query', () => {
  test('looks back as far as it is told', async () => {
    const { data } = await serve({ series: gauges('x', 1, 30 * SECOND) })

    expect(await data('query?query=x&lookback_delta=20s')).toMatchObject({ result: [] })
    expect(await data('query?query=x&lookback_delta=40')).toMatchObject({ result: [{ value: [NOW / SECOND, '0'] }] })
    expect(
      await data(`query_range?query=x&start=${NOW / SECOND}&end=${NOW / SECOND}&step=1&lookback_delta=20s`),
    ).toEqual({
      resultType: 'matrix',
      result: [],
    })
  })

  test('gives as many series as the limit says, and says that there were more', async () => {
    const { ask } = await serve({ series: gauges('x', 5) })
    const cut = await ask('query?query=x&limit=3')
    const whole = await ask('query?query=x&limit=5')
    const range = await ask(`query_range?query=x&limit=2&start=${NOW / SECOND}&end=${NOW / SECOND}&step=1`)

    expect(cut.body).toMatchObject({ data: { result: { length: 3 } }, warnings: ['results truncated due to limit'] })
    expect(whole.body).toMatchObject({ data: { result: { length: 5 } } })
    expect(whole.body).not.toHaveProperty('warnings')
    expect(range.body).toMatchObject({ data: { result: { length: 2 } }, warnings: ['results truncated due to limit'] })
  })

  test('shows ten warnings and ten infos and counts the rest', async () => {
    const twelve = Array.from({ length: 12 }, (_, index) => `note ${index}`)
    const { ask } = await serve({ ports: answering({ warnings: twelve, infos: twelve }) })
    const { body } = await ask('query?query=x')

    expect(body.warnings).toHaveLength(11)
    expect(body.warnings?.at(-1)).toBe('2 more warning annotations omitted')
    expect(body.infos?.at(-1)).toBe('2 more info annotations omitted')
  })

  test('comes with what it took when stats are asked for', async () => {
    const { ask } = await serve()

    expect((await ask('query?query=1&stats=all')).body).toHaveProperty('data.stats.timings.execTotalTime')
    expect((await ask('query?query=1&stats=some')).body.warnings?.[0]).toContain('"some"')
    expect((await ask('query?query=1')).body.data).not.toHaveProperty('stats')
  })

  test('takes the 11,001 steps that Prometheus takes, and not one more', async () => {
    const { ask } = await serve()

    expect((await ask('query_range?query=1&start=0&end=11000&step=1')).status).toBe(200)
    expect((await ask('query_range?query=1&start=0&end=11001&step=1')).status).toBe(400)
  })
})

describe('series', () => {
  test('are those with a sample in the window, also when the window is over', async () => {
    const { data } = await serve({ series: [...gauges('old', 1, 40 * 60 * SECOND), ...gauges('new', 1)] })
    const ago = (minutes: number) => NOW / SECOND - minutes * 60
    const names = async (span: string) => data(`label/__name__/values?${span}`)

    expect(await names('')).toEqual(['new', 'old'])
    expect(await names(`start=${ago(5)}`)).toEqual(['new'])
    expect(await names(`end=${ago(30)}`)).toContain('old')
    expect(await names(`start=${ago(50)}&end=${ago(30)}`)).toEqual(['old'])
    expect(await names(`start=${ago(30)}&end=${ago(20)}`)).toEqual([])
    expect(await data(`series?match[]={n="0"}&start=${ago(5)}`)).toEqual([{ __name__: 'new', n: '0' }])
  })

  test('that two selectors match come once', async () => {
    const { data } = await serve({ series: gauges('x', 3) })

    expect(await data('series?match[]=x&match[]={n="1"}')).toHaveLength(3)
  })

  test('and labels and values are cut at the limit, with a warning', async () => {
    const { ask } = await serve({ series: gauges('x', 3) })

    for (const path of ['series?match[]=x&limit=1', 'labels?limit=1', 'label/n/values?limit=1']) {
      expect((await ask(path)).body).toMatchObject({
        data: { length: 1 },
        warnings: ['results truncated due to limit'],
      })
    }
  })

  test('may be asked for from the beginning to the end of time, as promtool does', async () => {
    const { data } = await serve({ series: gauges('x', 1) })

    expect(await data('series?match[]=x&start=-9223309901257974&end=9223309901257974')).toHaveLength(1)
    expect(await data('labels?start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z')).toHaveLength(
      2,
    )
  })
})

describe('a large answer', () => {
  test('is written in many slices, and is whole', async () => {
    let now = 0
    let pauses = 0
    // Every look at this clock costs a tenth of a millisecond.
    const clock = {
      monotonic: () => (now += 0.1),
      async yield() {
        pauses += 1
        await nextTurn()
      },
    }
    const { url, data } = await serve({ series: gauges('x', 5_000), clock })

    for (const path of ['query?query=x', 'series?match[]=x', `series?match[]=x&start=${NOW / SECOND - 60}`]) {
      pauses = 0
      const answer = JSON.stringify(await data(path))
      expect(answer).toContain('"4999"')
      expect(pauses).toBeGreaterThan(50)
    }
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text.match(/^x\{/gm)).toHaveLength(5_000)
  })
})

const ALERT = {
  labels: { alertname: 'Hot', room: 'attic' },
  annotations: { summary: 'It is hot.' },
  state: 'firing',
  activeAt: NOW - 90_500,
  value: 42.5,
  missingSince: undefined,
  unknownSince: undefined,
} as const

const RULE = {
  type: 'alerting',
  name: 'Hot',
  query: 'temperature>40',
  labels: { severity: 'warning' },
  annotations: { summary: 'It is hot.' },
  forMs: 60_000,
  keepFiringForMs: 0,
  health: 'ok',
  lastError: '',
  lastEvaluationAt: NOW - 10_000,
  evaluationMs: 2,
  isLocal: true,
  alerts: [ALERT],
} as const

const GROUP: RuleGroupStatus = {
  name: 'house',
  file: 'b.yml',
  intervalMs: 15_000,
  limit: 0,
  queryOffsetMs: 0,
  lastEvaluationAt: NOW - 10_000,
  evaluationMs: 3,
  missedIterations: 0,
  rules: [
    RULE,
    {
      ...RULE,
      type: 'recording',
      name: 'room:temperature:avg',
      labels: {},
      annotations: {},
      alerts: [],
      health: 'err',
      lastError: 'no',
    },
    { ...RULE, name: 'Cold', alerts: [], health: 'unknown', lastEvaluationAt: 0 },
  ],
}

const rulesSchema = z.object({
  groups: z.array(
    z.object({ name: z.string(), file: z.string(), rules: z.array(z.looseObject({ name: z.string() })) }),
  ),
  groupNextToken: z.string().optional(),
})

describe('rules', () => {
  const groups = [GROUP, { ...GROUP, file: 'a.yml' }, { ...GROUP, name: 'garden' }]

  async function serveRules() {
    const { ask, data } = await serve({ ports: { ruleGroups: () => groups } })
    return { ask, data, rules: async (query = '') => rulesSchema.parse(await data(`rules?${query}`)) }
  }

  test('have the fields of Prometheus, by file and group', async () => {
    const { rules } = await serveRules()
    const { groups: shown } = await rules()

    expect(shown.map(({ file, name }) => `${file} ${name}`)).toEqual(['a.yml house', 'b.yml garden', 'b.yml house'])
    expect(shown[0]).toMatchObject({ file: 'a.yml' })
    expect(shown[0]?.rules).toEqual([
      {
        state: 'firing',
        name: 'Hot',
        query: 'temperature > 40',
        duration: 60,
        keepFiringFor: 0,
        labels: { severity: 'warning' },
        annotations: { summary: 'It is hot.' },
        alerts: [
          {
            labels: { alertname: 'Hot', room: 'attic' },
            annotations: { summary: 'It is hot.' },
            state: 'firing',
            activeAt: '2026-01-01T11:58:29.5Z',
            value: '4.25e+01',
          },
        ],
        health: 'ok',
        evaluationTime: 0.002,
        lastEvaluation: '2026-01-01T11:59:50Z',
        type: 'alerting',
      },
      {
        name: 'room:temperature:avg',
        query: 'temperature > 40',
        labels: {},
        health: 'err',
        lastError: 'no',
        evaluationTime: 0.002,
        lastEvaluation: '2026-01-01T11:59:50Z',
        type: 'recording',
      },
      expect.objectContaining({ name: 'Cold', state: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z', alerts: [] }),
    ])
  })

  test.each([
    ['type=record', ['room:temperature:avg']],
    ['type=alert&rule_name[]=Cold', ['Cold']],
    ['rule_name[]=Hot&rule_name[]=Cold', ['Hot', 'Cold']],
    ['match[]={severity="warning"}&rule_name[]=room:temperature:avg', undefined],
    ['rule_group[]=nobody', undefined],
  ])('with %s are only those, and groups without any are left out', async (query, names) => {
    const { rules } = await serveRules()

    expect((await rules(query)).groups[0]?.rules.map(({ name }) => name)).toEqual(names)
  })

  test('come without their alerts when those are not wanted', async () => {
    const { rules } = await serveRules()
    const { groups: shown } = await rules('exclude_alerts=true&rule_name[]=Hot')

    expect(shown[0]?.rules[0]).toMatchObject({ state: 'firing', alerts: null })
  })

  test('come page by page', async () => {
    const { ask, rules } = await serveRules()
    const first = await rules('group_limit=2')
    const second = await rules(`group_limit=2&group_next_token=${first.groupNextToken ?? ''}`)

    expect([first.groups.length, second.groups.length, second.groupNextToken]).toEqual([2, 1, undefined])
    expect((await ask('rules?group_limit=2&group_next_token=nonsense')).status).toBe(400)
    expect((await ask('rules?group_next_token=x')).status).toBe(400)
    expect((await ask('rules?group_limit=0')).status).toBe(400)
  })

  test('that cannot be seen keep their state, with an annotation that says so', async () => {
    const alerts = [
      { ...ALERT, unknownSince: NOW },
      { ...ALERT, state: 'pending' as const, missingSince: NOW - 1_000 },
    ]
    const { data } = await serve({ ports: { ruleGroups: () => [{ ...GROUP, rules: [{ ...RULE, alerts }] }] } })

    const shown = await data('alerts')
    expect(shown).toHaveProperty('alerts.0.annotations.chainwarden_unknown')
    expect(shown).toMatchObject({
      alerts: [{ state: 'firing' }, { state: 'pending', keepFiringSince: '2026-01-01T11:59:59Z' }],
    })
  })
})

describe('targets and metadata', () => {
  const table = {
    up: { type: 'gauge', help: 'Up.' },
    wait_seconds: { type: 'histogram', help: 'Wait.', unit: 'seconds' },
  } as const
  const labels = { target: 'node', job: 'evm', instance: 'node:8545' }
  const ports: Partial<OperationsPorts> = {
    metricTable: table,
    targets: () => [
      {
        target: 'node',
        type: 'evm-contract',
        labels,
        lastRoundAt: NOW - 500,
        lastDurationMs: 12,
        isCaughtUp: true,
        parts: { chain: { ok: false, reason: 'timeout', detail: 'no answer' } },
        values: {},
      },
    ],
    paceOf: () => ({ intervalMs: 2_000, timeoutMs: 5_000 }),
    current: () =>
      ['up', 'wait_seconds_bucket', 'wait_seconds_sum', 'odd'].map((name) => ({
        labels: { __name__: name, ...labels },
        value: 1,
        time: NOW,
      })),
  }

  test('a target has the fields of a scraped one', async () => {
    const { data } = await serve({ ports })

    expect(await data('targets')).toEqual({
      activeTargets: [
        {
          discoveredLabels: { __address__: 'node:8545', ...labels },
          labels,
          scrapePool: 'evm',
          scrapeUrl: 'chainwarden://node:8545/evm-contract',
          globalUrl: 'chainwarden://node:8545/evm-contract',
          lastError: 'chain: timeout: no answer',
          lastScrape: '2026-01-01T11:59:59.5Z',
          lastScrapeDuration: 0.012,
          health: 'down',
          scrapeInterval: '2s',
          scrapeTimeout: '5s',
        },
      ],
      droppedTargets: [],
      droppedTargetCounts: { evm: 0 },
    })
    expect(await data('targets?state=dropped')).toMatchObject({ activeTargets: [] })
    expect(await data('targets?scrapePool=other')).toMatchObject({ activeTargets: [] })
  })

  test('metadata is what the tables say', async () => {
    const { data } = await serve({ ports })
    const wait = [{ type: 'histogram', help: 'Wait.', unit: 'seconds' }]

    expect(await data('metadata')).toEqual({ up: [{ type: 'gauge', help: 'Up.', unit: '' }], wait_seconds: wait })
    expect(await data('metadata?metric=wait_seconds_bucket')).toEqual({ wait_seconds: wait })
    expect(await data('metadata?metric=nothing')).toEqual({})
    expect(Object.keys(z.record(z.string(), z.unknown()).parse(await data('metadata?limit=1')))).toEqual(['up'])
  })

  test('what a target brings is told by family', async () => {
    const { data } = await serve({ ports })
    const up = { target: labels, metric: 'up', type: 'gauge', help: 'Up.', unit: '' }

    expect(await data('targets/metadata')).toEqual([
      up,
      { target: labels, metric: 'wait_seconds', type: 'histogram', help: 'Wait.', unit: 'seconds' },
      { target: labels, metric: 'odd', type: 'unknown', help: '', unit: '' },
    ])
    expect(await data('targets/metadata?limit=1')).toEqual([up])
    expect(await data('targets/metadata?metric=up')).toEqual([{ target: labels, type: 'gauge', help: 'Up.', unit: '' }])
    expect(await data('targets/metadata?match_target={job="other"}')).toEqual([])
  })
})

test('status/tsdb says which metrics and labels make the most series', async () => {
  const { ask, data } = await serve({ series: [...gauges('many', 7), ...gauges('few', 2)] })

  expect(await data('status/tsdb?limit=1')).toEqual({
    headStats: { numSeries: 9, numLabelPairs: 9, chunkCount: 0, minTime: NOW - SECOND, maxTime: NOW - SECOND },
    seriesCountByMetricName: [{ name: 'many', value: 7 }],
    labelValueCountByLabelName: [{ name: 'n', value: 7 }],
    memoryInBytesByLabelName: [{ name: '__name__', value: 7 }],
    seriesCountByLabelValuePair: [{ name: '__name__=many', value: 7 }],
  })
  expect((await ask('status/tsdb?limit=0')).status).toBe(400)
  expect((await ask('status/tsdb?limit=10001')).status).toBe(400)
})

function gone(): never {
  throw new DOMException('This operation was aborted', 'AbortError')
}

test('work that ends because the client has gone is no mistake of ours', async () => {
  const series = { select: gone, load: gone, labelNames: gone, labelValues: gone }
  const { ask } = await serve({ ports: { series } })

  expect(await ask('series?match[]=up')).toMatchObject({ status: 499, body: { errorType: 'canceled' } })
})

test('a parameter that is longer than anything one would ask is refused', async () => {
  const { url } = await serve()
  const answer = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: 'x'.repeat(100_001) }),
  })

  expect(answer.status).toBe(400)
})
