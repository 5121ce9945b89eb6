import { describe, expect, test } from 'vitest'

import { ConfigError } from '../lib/errors.ts'
import { overrideRules } from './overrides.ts'
import { parseRuleFile } from './rule-file.ts'

const WHOLE = `groups:
  - name: nodes
    interval: 30s
    limit: 10
    query_offset: 1m
    labels: { team: infra, severity: info }
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: NodeDown
        expr: |
          up == 0
        for: 5m
        keep_firing_for: 1h30m
        labels: { severity: critical, tier: 1.10 }
        annotations: { summary: '{{ $labels.instance }} is down' }
  - name: empty
    rules:
`

function faultsOf(text: string): readonly string[] {
  try {
    parseRuleFile(text, 'x.yml')
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.faults.map(({ line, path, message }) => `${line} ${path ?? ''}: ${message}`)
    }
    throw error
  }
  return []
}

describe('a rule file', () => {
  test('is read with all that Prometheus knows', () => {
    const [group, empty] = parseRuleFile(WHOLE, 'x.yml')

    expect(group).toMatchObject({ name: 'nodes', intervalMs: 30_000, limit: 10, queryOffsetMs: 60_000 })
    expect(group?.rules).toMatchObject([
      { kind: 'record', name: 'job:up:sum', labels: { team: 'infra', severity: 'info' }, line: 8 },
      {
        kind: 'alert',
        name: 'NodeDown',
        expr: 'up == 0\n',
        forMs: 300_000,
        keepFiringForMs: 5_400_000,
        labels: { team: 'infra', severity: 'critical', tier: '1.10' },
        whenBlind: 'unknown',
        line: 10,
      },
    ])
    expect(empty?.rules).toEqual([])
  })

  test.each([
    ['an empty file', ''],
    ['a file of comments', '# nothing yet\n'],
    ['no groups', 'groups:\n'],
    ['a namespace, as Mimir writes it', 'namespace: a\ngroups: []\n'],
  ])('may be %s', (_, text) => {
    expect(parseRuleFile(text, 'x.yml')).toEqual([])
  })

  test('reads what is merged in with YAML anchors', () => {
    const text = `groups:
  - name: a
    rules:
      - &base { alert: A, expr: up == 0, for: 1m }
      - { <<: *base, alert: B }
`
    expect(parseRuleFile(text, 'x.yml')[0]?.rules).toMatchObject([{ name: 'A' }, { name: 'B', forMs: 60_000 }])
  })
})

describe('faults of a rule file', () => {
  test.each([
    ['no YAML', 'groups: [', /^1 : no YAML: /],
    ['a second document', 'groups: []\n---\ngroups: []', /^\d 1?.*a second YAML document begins here/],
    ['an unknown key', 'group: []', '1 group: this key is not known here'],
    ['a list for a map', '- a', '1 : this must be a map of keys'],
    ['a key that stands twice', 'groups: []\ngroups: []', '2 : this key stands twice in the same place'],
  ])('%s is told with its line', (_, text, expected) => {
    expect(faultsOf(text)).toHaveLength(1)
    expect(faultsOf(text)[0]).toMatch(expected)
  })

  test.each([
    ['neither alert nor record', '{ expr: up }', 'groups[0].rules[0]: a rule needs either alert or record'],
    [
      'both',
      '{ alert: A, record: b, expr: up }',
      'groups[0].rules[0].record: a rule has either alert or record, not both',
    ],
    [
      'a for of a recording rule',
      '{ record: b, expr: up, for: 1m }',
      'groups[0].rules[0].for: only an alerting rule has a for',
    ],
    ['no expression', '{ alert: A }', 'groups[0].rules[0].expr: this is needed (a text)'],
    ['an empty expression', '{ alert: A, expr: "" }', 'groups[0].rules[0].expr: this is needed (a PromQL expression)'],
    [
      'a duration that is none',
      '{ alert: A, expr: up, for: 5 minutes }',
      'groups[0].rules[0].for: 5 minutes is no duration: write it as 30s, 5m or 1h30m',
    ],
    [
      'the label __name__',
      '{ alert: A, expr: up, labels: { __name__: x } }',
      /rules\[0\]\.labels\.__name__: .*__name__ cannot be set here/,
    ],
    [
      'a record with labels in its name',
      '{ record: "a{b=1}", expr: up }',
      'groups[0].rules[0].record: this is the name of a metric, without braces: labels go under labels',
    ],
    [
      'an expression that is none',
      '{ alert: A, expr: "up ==" }',
      /rules\[0\]\.expr: .*\(at the end of the expression\)$/,
    ],
    [
      'a template that is none',
      '{ alert: A, expr: up, annotations: { summary: "{{ $nobody }}" } }',
      /rules\[0\]\.annotations\.summary: the template cannot be read: .*undefined variable "\$nobody"/,
    ],
  ])('%s is told at its place', (_, rule, expected) => {
    const text = `groups:\n  - name: a\n    rules:\n      - ${rule}\n`

    expect(faultsOf(text)).toHaveLength(1)
    expect(faultsOf(text)[0]).toMatch(expected)
    expect(faultsOf(text)[0]).toMatch(/^4 groups\[0\]\.rules\[0\]/)
  })

  test('all are told at once, those of expressions with those of keys', () => {
    const text = `groups:
  - name: a
    rules:
      - { alert: A, expr: 'sum(' }
      - { alert: B, expr: up, fro: 5m }
      - { alert: C, expr: 'rate(x)' }
  - name: a
    interval: soon
`
    expect(faultsOf(text).map((fault) => fault.split(':')[0])).toEqual([
      '5 groups[0].rules[1].fro',
      '8 groups[1].interval',
      '4 groups[0].rules[0].expr',
      '6 groups[0].rules[2].expr',
    ])
  })

  test('a group’s name stands once in a file', () => {
    expect(faultsOf('groups:\n  - name: a\n  - name: a\n')).toEqual([
      '3 groups[1].name: there is another group a in this file',
    ])
  })
})

describe('overrides', () => {
  const groups = parseRuleFile(WHOLE, 'x.yml')

  test('change for, severity and what is missing', () => {
    const [group] = overrideRules(groups, { NodeDown: { for: 1_000, severity: 'warning', missing: 'resolve' } })

    expect(group?.rules[1]).toMatchObject({
      forMs: 1_000,
      labels: { severity: 'warning', team: 'infra' },
      whenBlind: 'resolve',
      keepFiringForMs: 5_400_000,
    })
  })

  test('false leaves the alert out, and a group without rules goes', () => {
    expect(overrideRules(groups, { NodeDown: false }).map(({ rules }) => rules.length)).toEqual([1])
  })

  test('concern alerts only', () => {
    expect(overrideRules(groups, { 'job:up:sum': false })[0]?.rules).toHaveLength(2)
  })
})
