import { describe, expect, test } from 'vitest'

import { parseRuleFile } from './rule-file.ts'
import type { TemplateSample } from './template-functions.ts'
import { compileAlertTemplates, createTemplateToolkit, parseEventTemplate } from './template.ts'

const AT = 1_700_000_000_500

function expand(text: string, sample: Partial<TemplateSample> = {}, answers: Record<string, TemplateSample[]> = {}) {
  const rule = parseRuleFile(
    `groups: [{ name: g, rules: [{ alert: A, expr: up, annotations: { text: ${JSON.stringify(text)} } }] }]`,
    'x.yml',
  )[0]?.rules[0]
  if (rule?.kind !== 'alert') throw new Error('the rule is an alert')
  const templates = compileAlertTemplates(
    rule,
    createTemplateToolkit({
      externalLabels: { region: 'eu' },
      externalUrl: 'https://watch.example.org/prom',
      query: (expr) => {
        const answer = answers[expr]
        if (answer === undefined) throw new Error(`no answer to ${expr}`)
        return answer
      },
    }),
  )
  const element = { labels: { instance: 'node:8732', job: 'tezos' }, value: 0.256, ...sample }
  const expanded = templates.annotations(element, AT)
  if (expanded instanceof Promise) throw new Error('everything is at hand')
  return expanded['text']
}

describe('texts of alerts', () => {
  test.each([
    ['plain text', 'plain text'],
    ['{{ $labels.instance }} of {{ .Labels.job }}', 'node:8732 of tezos'],
    ['{{ $value }} {{ .Value }}', '0.256 0.256'],
    ['[{{ $labels.nothing }}]', '[]'],
    ['{{ $externalLabels.region }} {{ .ExternalLabels.region }}', 'eu eu'],
    [
      '{{ $externalURL }} {{ externalURL }} {{ pathPrefix }}',
      'https://watch.example.org/prom https://watch.example.org/prom /prom',
    ],
    ['{{ if gt $value 0.2 }}much{{ end }}', 'much'],
    ['{{ $value | humanizePercentage }}', '25.6%'],
    ['{{ with $labels }}{{ .job }}{{ end }}', 'tezos'],
    ['{{ printf "%.1f" $value }}', '0.3'],
  ])('%s gives %s', (text, expected) => {
    expect(expand(text)).toBe(expected)
  })

  test.each([
    ['{{ humanize 0.0 }}', '0'],
    ['{{ humanize 1234567.0 }}', '1.235M'],
    ['{{ humanize 0.00001234 }}', '12.34u'],
    ['{{ humanize 1e30 }}', '1e+06Y'],
    ['{{ humanize "999.99" }}', '1000'],
    ['{{ humanize 3 }}', '3'],
    ['{{ humanize1024 1048576.0 }}', '1Mi'],
    ['{{ humanize1024 1023.0 }}', '1023'],
    ['{{ humanizeDuration 0.0 }}', '0s'],
    ['{{ humanizeDuration 59.5 }}', '59.5s'],
    ['{{ humanizeDuration 3661.0 }}', '1h 1m 1s'],
    ['{{ humanizeDuration -90061.0 }}', '-1d 1h 1m 1s'],
    ['{{ humanizeDuration 0.0015 }}', '1.5ms'],
    ['{{ humanizePercentage 1.0 }}', '100%'],
    ['{{ humanizeTimestamp 1700000000.25 }}', '2023-11-14 22:13:20.25 +0000 UTC'],
    ['{{ humanizeTimestamp 1700000000.0 }}', '2023-11-14 22:13:20 +0000 UTC'],
    ['{{ parseDuration "1h30m" }}', '5400'],
    ['{{ toDuration 90.5 }}', '1m30.5s'],
    ['{{ toTime 1700000000.0 }}', '2023-11-14 22:13:20 +0000 UTC'],
    ['{{ now }}', '1.7000000005e+09'],
    ['{{ title "node is down" }} {{ toUpper "a" }} {{ toLower "B" }}', 'Node Is Down A b'],
    ['{{ match "^no.e" "node" }} {{ match "x" "node" }}', 'true false'],
    ['{{ reReplaceAll "(\\\\w+):(\\\\d+)" "$2 at ${1}!" "node:80" }}', '80 at node!'],
    ['{{ stripPort "[::1]:80" }} {{ stripPort "a:80" }} {{ stripPort "::1" }}', '::1 a ::1'],
    ['{{ stripDomain "a.b.c:80" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "a.b" }}', 'a:80 10.0.0.1:80 a'],
    ['{{ urlQueryEscape "a b&(c)" }}', 'a+b%26%28c%29'],
    [
      '{{ graphLink "up == 0" }} {{ tableLink "up" }}',
      '/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1',
    ],
    ['{{ safeHtml "<b>" }}', '<b>'],
    ['{{ with args 1 "b" }}{{ .arg0 }}{{ .arg1 }}{{ end }}', '1b'],
  ])('%s gives %s, as in Prometheus', (text, expected) => {
    expect(expand(text)).toBe(expected)
  })

  const answers = {
    up: [
      { labels: { instance: 'b', __value__: 'two' }, value: 2 },
      { labels: { instance: 'a' }, value: 1 },
    ],
    nothing: [],
  }

  test.each([
    ['{{ range query "up" }}{{ .Labels.instance }}={{ .Value }} {{ end }}', 'b=2 a=1 '],
    ['{{ range query "up" | sortByLabel "instance" }}{{ . | label "instance" }}{{ end }}', 'ab'],
    ['{{ query "up" | first | value }} {{ query "up" | first | strvalue }}', '2 two'],
  ])('%s asks the engine', (text, expected) => {
    expect(expand(text, {}, answers)).toBe(expected)
  })

  test.each([
    ['{{ query "nothing" | first }}', 'first() called on vector with no elements'],
    ['{{ query "other" }}', 'no answer to other'],
    ['{{ humanize "many" }}', 'can\'t convert "many" to float'],
    ['{{ reReplaceAll "(" "" "a" }}', 'error parsing regexp'],
    ['{{ template "none" }}', 'not defined'],
  ])('%s stands in the text as its fault', (text, reason) => {
    const expanded = expand(text, {}, answers)

    expect(expanded).toMatch(/^<error expanding template: .*>$/s)
    expect(expanded).toContain(reason)
  })

  test('a query that has to wait is waited for', async () => {
    const rule = parseRuleFile(
      `groups: [{ name: g, rules: [{ alert: A, expr: up, annotations: { a: '{{ query "x" | first | value }}', b: plain } }] }]`,
      'x.yml',
    )[0]?.rules[0]
    if (rule?.kind !== 'alert') throw new Error('the rule is an alert')
    const toolkit = createTemplateToolkit({
      externalLabels: {},
      externalUrl: '',
      query: async (_, at) => Promise.resolve([{ labels: {}, value: at }]),
    })

    const expanded = compileAlertTemplates(rule, toolkit).annotations({ labels: {}, value: 1 }, 7)

    expect(await expanded).toEqual({ a: '7', b: 'plain' })
  })
})

describe('texts of event alerts', () => {
  const event = { name: 'Failed', time: AT, args: { tx_id: '0x1', amount: '123456789012345678901234567890' } }

  test.each([
    ['{{ $event.name }} {{ $event.args.tx_id }}', 'Failed 0x1'],
    ['{{ $event.args.amount }} {{ $event.time }}', '123456789012345678901234567890 1700000000500'],
    ['{{ $labels.target }} {{ .Event.name }}', 'bridge Failed'],
  ])('%s', (text, expected) => {
    expect(parseEventTemplate(text)(event, { target: 'bridge' })).toBe(expected)
  })

  test('a query stands in the text as a fault, because nobody answers it', () => {
    expect(parseEventTemplate('{{ query "up" }}')(event, {})).toMatch(
      /^<error expanding template: .*there is no query here/,
    )
  })
})
