import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { parseExpr } from '../../promql/index.ts'
import { parseRuleFile } from '../rule-file.ts'
import type { Finding } from './finding.ts'
import type { RuleKnowledge } from './knowledge.ts'
import { lintRules } from './lint.ts'

const METRICS: RuleKnowledge['metrics'] = new Map([
  ['up', { type: 'gauge', labels: [], intervalMs: 2_000 }],
  ['shop_orders_started_total', { type: 'counter', labels: [], intervalMs: 2_000 }],
  ['shop_orders_failed_total', { type: 'counter', labels: [], intervalMs: 2_000 }],
  ['shop_queue', { type: 'gauge', labels: ['queue'], intervalMs: 2_000 }],
  ['shop_duration_seconds', { type: 'histogram', labels: [], bounds: [1, 5, 30], intervalMs: 2_000 }],
  ['mint_coins_total', { type: 'counter', labels: [] }],
])

/** A shop is configured, a mint is not. */
const SHOP: RuleKnowledge = {
  metrics: METRICS,
  defaultIntervalMs: 15_000,
  configured: {
    jobs: new Set(['shop']),
    targetLabels: new Set(['team']),
    written: new Set([
      'up',
      'shop_orders_started_total',
      'shop_orders_failed_total',
      'shop_queue',
      'shop_duration_seconds',
    ]),
    isOpen: false,
  },
}

const NOTHING_WRITTEN: RuleKnowledge = { ...SHOP, configured: undefined }

const NO_KNOWLEDGE: RuleKnowledge = { metrics: new Map(), configured: undefined, defaultIntervalMs: 15_000 }

function lint(rules: string, knowledge = SHOP, group = ''): readonly Finding[] {
  return lintRules(parseRuleFile(`groups:\n- name: g\n${group}  rules:\n${rules}`, 'rules.yml'), { knowledge })
}

function alert(expr: string, more = ''): string {
  return `  - alert: A\n    expr: '${expr}'\n${more}`
}

/** The findings of one check on one alerting rule. */
function found(check: string, expr: string, more = '', knowledge = SHOP): readonly Finding[] {
  return lint(alert(expr, more), knowledge).filter((finding) => finding.check === check)
}

const text = (words: string) => `    annotations: { d: '${words}' }\n`

describe('each check finds what is wrong, and says how it is better', () => {
  test.each([
    [
      'rate-as-ratio',
      'rate(shop_orders_failed_total[5m]) > 0.1',
      text('More than 10% of orders fail'),
      '(rate(shop_orders_failed_total[5m]) / rate(shop_orders_started_total[5m])) > 0.1',
    ],
    [
      'rate-as-ratio',
      'sum(rate(shop_orders_failed_total[5m])) > 10',
      text('10 percent fail'),
      '100 * (sum(rate(shop_orders_failed_total[5m])) / sum(rate(shop_orders_started_total[5m]))) > 10',
    ],
    [
      'raw-buckets',
      'histogram_quantile(0.9, shop_duration_seconds_bucket) > 1',
      '',
      'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) > 1',
    ],
    [
      'raw-buckets',
      'histogram_quantile(0.9, sum by (le) (shop_duration_seconds_bucket{job="shop"} offset 1h)) > 1',
      '',
      'histogram_quantile(0.9, sum by (le) (rate(shop_duration_seconds_bucket{job="shop"}[5m] offset 1h))) > 1',
    ],
    [
      'threshold-above-bounds',
      'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) > 60',
      '',
      'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) >= 30',
    ],
    [
      'threshold-above-bounds',
      '30 < histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m]))',
      '',
      '30 <= histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m]))',
    ],
    ['unwritten-series', 'shop_qeue > 5', '', 'shop_queue > 5'],
    ['unwritten-series', 'rate(shop_duration_secnds_count[5m]) > 5', '', 'rate(shop_duration_seconds_count[5m]) > 5'],
    ['unwritten-series', 'rate(mint_coins_total[5m]) > 5', '', undefined],
    ['unknown-job', 'up{job="shp"} == 0', '', 'up{job="shop"} == 0'],
    [
      'unknown-job',
      'up{job=~"bank|mint"} == 0',
      '',
      'up{job=~"bank|mint"} == 0 or absent(up{job="bank"}) or absent(up{job="mint"})',
    ],
    [
      'for-past-window',
      'rate(shop_orders_failed_total[5m]) > 0',
      '    for: 5m\n',
      'rate(shop_orders_failed_total[5m]) > 0',
    ],
    ['absent-cannot-name', 'absent(shop_queue)', '', '(present_over_time(shop_queue[1h]) unless shop_queue)'],
    [
      'absent-cannot-name',
      'absent(shop_queue{target=~"a|b"})',
      '',
      'absent(shop_queue{target="a"}) or absent(shop_queue{target="b"})',
    ],
    ['absent-cannot-name', 'absent(sum(shop_queue{target="a"}))', '', undefined],
    [
      'absent-cannot-name',
      'absent(shop_queue{job="shop"})',
      text('{{ $labels.target }} is gone'),
      '(present_over_time(shop_queue{job="shop"}[1h]) unless shop_queue{job="shop"})',
    ],
    ['colliding-labels', 'shop_queue > 5', '    labels: { queue: all }\n', 'max without (queue) (shop_queue > 5)'],
    ['colliding-labels', 'rate({__name__=~"shop_.+_total"}[5m]) > 1', '', undefined],
    [
      'never-equal',
      'sum by (queue) (shop_queue) / sum by (target) (shop_queue) > 1',
      '',
      'sum by (queue) (shop_queue) / on () sum by (target) (shop_queue) > 1',
    ],
    [
      'never-equal',
      'shop_queue > sum by (target) (shop_queue)',
      '',
      'shop_queue > on (target) group_left () sum by (target) (shop_queue)',
    ],
    [
      'never-equal',
      'shop_queue{queue="a"} > shop_queue{queue="b"}',
      '',
      'shop_queue{queue="a"} > on (instance, job, target) shop_queue{queue="b"}',
    ],
    ['never-equal', 'shop_queue > on (queue) up', '', 'shop_queue > on (instance, job, target) group_left () up'],
    ['rate-on-gauge', 'rate(shop_queue[5m]) > 1', '', 'deriv(shop_queue[5m]) > 1'],
    ['rate-on-gauge', 'increase(node_memory_Active_bytes[5m]) > 1', '', 'delta(node_memory_Active_bytes[5m]) > 1'],
    [
      'counter-born-late',
      'increase(errors_total{code="500"}[5m]) > 0',
      '',
      'increase(errors_total{code="500"}[5m]) > 0 or (errors_total{code="500"} > 0 unless errors_total{code="500"} offset 5m)',
    ],
  ])('%s: %s', (check, expr, more, better) => {
    const findings = found(check, expr, more)

    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ file: 'rules.yml', line: 4, group: 'g', rule: 'A', check })
    expect(findings[0]?.suggestion.expr).toBe(better)
  })

  test.each([
    ['for: 30s\n', '  interval: 1m\n', '1m'],
    ['for: 1s\n', '', '2s'],
  ])('for-shorter-than-interval: %s', (more, group, better) => {
    const findings = lint(alert('up == 0', `    ${more}`), SHOP, group)

    expect(findings.map(({ check, suggestion }) => [check, suggestion.for])).toEqual([
      ['for-shorter-than-interval', better],
    ])
  })

  test('a mended rule is not found again', () => {
    const exprs = [
      'rate(shop_orders_failed_total[5m]) > 0.1',
      'histogram_quantile(0.9, shop_duration_seconds_bucket) > 60',
      'shop_qeue > 5',
      'up{job="shp"} == 0',
      'absent(shop_queue)',
      'shop_queue > sum by (target) (shop_queue)',
      'rate(shop_queue[5m]) > 1',
    ]
    for (const expr of exprs) {
      for (const { check, suggestion } of lint(alert(expr, text('10% fail')))) {
        expect(found(check, suggestion.expr ?? '', text('10% fail')).map((again) => again.message)).toEqual([])
      }
    }
  })
})

describe('each check leaves alone what is right', () => {
  test.each([
    [
      'rate-as-ratio',
      'rate(shop_orders_failed_total[5m]) / rate(shop_orders_started_total[5m]) > 0.1',
      text('10% fail'),
    ],
    ['rate-as-ratio', 'rate(shop_orders_failed_total[5m]) > 0.1', text('6 orders a minute fail')],
    ['rate-as-ratio', 'rate(node_cpu_seconds_total[5m]) > 0.1', text('over 10% of the time is lost')],
    ['rate-as-ratio', 'shop_queue > 10', text('10 % of the room is used')],
    ['raw-buckets', 'histogram_quantile(0.9, sum by (le) (rate(shop_duration_seconds_bucket[5m]))) > 1', ''],
    ['raw-buckets', 'histogram_quantile(0.9, job:shop_duration_seconds_bucket:rate5m) > 1', ''],
    ['threshold-above-bounds', 'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) > 5', ''],
    ['threshold-above-bounds', 'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) >= 30', ''],
    ['threshold-above-bounds', 'histogram_quantile(0.9, rate(shop_duration_seconds_bucket[5m])) < 60', ''],
    ['unwritten-series', 'shop_duration_seconds_sum > 5 and up == 1 and ALERTS == 1', ''],
    ['unwritten-series', 'shop_queue > 5 unless maintenance == 1', ''],
    ['unknown-job', 'up{job=~"shop|bank"} == 0', ''],
    ['unknown-job', 'up{job!="bank"} == 0', ''],
    ['for-shorter-than-interval', 'up == 0', '    for: 15s\n'],
    ['for-shorter-than-interval', 'up == 0', ''],
    ['for-past-window', 'rate(shop_orders_failed_total[5m]) > 0', '    for: 4m\n'],
    ['for-past-window', 'rate(shop_orders_failed_total[5m]) > 0.5', '    for: 1h\n'],
    ['absent-cannot-name', 'absent(shop_queue{job="shop"})', text('{{ $labels.job }} is gone')],
    ['absent-cannot-name', 'absent(shop_queue)', '    labels: { target: all of them }\n'],
    ['colliding-labels', 'shop_queue > 5', '    labels: { severity: critical }\n'],
    ['colliding-labels', 'shop_queue{queue="a"} > 5', '    labels: { queue: b }\n'],
    ['colliding-labels', 'sum(shop_queue) > 5', '    labels: { queue: all }\n'],
    ['colliding-labels', 'shop_queue > 5', '    labels: { queue: "the {{ $labels.queue }}" }\n'],
    ['colliding-labels', 'count({__name__=~"shop_.+"}) > 5', ''],
    ['never-equal', 'shop_queue > on (target) group_left () up', ''],
    ['never-equal', 'rate(shop_orders_failed_total[5m]) / rate(shop_orders_started_total[5m]) > 0.1', ''],
    ['never-equal', 'shop_queue > something_else', ''],
    ['never-equal', 'shop_queue{queue="a"} > ignoring (queue) shop_queue{queue="b"}', ''],
    ['never-equal', 'up or vector(0)', ''],
    ['never-equal', '60 * shop_queue > on (target) group_left () up', ''],
    ['never-equal', '(1 - shop_queue / 2) > on (target) group_left () up', ''],
    ['rate-on-gauge', 'rate(shop_duration_seconds_count[5m]) > 1 or rate(node_network_receive_bytes[5m]) > 1', ''],
    ['counter-born-late', 'increase(shop_orders_failed_total[5m]) > 0', ''],
    ['counter-born-late', 'increase(errors_total[5m]) > 10', ''],
  ])('%s: %s', (check, expr, more) => {
    expect(found(check, expr, more)).toEqual([])
  })
})

describe('several rules', () => {
  const twice = `${alert('shop_queue > 5')}${alert('shop_queue > 9')}`

  test('two rules of one name and the same labels collide, and the later one is named', () => {
    const findings = lint(twice)

    expect(findings.map(({ check, line }) => [check, line])).toEqual([['colliding-labels', 6]])
    expect(findings[0]?.suggestion.expr).toBe('(shop_queue > 5) or (shop_queue > 9)')
  })

  test.each([
    ['another label', `${alert('shop_queue > 5')}${alert('shop_queue > 9', '    labels: { severity: critical }\n')}`],
    ['another series', `${alert('shop_queue{queue="a"} > 5')}${alert('shop_queue{queue="b"} > 9')}`],
    ['another metric', `${alert('shop_queue > 5')}${alert('up == 0')}`],
  ])('%s is no collision', (_, rules) => {
    expect(lint(rules)).toEqual([])
  })

  test('what a rule records is written, also by rules that are not judged', () => {
    const reader = parseRuleFile(`groups:\n- name: g\n  rules:\n${alert('shop:load > 5')}`, 'a.yml')
    const writer = parseRuleFile(
      'groups:\n- name: g\n  rules:\n  - record: shop:load\n    expr: sum(nothing)\n',
      'b.yml',
    )

    expect(lintRules(reader, { knowledge: SHOP })).toHaveLength(1)
    expect(lintRules(reader, { knowledge: SHOP, others: writer })).toEqual([])
    expect(lintRules([...writer, ...reader], { knowledge: SHOP }).map(({ file }) => file)).toEqual(['b.yml'])
  })

  test('where others write too, nothing is known of what is not written, nor of jobs', () => {
    const open: RuleKnowledge = { ...SHOP, configured: SHOP.configured && { ...SHOP.configured, isOpen: true } }

    expect(lint(alert('node_load1{job="node"} > 5 and up{job="node"} == 1'), open)).toEqual([])
  })
})

describe('without a configuration', () => {
  test('a job that may not exist is named, unless a rule asks whether it is there', () => {
    expect(found('unknown-job', 'up{job="x"} == 0', '', NO_KNOWLEDGE)[0]?.suggestion.expr).toBe(
      'up{job="x"} == 0 or absent(up{job="x"})',
    )
    const guarded = `${alert('up{job="x"} == 0')}  - alert: B\n    expr: 'absent(up{job="x"})'\n`

    expect(lint(guarded, NO_KNOWLEDGE)).toEqual([])
    expect(found('unknown-job', 'node_load1{job="x"} > 5', '', NO_KNOWLEDGE)).toEqual([])
  })

  test('the bounds of a histogram are those of the client libraries', () => {
    const expr = 'histogram_quantile(0.9, rate(x_seconds_bucket[5m])) > '

    expect(found('threshold-above-bounds', `${expr}60`, '', NOTHING_WRITTEN)).toHaveLength(1)
    expect(found('threshold-above-bounds', `${expr}5`, '', NOTHING_WRITTEN)).toEqual([])
  })

  test('no series is said not to be written', () => {
    expect(found('unwritten-series', 'whatever > 5', '', NOTHING_WRITTEN)).toEqual([])
  })
})

describe('what operators bring', () => {
  const upstream = join(import.meta.dirname, '../../../../shared/fixtures/compat/tesseract.rules.yml')

  test.runIf(existsSync(upstream))(
    'every known fault of the Tesseract rules is found, each with a rule that parses',
    () => {
      const groups = parseRuleFile(readFileSync(upstream, 'utf8'), 'tesseract.rules.yml')
      const findings = lintRules(groups, { knowledge: NO_KNOWLEDGE })

      expect(findings.map(({ rule, check }) => [rule, check])).toEqual([
        ['TesseractHighFailureRate', 'rate-as-ratio'],
        ['TesseractSlowResolution', 'raw-buckets'],
        ['TesseractSlowResolution', 'threshold-above-bounds'],
        ['TesseractNodeDisconnected', 'unknown-job'],
      ])
      for (const { suggestion } of findings) expect(() => parseExpr(suggestion.expr ?? '')).not.toThrow()
    },
  )
})

test('the guide says of every check what it finds', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/write-rules.md'), 'utf8')
  const described = Array.from(guide.matchAll(/^\| `([a-z-]+)` /gm), (match) => match[1])
  const checks = readdirSync(join(import.meta.dirname, 'checks')).map((file) => file.replace('.ts', ''))

  expect(new Set(described)).toEqual(new Set(checks))
})
