import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { ConfigError } from '../../lib/errors.ts'
import { parseRuleFile } from '../rule-file.ts'
import { parseUnitTest } from './document.ts'
import { runUnitTest, type UnitTestReport } from './run.ts'

const clock = { monotonic: () => 0, yield: async () => Promise.resolve() }

const RULES = `
groups:
  - name: alerts
    rules:
      - alert: Down
        expr: up == 0
        for: 2m
        labels: { severity: page, site: '{{ $externalLabels.site }}' }
        annotations: { summary: '{{ $labels.job }} is {{ $value }} at {{ $externalURL }}' }
  - name: records
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - record: job:up:twice
        expr: job:up:sum * 2
`

/** Runs one entry under `tests`, indented by four. */
async function run(entry: string, head = '', rules = RULES): Promise<UnitTestReport> {
  const document = parseUnitTest(`${head}\ntests:\n  - name: t\n${entry}`, 'test.yml')
  return runUnitTest(document, parseRuleFile(rules, 'rules.yml'), { clock })
}

const DOWN = `    input_series: [{ series: 'up{job="a"}', values: '1 0x4 1' }]
    external_labels: { site: home }
    external_url: http://here
`

const alertAt = (at: string, alerts: string) =>
  `${DOWN}    alert_rule_test: [{ eval_time: ${at}, alertname: Down, exp_alerts: ${alerts} }]\n`

const FIRING =
  '[{ exp_labels: { severity: page, site: home, job: a }, exp_annotations: { summary: "a is 0 at http://here" } }]'

const exprAt = (at: string, expr: string, samples: string) =>
  `${DOWN}    promql_expr_test: [{ eval_time: ${at}, expr: '${expr}', exp_samples: ${samples} }]\n`

describe('alerts', () => {
  test.each([
    ['it has not fired before its for', alertAt('2m', '[]')],
    ['it fires after its for, with labels and texts', alertAt('3m', FIRING)],
    ['between two evaluations the one before counts', alertAt('3m59s', FIRING)],
    ['it is over when the series is back', alertAt('6m', '[]')],
  ])('%s', async (_, entry) => {
    expect(await run(entry)).toEqual({ passed: 1, skipped: 0, failures: [] })
  })

  test.each([
    ['an alert too few', alertAt('3m', '[]')],
    ['an alert too many', alertAt('2m', FIRING)],
    ['another label', alertAt('3m', FIRING.replace('job: a', 'job: b'))],
    ['another text', alertAt('3m', FIRING.replace('a is 0', 'a is 1'))],
  ])('%s is a failure', async (_, entry) => {
    const { passed, failures } = await run(entry)

    expect(passed).toBe(0)
    expect(failures).toHaveLength(1)
    expect(failures[0]?.what).toMatch(/^the alert Down at [23]m$/)
  })

  test('what was expected and what came stand in the failure', async () => {
    const { failures } = await run(alertAt('3m', '[]'))

    expect(failures[0]).toMatchObject({
      expected: 'nothing',
      got: '{alertname="Down", job="a", severity="page", site="home"} with the annotations {summary="a is 0 at http://here"}',
    })
  })
})

describe('expressions', () => {
  test.each([
    ['a recorded series', exprAt('1m', 'job:up:sum', '[{ labels: "job:up:sum{job=\\"a\\"}", value: 0 }]')],
    [
      'a rule sees the one before it in the group',
      exprAt('0', 'job:up:twice', '[{ labels: "job:up:twice{job=\\"a\\"}", value: 2 }]'),
    ],
    ['a scalar', exprAt('2m', 'time()', '[{ value: 120 }]')],
    ['nothing', exprAt('2m', 'nothing', '[]')],
    ['what is not a number', exprAt('2m', 'vector(NaN)', '[{ value: .nan }]')],
    [
      'ALERTS',
      exprAt(
        '2m',
        'ALERTS{alertstate="pending"}',
        '[{ labels: "ALERTS{alertname=\\"Down\\",alertstate=\\"pending\\",job=\\"a\\",severity=\\"page\\",site=\\"home\\"}", value: 1 }]',
      ),
    ],
    ['ALERTS is pending no more when it fires', exprAt('3m', 'count(ALERTS{alertstate="pending"})', '[]')],
  ])('%s', async (_, entry) => {
    expect(await run(entry)).toEqual({ passed: 1, skipped: 0, failures: [] })
  })

  test.each([
    ['another value', exprAt('1m', 'sum(up)', '[{ value: 1 }]')],
    ['another label', exprAt('1m', 'up', '[{ labels: "up{job=\\"b\\"}", value: 0 }]')],
    ['a series too many', exprAt('1m', 'up', '[]')],
    ['a query that cannot be read', exprAt('1m', 'up{', '[]')],
    ['a string', exprAt('1m', '"text"', '[]')],
  ])('%s is a failure', async (_, entry) => {
    const { passed, failures } = await run(entry)

    expect({ passed, failures: failures.length }).toEqual({ passed: 0, failures: 1 })
  })

  test('neighbouring numbers are equal only where the file says fuzzy', async () => {
    const near = exprAt('0', 'vector(3)', '[{ value: 3.0000000000000004 }]')
    const far = exprAt('0', 'vector(3)', '[{ value: 3.0000000000000013 }]')

    expect((await run(near)).passed).toBe(0)
    expect((await run(near, 'fuzzy_compare: true')).passed).toBe(1)
    expect((await run(far, 'fuzzy_compare: true')).passed).toBe(0)
    expect((await run(exprAt('0', 'vector(0)', '[{ value: -5e-324 }]'), 'fuzzy_compare: true')).passed).toBe(1)
  })

  test('native histograms are left out, and counted', async () => {
    const { passed, skipped } = await run(
      `    input_series: [{ series: h, values: '{{count:1}}x3' }, { series: f, values: 1x3 }]
    promql_expr_test:
      - { expr: count(h), exp_samples: [{ value: 1 }] }
      - { expr: f, exp_samples: [{ labels: f, histogram: '{{count:1}}' }] }
      - { expr: f, exp_samples: [{ labels: f, value: 1 }] }
`,
    )

    expect({ passed, skipped }).toEqual({ passed: 1, skipped: 2 })
  })
})

describe('the course of time', () => {
  test('a start is where the samples and the evaluations begin', async () => {
    const entry = exprAt('1m', 'timestamp(up) + 0 * time()', '[{ labels: "{job=\\"a\\"}", value: 1704067260 }]')

    expect((await run(`    start_timestamp: 2024-01-01T00:00:00Z\n${entry}`)).failures).toEqual([])
    expect((await run(`    start_timestamp: 1704067200\n${entry}`)).failures).toEqual([])
    expect((await run(entry)).passed).toBe(0)
  })

  test('rules do not see samples that come later', async () => {
    const rules = 'groups: [{ name: g, rules: [{ record: ahead, expr: sum(up offset -1m) }] }]'
    const entry = exprAt('1m', 'ahead', '[{ labels: ahead, value: 1 }]')

    // At 0 the newest sample is that of 0, although the one of 1m is looked for.
    expect((await run(exprAt('0', 'ahead', '[{ labels: ahead, value: 1 }]'), '', rules)).failures).toEqual([])
    expect((await run(entry, '', rules)).passed).toBe(0)
  })

  test('groups are evaluated in the order that the file asks for', async () => {
    const rules =
      'groups: [{ name: reads, rules: [{ record: y, expr: x }] }, { name: writes, rules: [{ record: x, expr: vector(1) }] }]'
    const entry = exprAt('0', 'y', '[{ labels: y, value: 1 }]')

    expect((await run(entry, '', rules)).passed).toBe(0)
    expect((await run(entry, 'group_eval_order: [writes, reads]', rules)).failures).toEqual([])
  })

  test('a rule that fails ends its test', async () => {
    const rules = 'groups: [{ name: g, rules: [{ record: x, expr: "a + on (j) b" }] }]'
    const { passed, failures } = await run(
      `    input_series: [{ series: 'a{j="1"}', values: 1 }, { series: 'b{j="1",k="1"}', values: 1 }, { series: 'b{j="1",k="2"}', values: 1 }]
    promql_expr_test: [{ expr: vector(1), exp_samples: [{ value: 1 }] }]
`,
      '',
      rules,
    )

    expect(passed).toBe(0)
    expect(failures).toMatchObject([{ what: 'the rule x at 0s', expected: 'no error' }])
  })
})

describe('files that cannot be read', () => {
  test.each([
    ['a key that is not known', 'tests: [{ wonders: 1 }]', 'tests[0].wonders'],
    ['a duration that is none', 'evaluation_interval: soon', 'evaluation_interval'],
    ['a group that is ordered twice', 'group_eval_order: [a, a]', 'group_eval_order'],
    [
      'an alert without a name',
      'tests: [{ alert_rule_test: [{ eval_time: 1m }] }]',
      'tests[0].alert_rule_test[0].alertname',
    ],
    ['a series that is none', `tests: [{ input_series: [{ series: 'up{', values: 1 }] }]`, 'tests[0].input_series[0]'],
    ['too many samples', 'tests: [{ input_series: [{ series: up, values: 1x99999999 }] }]', 'tests[0].input_series[0]'],
    [
      'too many evaluations',
      'evaluation_interval: 1ms\ntests: [{ promql_expr_test: [{ expr: up, eval_time: 1d }] }]',
      'tests[0]',
    ],
    ['a start that is no time', 'tests: [{ start_timestamp: dawn }]', 'tests[0].start_timestamp'],
  ])('%s is a fault with its place', (_, content, path) => {
    let faults: ConfigError['faults'] = []
    try {
      parseUnitTest(content, 'test.yml')
    } catch (error) {
      if (error instanceof ConfigError) ({ faults } = error)
    }

    expect(faults.map((fault) => fault.path)).toEqual([path])
  })
})

/** Prometheus' own test files lie beside the project, where they are at hand. */
const UPSTREAM = join(import.meta.dirname, '../../../../shared/promqltest/promtool')

const readUpstream = (file: string) => readFileSync(join(UPSTREAM, file), 'utf8')

async function runFile(name: string, filter?: string): Promise<UnitTestReport> {
  const document = parseUnitTest(readUpstream(name), name)
  const groups = document.ruleFiles.flatMap((file) => parseRuleFile(readUpstream(file), file))
  return runUnitTest(document, groups, { clock, run: filter })
}

describe.runIf(existsSync(UPSTREAM))("promtool's own files", () => {
  test.each([
    ['unittest.yml', undefined],
    ['long-period.yml', undefined],
    ['at-modifier-test.yml', undefined],
    ['negative-offset-test.yml', undefined],
    ['no-test-group-interval.yml', undefined],
    ['start-time-test.yml', undefined],
    ['rules_run.yml', 'correct'],
    ['rules_run_fuzzy.yml', 'correct'],
  ])('%s passes (%s)', async (name, filter) => {
    expect((await runFile(name, filter)).failures).toEqual([])
  })

  test.each([
    ['bad-promql.yml', undefined, 1],
    ['bad-rules-error-test.yml', undefined, 1],
    ['failing.yml', undefined, 4],
    ['rules_run.yml', undefined, 1],
    ['rules_run.yml', 'wrong', 1],
    ['rules_run_fuzzy.yml', 'wrong', 2],
    ['rules_run_no_fuzzy.yml', undefined, 2],
  ])('%s fails (%s)', async (name, filter, count) => {
    expect((await runFile(name, filter)).failures).toHaveLength(count)
  })

  test('bad-input-series.yml cannot be read', async () => {
    await expect(runFile('bad-input-series.yml')).rejects.toThrow(ConfigError)
  })
})
