import { expect, test } from 'vitest'

import { createMatcher, type Matcher } from './matcher.ts'
import { groupLabelsOf, labelsText, matchersText, matchRoutes, type Route } from './route.ts'

function route(receiver: string, matchers: readonly Matcher[], more: Partial<Route> = {}): Route {
  return {
    key: '{}',
    id: receiver,
    receiver,
    matchers,
    groupBy: [],
    groupWaitMs: 0,
    groupIntervalMs: 1,
    repeatIntervalMs: 1,
    continues: false,
    routes: [],
    ...more,
  }
}

const critical = createMatcher('severity', '=', 'critical')
const bridge = createMatcher('team', '=~', 'bridge|rollup')

const receiversOf = (root: Route, labels: Record<string, string>) =>
  matchRoutes(root, labels).map(({ receiver }) => receiver)

test('an alert takes the first child that matches, and the parent when none does', () => {
  const root = route('all', [], { routes: [route('pager', [critical]), route('bridge', [bridge])] })

  expect(receiversOf(root, { severity: 'critical', team: 'bridge' })).toEqual(['pager'])
  expect(receiversOf(root, { severity: 'info', team: 'rollup' })).toEqual(['bridge'])
  expect(receiversOf(root, { team: 'web' })).toEqual(['all'])
})

test('with continue it takes the next sibling as well', () => {
  const root = route('all', [], {
    routes: [route('pager', [critical], { continues: true }), route('bridge', [bridge])],
  })

  expect(receiversOf(root, { severity: 'critical', team: 'bridge' })).toEqual(['pager', 'bridge'])
  expect(receiversOf(root, { severity: 'critical', team: 'web' })).toEqual(['pager'])
})

test('continue below a child does not reach past that child', () => {
  const inner = route('inner', [critical], { continues: true })
  const root = route('all', [], { routes: [route('outer', [bridge], { routes: [inner] }), route('last', [])] })

  expect(receiversOf(root, { severity: 'critical', team: 'bridge' })).toEqual(['inner'])
})

test('a matcher on a label that is missing sees an empty value', () => {
  const root = route('all', [], { routes: [route('teamless', [createMatcher('team', '=', '')])] })

  expect(receiversOf(root, {})).toEqual(['teamless'])
})

test('group labels are the ones that the alert has of those that are asked for', () => {
  const labels = { alertname: 'X', job: 'y', severity: 'info' }

  expect(groupLabelsOf(route('all', [], { groupBy: ['job', 'cluster'] }), labels)).toEqual({ job: 'y' })
  expect(groupLabelsOf(route('all', [], { groupBy: 'all' }), labels)).toEqual(labels)
})

test('labels are written as Go writes them', () => {
  expect(labelsText({ job: 'y', alertname: 'X' })).toBe('{alertname="X", job="y"}')
  expect(labelsText({ a: 'tab\tquote"back\\ bell\u0007 null\u0000 é \u200b' })).toBe(
    String.raw`{a="tab\tquote\"back\\ bell\a null\x00 é \u200b"}`,
  )
  expect(labelsText({})).toBe('{}')
})

test('matchers are sorted by name, value and operator, and quoted where they must be', () => {
  const matchers = [
    createMatcher('severity', '=', 'critical'),
    createMatcher('a b', '!=', 'x"y'),
    createMatcher('severity', '=~', 'a|b'),
    createMatcher('severity', '!=', 'a|b'),
  ]

  expect(matchersText(matchers)).toBe(String.raw`{"a b"!="x\"y",severity!="a|b",severity=~"a|b",severity="critical"}`)
})
