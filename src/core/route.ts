import { compareText, type Labels } from './labels.ts'
import { matchesAll, type Matcher } from './matcher.ts'

/** One node of the route tree, with what it inherited. */
export interface Route {
  /** Alertmanager's key, from the root: `{}/{severity="critical"}`. Siblings may share it. */
  readonly key: string
  /** Unique within the tree, and the same after an edit that leaves receiver, matchers and grouping of this route alone. */
  readonly id: string
  readonly receiver: string
  readonly matchers: readonly Matcher[]
  /** The labels that make a group, or `all`: every set of labels is a group of its own (`...`). */
  readonly groupBy: readonly string[] | 'all'
  readonly groupWaitMs: number
  readonly groupIntervalMs: number
  readonly repeatIntervalMs: number
  /** An alert that matches goes on to the next sibling. */
  readonly continues: boolean
  readonly routes: readonly Route[]
}

/**
 * The routes an alert takes: the deepest that match, from left to right, up to the first without `continue`
 * (Alertmanager, `dispatch/route.go`). Empty only where the given route itself does not match.
 */
export function matchRoutes(route: Route, labels: Labels): readonly Route[] {
  if (!matchesAll(route.matchers, labels)) return []
  const found: Route[] = []
  for (const child of route.routes) {
    const deeper = matchRoutes(child, labels)
    found.push(...deeper)
    if (deeper.length > 0 && !child.continues) break
  }
  return found.length === 0 ? [route] : found
}

/** The labels of the group that an alert with `labels` belongs to on this route. */
export function groupLabelsOf(route: Route, labels: Labels): Labels {
  if (route.groupBy === 'all') return labels
  const entries = route.groupBy.flatMap((name) => {
    const value = labels[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

/** `{alertname="X", job="y"}`: labels as Go prints them, sorted. */
export function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels)
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([name, value]) => `${name}=${quoted(value)}`)
  return `{${pairs.join(', ')}}`
}

/** `{severity="critical",team=~"a|b"}`: matchers as Alertmanager prints them in keys, sorted by name, value, operator. */
export function matchersText(matchers: readonly Matcher[]): string {
  const sorted = matchers.toSorted(
    (a, b) => compareText(a.name, b.name) || compareText(a.value, b.value) || operatorRank(a) - operatorRank(b),
  )
  return `{${sorted.map(matcherText).join(',')}}`
}

const OPERATORS = ['=', '!=', '=~', '!~']

function operatorRank(matcher: Matcher): number {
  return OPERATORS.indexOf(matcher.operator)
}

const RESERVED_IN_NAME = /[\s{}!=~,\\"'`]/u

function matcherText(matcher: Matcher): string {
  if (RESERVED_IN_NAME.test(matcher.name)) {
    return `${quoted(matcher.name)}${matcher.operator}${quoted(matcher.value)}`
  }
  const value = matcher.value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
  return `${matcher.name}${matcher.operator}"${value}"`
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const ESCAPES = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

/** A text as Go's `strconv.Quote` writes it, because group keys are compared with Alertmanager's. */
function quoted(text: string): string {
  let out = '"'
  for (const character of text) out += ESCAPES.get(character) ?? escapeUnprintable(character)
  return `${out}"`
}

function escapeUnprintable(character: string): string {
  if (PRINTABLE.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
