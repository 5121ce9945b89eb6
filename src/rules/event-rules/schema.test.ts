import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import type { EventTable } from '../../core/event.ts'
import { ConfigError } from '../../lib/errors.ts'
import { compileEventRules, overrideEventRules, parseEventRuleFile } from './compile.ts'

const EVENTS: EventTable = {
  'evm.log': { help: 'A log.', args: z.looseObject({}) },
  'docker.died': { help: 'A container died.', args: z.strictObject({ container: z.string(), code: z.int() }) },
}

function faultsOf(text: string): readonly string[] {
  try {
    parseEventRuleFile(text, 'x.yml', EVENTS)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`)
  }
  return []
}

function rule(text: string): string {
  return `event_rules:\n  - { alert: A, on: evm.log, ${text} }\n`
}

describe('an event rule', () => {
  test('has defaults: one alert per event, closed after 15 minutes', () => {
    const [compiled] = compileEventRules(parseEventRuleFile(rule('where: "true"'), 'x.yml', EVENTS), 'x.yml')

    expect(compiled).toMatchObject({
      source: 'event/x.yml/A',
      isPerEvent: true,
      needs: 1,
      resolveAfterMs: 900_000,
      by: [],
      targets: undefined,
    })
  })

  test('with resolve_on closes only when told to', () => {
    const text = rule('resolve_on: { on: evm.log, where: event.name == "Unpaused" }, by: { pool: event.args.pool }')
    const [compiled] = compileEventRules(parseEventRuleFile(text, 'x.yml', EVENTS), 'x.yml', ['a'])

    expect(compiled).toMatchObject({
      resolveAfterMs: undefined,
      isPerEvent: false,
      by: [{ label: 'pool', path: ['args', 'pool'] }],
      targets: new Set(['a']),
    })
  })

  test.each([
    ['60 blocks', { unit: 'blocks', blocks: 60 }],
    ['1 block', { unit: 'blocks', blocks: 1 }],
    ['10m', { unit: 'time', ms: 600_000 }],
  ])('counts within %s', (within, window) => {
    const text = rule(`count: 10, within: ${within}`)
    expect(compileEventRules(parseEventRuleFile(text, 'x.yml', EVENTS), 'x.yml')[0]).toMatchObject({
      needs: 10,
      window,
    })
  })

  test('is overridden by its alert’s name', () => {
    const rules = compileEventRules(
      parseEventRuleFile(rule('labels: { severity: info, x: y }'), 'x.yml', EVENTS),
      'x.yml',
    )

    const [changed] = overrideEventRules(rules, { A: { severity: 'critical' } })
    const labels = Object.fromEntries((changed?.labels ?? []).map(([name, template]) => [name, template({}, {})]))

    expect(labels).toEqual({ severity: 'critical', x: 'y' })
    expect(overrideEventRules(rules, { A: false })).toEqual([])
    expect(overrideEventRules(rules, {})).toEqual(rules)
  })

  test('takes labels that YAML read as numbers as text', () => {
    expect(parseEventRuleFile(rule('labels: { level: 3, on: true }'), 'x.yml', EVENTS)[0]?.labels).toEqual({
      level: '3',
      on: 'true',
    })
  })
})

describe('faults', () => {
  test.each([
    [rule('wher: "true"'), '2 event_rules[0].wher: this key is not known here'],
    ['event_rules:\n  - { alert: A }\n', '2 event_rules[0].on: this is needed (a text)'],
    [rule('where: event.name.matches("a")'), /^2 event_rules\[0\]\.where: matches\(\) is not offered/],
    [rule('where: "event.nam == 1"'), /^2 event_rules\[0\]\.where: an event has no nam: it has type, name/],
    [rule('where: "event.block.size == 1"'), /: an event's block has no size: it has number, hash, time$/],
    [rule('where: "event.name.first == 1"'), /: an event's name has no first: it is a plain value$/],
    [rule('by: { pool: "args pool" }'), /^2 event_rules\[0\]\.by\.pool: this names an attribute of the event/],
    [rule('by: { pool: arg.pool }'), /^2 event_rules\[0\]\.by\.pool: an event has no arg: /],
    [rule('count: 3'), '2 event_rules[0].count: count needs within: 60 blocks, or 10m'],
    [rule('within: 3m'), '2 event_rules[0].within: within needs count: how many events'],
    [rule('count: 3, within: soon'), /^2 event_rules\[0\]\.within: write a number of blocks/],
    [rule('resolve_after: 0'), '2 event_rules[0].resolve_after: this must be longer than 0s'],
    [rule('annotations: { a: "{{ nope }}" }'), /^2 event_rules\[0\]\.annotations\.a: the template cannot be read: /],
    [
      'event_rules:\n  - { alert: A, on: evm.lo }\n',
      /^2 event_rules\[0\]\.on: there is no event of type evm\.lo: known are /,
    ],
    [
      rule('resolve_on: { on: nothing }'),
      /^2 event_rules\[0\]\.resolve_on\.on: there is no event of type nothing: known are docker\.died, evm\.log$/,
    ],
    [
      'event_rules:\n  - { alert: A, on: docker.died, where: event.args.exit == 1 }\n',
      /: an event of type docker\.died has no argument exit: it has container, code$/,
    ],
    [
      'event_rules:\n  - { alert: A, on: evm.log }\n  - { alert: A, on: evm.log }\n',
      /^3 event_rules\[1\]\.alert: there is another event rule A in this file/,
    ],
  ])('%s', (text, expected) => {
    expect(faultsOf(text)).toHaveLength(1)
    expect(faultsOf(text)[0]).toMatch(expected)
  })

  test('are told all at once', () => {
    const text = `event_rules:
  - { alert: A, on: evm.log, where: "event.name ==" }
  - { alert: B, on: evm.log, count: 1, within: x }
`
    expect(faultsOf(text).map((fault) => fault.split(':')[0])).toEqual([
      '2 event_rules[0].where',
      '3 event_rules[1].count',
      '3 event_rules[1].within',
    ])
  })

  test('of loose events concern no argument, as an ABI decides', () => {
    expect(faultsOf(rule('where: event.args.whatever == 1'))).toEqual([])
  })
})
